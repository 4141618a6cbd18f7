"""How tables are declared: named constraints, no ordering of their own, no nullable text, JSON only where it is due."""

from typing import Final

import pytest
from django.contrib.contenttypes.fields import GenericForeignKey
from django.db import connection, models

from tests.guards.test_tenant_key_on_every_model import our_models

JSON_COLUMNS: Final = {
    "audit_auditentry.changes": "what an audited action changed, field by field",
    "audit_auditperson.fields": "the personal part of what an audited action changed",
    "trajectories_event.payload": "an event's payload, a closed union",
    "trajectories_experiment.plan": "a plan, frozen before the first call",
    "trajectories_item.expected": "what a run's answer should be: any JSON value",
    "trajectories_promotion.evidence": "an experiment's result, frozen when the label moved",
    "trajectories_rating.correction": "what a run's answer should have been: any JSON value",
    "trajectories_run.answer": "the payload of the run's last answer: whatever the model submitted, or its schema says",
    "trajectories_run.response_schema": "a JSON Schema",
}
# being unique is what these fields are
UNIQUE_BY_KIND: Final = (models.OneToOneField, models.AutoField)


def ours() -> list[type[models.Model]]:
    return [model for model in our_models() if not model._meta.auto_created]


def fields() -> list[tuple[str, models.Field]]:  # type: ignore[type-arg]
    return [(f"{model._meta.db_table}.{field.column}", field) for model in ours() for field in model._meta.local_fields]


def test_there_are_models_to_guard() -> None:
    assert {"trajectories_run", "trajectories_event", "tenancy_project"} <= {model._meta.db_table for model in ours()}
    assert len(fields()) > 100


def test_json_columns_are_the_listed_ones() -> None:
    assert {name for name, field in fields() if isinstance(field, models.JSONField)} == JSON_COLUMNS.keys()


def test_no_model_has_an_ordering_of_its_own() -> None:
    """It would cost a sort in every query that forgets to drop it, and hide the order where it matters."""
    assert [model for model in ours() if model._meta.ordering] == []


def test_no_text_is_null() -> None:
    """Empty text says the same, and two ways to say nothing are one too many."""
    texts = (models.CharField, models.TextField)
    assert [name for name, field in fields() if isinstance(field, texts) and field.null] == []


def test_whatever_is_unique_is_a_named_constraint() -> None:
    unnamed = [
        name
        for name, field in fields()
        if field.unique and not field.primary_key and not isinstance(field, UNIQUE_BY_KIND)
    ]
    assert unnamed == []
    assert [model for model in ours() if model._meta.unique_together] == []


def test_constraints_and_indexes_say_what_they_are_about() -> None:
    """A violation is met by its name, so a name says the rule: words, and its own among all tables."""
    names = [item.name for model in ours() for item in (*model._meta.constraints, *model._meta.indexes)]
    assert len(set(names)) == len(names)
    assert [name for name in names if name != name.lower() or name.count("_") < 1] == []


def test_every_choice_is_held_by_a_constraint() -> None:
    """Django checks choices in forms only; whatever writes by itself meets the database."""
    unheld = [
        f"{model._meta.db_table}.{field.column}"
        for model in ours()
        for field in model._meta.local_fields
        if field.choices
        and not any(
            isinstance(constraint, models.CheckConstraint) and field.name in names_in(constraint.condition)
            for constraint in model._meta.constraints
        )
    ]
    assert unheld == []


def names_in(condition: object) -> set[str]:
    """Return the fields that a Q object compares."""
    if isinstance(condition, models.Q):
        return set().union(*(names_in(child) for child in condition.children))
    return {condition[0].partition("__")[0]} if isinstance(condition, tuple) else set()


def test_no_model_points_anywhere() -> None:
    generic = [
        model for model in ours() for field in model._meta.private_fields if isinstance(field, GenericForeignKey)
    ]
    assert generic == []


@pytest.mark.django_db
def test_the_database_has_every_declared_constraint_under_its_name() -> None:
    declared = {constraint.name for model in ours() for constraint in model._meta.constraints}
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes")
        assert declared - {name for (name,) in cursor.fetchall()} == set()
