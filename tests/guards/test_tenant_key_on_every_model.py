"""Every table of ours has the tenant's key and row-level security, or a reason why not."""

from typing import Final

import pytest
from django.apps import apps
from django.db import connection, models

from rlmlab.scoping.models import OrgModel

OURS: Final = ("rlmlab.", "trajectories", "memory")

# table → the column that holds the organization's id
OTHER_KEYS: Final = {
    "tenancy_organization": "id",  # the tenant itself
    "audit_auditentry": "organization_id",  # no foreign key: the log outlives organizations
    "audit_auditlink": "organization_id",
    "audit_auditperson": "organization_id",
}
NO_TENANT: Final = {
    "tenancy_user": "a person belongs to any number of organizations, and signs in before one is known",
    "tenancy_user_groups": "Django's own permissions of the installation's staff",
    "tenancy_user_user_permissions": "Django's own permissions of the installation's staff",
}


def our_models() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model.__module__.startswith(OURS) and model._meta.managed
    ]


def tenant_tables() -> dict[str, str]:
    found = {model._meta.db_table: "organization_id" for model in our_models() if issubclass(model, OrgModel)}
    return {**found, **OTHER_KEYS}


def test_there_are_models_to_guard() -> None:
    assert {"tenancy_project", "tenancy_apikey", "tenancy_membership"} <= tenant_tables().keys()


def test_every_model_is_a_tenants_or_says_why_not() -> None:
    tables = {model._meta.db_table for model in our_models()}
    assert tables - tenant_tables().keys() - NO_TENANT.keys() == set()


def test_no_exception_is_stale() -> None:
    tables = {model._meta.db_table for model in our_models()}
    assert {*OTHER_KEYS, *NO_TENANT} <= tables
    assert not any(issubclass(model, OrgModel) and model._meta.db_table in NO_TENANT for model in our_models())


def test_the_key_is_never_null() -> None:
    for model in our_models():
        if model._meta.db_table in tenant_tables():
            column = tenant_tables()[model._meta.db_table]
            field = next(field for field in model._meta.concrete_fields if field.column == column)
            assert not field.null, model


POLICY: Final = (
    "(({column} = ( SELECT (NULLIF(current_setting('rlmlab.organization'::text, true), ''::text))::uuid AS \"nullif\"))"
    " OR ( SELECT (current_setting('rlmlab.system'::text, true) = 'on'::text)))"
)


@pytest.mark.django_db
def test_every_tenant_table_has_the_policy_and_forces_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        forced = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT tablename, qual, with_check FROM pg_policies WHERE policyname = 'rlmlab_scope'"
            " AND roles = ARRAY[current_user] AND cmd = 'ALL' AND permissive = 'PERMISSIVE'"
        )
        policies = {
            table: (" ".join(qual.split()), " ".join(check.split())) for table, qual, check in cursor.fetchall()
        }
        cursor.execute("SELECT DISTINCT policyname FROM pg_policies WHERE roles @> ARRAY[current_user]")
        assert cursor.fetchall() == [("rlmlab_scope",)]
    expected = {table: (POLICY.format(column=column),) * 2 for table, column in tenant_tables().items()}
    assert tenant_tables().keys() - forced == set()
    assert policies == expected


@pytest.mark.django_db
def test_no_table_of_ours_stands_outside_django() -> None:
    """A table that a migration makes by SQL would escape the guard above."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = {name for (name,) in cursor.fetchall()}
    known = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert tables - known == {"django_migrations"}
