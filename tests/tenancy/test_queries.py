"""Who is somebody, in which organization."""

import pytest

from rlmlab.errors import NotFound
from rlmlab.tenancy.models import User
from rlmlab.tenancy.principals import PermissionMissing, Principal
from rlmlab.tenancy.queries import (
    any_organization,
    audit_page,
    member_principal,
    memberships_of,
    organization_by_slug,
    principal_for_user,
)
from tests.factories.tenancy import Tenant, make_user

pytestmark = pytest.mark.django_db


def test_principal_for_user_is_the_member(acme: Tenant) -> None:
    principal = principal_for_user(acme.user, "acme")
    assert (principal.organization, principal.role) == (acme.organization, "owner")
    assert (principal.actor.kind, principal.actor.id, principal.actor.label) == ("user", acme.user.id, acme.user.email)


def test_organization_of_others_and_none_get_one_answer(acme: Tenant, bolt: Tenant) -> None:
    for slug in ("bolt", "nowhere"):
        with pytest.raises(NotFound) as caught:
            principal_for_user(acme.user, slug)
        assert caught.value.detail == f'There is no organization "{slug}".'


def test_inactive_person_is_no_principal(acme: Tenant) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(NotFound):
        principal_for_user(acme.user, "acme")


def test_memberships_of_lists_own_organizations_only(acme: Tenant, bolt: Tenant) -> None:
    (membership,) = memberships_of(acme.user)
    assert membership.organization == acme.organization
    assert member_principal(acme.user, membership) == acme.principal
    assert memberships_of(make_user("nobody@example.org")) == []


def test_memberships_of_makes_one_query_for_organizations(acme: Tenant, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(5):  # type: ignore[operator]
        assert [membership.organization.slug for membership in memberships_of(acme.user)] == ["acme"]


def test_organization_by_slug(acme: Tenant) -> None:
    assert organization_by_slug("acme") == acme.organization
    assert organization_by_slug("nowhere") is None


def test_any_organization_tells_whether_there_was_a_bootstrap(request: pytest.FixtureRequest) -> None:
    assert any_organization() is False
    request.getfixturevalue("acme")
    assert any_organization() is True


def test_audit_page_shows_own_entries_newest_first(ada: Principal, bo: Principal, vera: Principal) -> None:
    page = audit_page(ada)
    assert [entry.sentence for entry in page] == [
        f"made the API key {page[0].changes[1].after} “tests” as owner",
        "created the project demo",
        "created the organization acme",
    ]
    assert [entry.actor for entry in page] == ["system", "ada@acme.example", "system"]
    assert [(change.field, change.before, change.after) for change in page[1].changes] == [
        ("name", "", "demo"), ("slug", "", "demo"),
    ]  # fmt: skip
    assert audit_page(ada, before=page[0].id, limit=1) == [page[1]]
    with pytest.raises(PermissionMissing):
        audit_page(vera)
