"""The database keeps organizations apart, whatever the code above forgets."""

import pytest
from django.db import ProgrammingError, connection, transaction

from rlmlab import scoping
from rlmlab.tenancy.models import ApiKey, Membership, Organization, Project
from tests.database import Execute
from tests.factories.tenancy import Tenant


def test_tenant_tables_without_a_scope_are_empty(acme: Tenant) -> None:
    assert [model.objects.count() for model in (Organization, Membership, Project, ApiKey)] == [0, 0, 0, 0]


def test_raw_sql_without_a_scope_sees_nothing(acme: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenancy_project")
        assert cursor.fetchone() == (0,)


def test_raw_sql_in_a_scope_sees_one_organization(acme: Tenant, bolt: Tenant) -> None:
    with scoping.organization(bolt.organization), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tenancy_project")
        assert cursor.fetchall() == [(bolt.project.id,)]


def test_query_that_forgets_its_filter_stays_inside(acme: Tenant, bolt: Tenant) -> None:
    with scoping.organization(acme.organization):
        assert list(Project.objects.all()) == [acme.project]
        assert not Project.objects.filter(pk=bolt.project.pk).exists()


def test_insert_for_another_organization_is_refused(acme: Tenant, bolt: Tenant) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), scoping.organization(acme.organization):
        Project.objects.create(organization=bolt.organization, slug="theirs", name="Theirs")


def test_insert_without_a_scope_is_refused(acme: Tenant) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Project.objects.create(organization=acme.organization, slug="other", name="Other")


def test_row_cannot_be_moved_to_another_organization(acme: Tenant, bolt: Tenant) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), scoping.organization(acme.organization):
        Project.objects.filter(pk=acme.project.pk).update(organization=bolt.organization)


def test_update_and_delete_do_not_reach_another_organization(acme: Tenant, bolt: Tenant) -> None:
    with scoping.organization(acme.organization):
        assert Project.objects.filter(pk=bolt.project.pk).update(name="Mine") == 0
        assert Project.objects.filter(pk=bolt.project.pk).delete()[0] == 0
    with scoping.organization(bolt.organization):
        assert Project.objects.get().name == "demo"


def test_organization_row_is_hidden_from_others(acme: Tenant, bolt: Tenant) -> None:
    with scoping.organization(acme.organization):
        assert list(Organization.objects.values_list("slug", flat=True)) == ["acme"]


@pytest.mark.django_db
def test_application_role_owns_nothing_and_changes_no_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user")
        assert cursor.fetchone() == (0,)
    for statement in (
        "ALTER TABLE tenancy_project DISABLE ROW LEVEL SECURITY",
        "DROP POLICY rlmlab_scope ON tenancy_project",
        "CREATE TABLE mine (id int)",
        "TRUNCATE tenancy_project",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('tenancy', '9999', now())",
    ):
        with (
            pytest.raises(ProgrammingError, match=r"must be owner|permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_owner_sees_every_organization_though_security_is_forced(acme: Tenant, bolt: Tenant, as_owner: Execute) -> None:
    assert as_owner("SELECT slug FROM tenancy_organization ORDER BY slug") == [("acme",), ("bolt",)]
    assert as_owner(
        "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'tenancy_organization'"
    ) == [(True, True)]
