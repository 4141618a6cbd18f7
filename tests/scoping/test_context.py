"""Scopes open, nest, and are gone afterwards."""

from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from rlmlab import scoping
from rlmlab.scoping.context import organization_id_of
from rlmlab.tenancy.models import Project
from tests.factories.tenancy import Tenant

pytestmark = pytest.mark.django_db


def settings_now() -> tuple[str, str]:
    """What the database holds at this moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('rlmlab.organization', true), current_setting('rlmlab.system', true)")
        found = cursor.fetchone()
    return found[0] or "", found[1] or ""


def make_project_and_fail(tenant: Tenant) -> None:
    with scoping.organization(tenant.organization):
        Project.objects.create(organization=tenant.organization, slug="gone", name="Gone")
        _ = 1 / 0


def test_outside_there_is_no_scope() -> None:
    assert scoping.current_organization_id() is None
    assert scoping.current_system_reason() == ""
    assert settings_now() == ("", "")


def test_organization_takes_a_row_or_an_id(acme: Tenant) -> None:
    for given in (acme.organization, acme.organization.id):
        with scoping.organization(given):
            assert scoping.current_organization_id() == acme.organization.id
            assert settings_now() == (str(acme.organization.id), "")
    assert settings_now() == ("", "")


@pytest.mark.parametrize("given", ["acme", None, 7, Project()])
def test_organization_refuses_anything_else(given: object) -> None:
    if isinstance(given, Project):
        given.pk = None
    with pytest.raises(TypeError, match="an organization or its UUID"):
        organization_id_of(given)  # type: ignore[arg-type]


def test_nested_scopes_restore_the_outer_one() -> None:
    outer, inner = uuid4(), uuid4()
    with scoping.organization(outer):
        with scoping.organization(inner):
            assert settings_now() == (str(inner), "")
        assert settings_now() == (str(outer), "")
        with scoping.organization(outer):
            assert settings_now() == (str(outer), "")
        assert (scoping.current_organization_id(), settings_now()) == (outer, (str(outer), ""))


def test_organization_narrows_a_system_scope() -> None:
    organization = uuid4()
    with scoping.system("a test of nesting"):
        assert (scoping.current_system_reason(), settings_now()) == ("a test of nesting", ("", "on"))
        with scoping.organization(organization):
            assert (scoping.current_system_reason(), settings_now()) == ("", (str(organization), ""))
        assert settings_now() == ("", "on")
    assert settings_now() == ("", "")


def test_system_sees_every_organization(acme: Tenant, bolt: Tenant) -> None:
    with scoping.system("a test of reach"):
        assert set(Project.objects.all()) == {acme.project, bolt.project}


@pytest.mark.parametrize("reason", ["", "  "])
def test_system_needs_a_reason(reason: str) -> None:
    with pytest.raises(ValueError, match="needs a reason"), scoping.system(reason):
        pass


def test_exception_restores_the_outer_scope_and_rolls_back_the_inner(acme: Tenant) -> None:
    outer = acme.organization.id
    with scoping.organization(outer):
        with pytest.raises(ZeroDivisionError):
            make_project_and_fail(acme)
        assert (scoping.current_organization_id(), settings_now()) == (outer, (str(outer), ""))
        assert list(Project.objects.values_list("slug", flat=True)) == ["demo"]
    with pytest.raises(ZeroDivisionError), scoping.system("a test of failing"):
        _ = 1 / 0
    assert (scoping.current_system_reason(), settings_now()) == ("", ("", ""))


def test_database_error_inside_restores_the_outer_scope(acme: Tenant) -> None:
    with scoping.organization(acme.organization):
        with pytest.raises(Exception, match="division by zero"), scoping.organization(uuid4()):
            connection.cursor().execute("SELECT 1 / 0")
        assert settings_now() == (str(acme.organization.id), "")


def test_for_org_takes_a_row_or_an_id(acme: Tenant, bolt: Tenant) -> None:
    with scoping.system("a test of for_org"):
        assert list(Project.objects.for_org(acme.organization)) == [acme.project]
        assert list(Project.objects.for_org(bolt.organization.id)) == [bolt.project]
        assert list(Project.objects.filter(slug="demo").for_org(uuid4())) == []
    with pytest.raises(TypeError, match="an organization or its UUID"):
        Project.objects.for_org("acme")  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
def test_commit_leaves_nothing_on_the_connection() -> None:
    seen: list[tuple[UUID | None, tuple[str, str]]] = []
    organization = uuid4()
    with scoping.organization(organization):
        transaction.on_commit(lambda: seen.append((scoping.current_organization_id(), settings_now())))
    assert seen == [(None, ("", ""))]
    assert settings_now() == ("", "")


@pytest.mark.django_db(transaction=True)
def test_scope_inside_a_plain_transaction_ends_before_it() -> None:
    with transaction.atomic():
        with scoping.organization(uuid4()):
            pass
        assert settings_now() == ("", "")
