"""A project's settings: what is named changes, and is recorded with both values."""

from typing import Any

import pytest

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy.actions.projects import configure_project
from rlmlab.tenancy.actions.providers import remove_provider_key, set_provider_key
from rlmlab.tenancy.principals import PermissionMissing, Principal
from rlmlab.tenancy.queries import project_by_slug
from tests.factories.tenancy import Tenant

pytestmark = pytest.mark.django_db
LOCAL = "local/gemma-3-270m"


def recorded(by: Principal) -> list[dict[str, Any]]:
    with scoping.organization(by.organization):
        found = AuditEntry.objects.filter(action="project.configure").order_by("id")
        return [entry.changes for entry in found]


def test_what_is_named_changes_and_the_rest_stays(acme: Tenant) -> None:
    configure_project(by=acme.principal, project=acme.project, changes={"name": " Papers ", "budget.max_steps": 7})
    changes = {
        "default_model": LOCAL,
        "default_sub_model": LOCAL,
        "fallback_models": [LOCAL, LOCAL],
        "default_environment": "restricted",
        "use_examples": True,
        "use_memory": True,
        "budget.max_tokens": 5000,
        "budget.max_cost_usd": 0.5,
        "budget.max_seconds": 60,
        "budget.max_depth": 0,
        "budget.max_sub_calls": 10,
    }
    configure_project(by=acme.principal, project=acme.project, changes=changes)
    found = project_by_slug(acme.principal, "demo")
    assert (found.name, found.default_model, found.default_sub_model) == ("Papers", LOCAL, LOCAL)
    assert (found.fallback_models, found.default_environment) == ([LOCAL], "restricted")
    assert (found.use_examples, found.use_memory) == (True, True)
    assert (found.max_tokens, found.max_cost_usd, found.max_seconds) == (5000, 0.5, 60)
    assert (found.max_depth, found.max_steps, found.max_sub_calls) == (0, 7, 10)
    configure_project(by=acme.principal, project=acme.project, changes={"budget.max_steps": None})
    assert project_by_slug(acme.principal, "demo").max_steps is None


def test_a_change_is_recorded_with_both_values_and_none_is_not(acme: Tenant) -> None:
    for _ in range(2):
        configure_project(by=acme.principal, project=acme.project, changes={"name": "Papers", "use_memory": False})
    assert recorded(acme.principal) == [{"slug": "demo", "name": {"from": "demo", "to": "Papers"}}]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": " "}, "name", "must not be empty"),
        ({"name": "a\x00"}, "name", "must not contain control characters"),
        ({"slug": "other"}, "slug", "is not a setting of a project"),
        ({"budget.max_joy": 1}, "budget.max_joy", "is not a setting of a project"),
        ({"default_model": "nonsense"}, "default_model", "Unknown model 'nonsense'"),
        ({"default_sub_model": "groq/x"}, "default_sub_model", "No credentials for groq"),
        ({"fallback_models": [LOCAL, "nobody/x"]}, "fallback_models.1", "Unknown model 'nobody/x'"),
        ({"fallback_models": [""]}, "fallback_models.0", "must not be empty"),
        ({"fallback_models": [LOCAL] * 6}, "fallback_models", "has 6 items; 5 are allowed"),
        ({"default_environment": "moon"}, "default_environment", '"moon" is not an environment'),
        ({"use_memory": "yes"}, "use_memory", "must be true or false"),
        ({"budget.max_tokens": 0}, "budget.max_tokens", "must be at least 1"),
        ({"budget.max_tokens": 1.5}, "budget.max_tokens", "must be a whole number"),
        ({"budget.max_tokens": 6000}, "budget.max_tokens", "is 6,000; your organization's cap is 5,000"),
        ({"budget.max_cost_usd": float("nan")}, "budget.max_cost_usd", "must be at least 0"),
        ({"budget.max_depth": 33}, "budget.max_depth", "is 33; the highest value is 32"),
    ],
)
def test_wrong_field_is_named_and_nothing_changes(
    acme: Tenant, changes: dict[str, Any], field: str, words: str
) -> None:
    acme.principal.organization.max_tokens_per_run = 5000
    with pytest.raises(Invalid) as caught:
        configure_project(by=acme.principal, project=acme.project, changes={"use_examples": True, **changes})
    assert [error.field for error in caught.value.errors] == [field]
    assert caught.value.errors[0].message.startswith(words)
    assert project_by_slug(acme.principal, "demo").use_examples is False
    assert recorded(acme.principal) == []


def test_all_wrong_fields_are_named_at_once(acme: Tenant) -> None:
    with pytest.raises(Invalid) as caught:
        configure_project(by=acme.principal, project=acme.project, changes={"name": "", "budget.max_steps": 0})
    assert [error.field for error in caught.value.errors] == ["name", "budget.max_steps"]


def test_model_whose_key_was_taken_away_does_not_stand_in_the_way(acme: Tenant) -> None:
    key = set_provider_key(by=acme.principal, provider="groq", api_key="sk-acme")
    configure_project(by=acme.principal, project=acme.project, changes={"default_model": "groq/x"})
    remove_provider_key(by=acme.principal, provider_key_id=key.id)
    changes = {"default_model": "groq/x", "name": "Papers"}
    assert configure_project(by=acme.principal, project=acme.project, changes=changes).name == "Papers"


def test_another_organizations_project_is_not_found_and_an_editor_may_not(acme: Tenant, bo: Principal) -> None:
    with pytest.raises(NotFound, match='no project "demo"'):
        configure_project(by=bo, project=acme.project, changes={"name": "Mine"})
    editor = Principal(acme.principal.actor, acme.organization, "editor")
    with pytest.raises(PermissionMissing, match=r"project\.configure"):
        configure_project(by=editor, project=acme.project, changes={"name": "Mine"})
    assert project_by_slug(acme.principal, "demo").name == "demo"
