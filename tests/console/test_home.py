"""Where a person lands, and what the frame around the page offers."""

import pytest
from django.test import Client

from rlmlab.tenancy.actions.members import add_member
from rlmlab.tenancy.models import Role
from tests.console.conftest import browser_of
from tests.console.page import links_of, text_of
from tests.factories.tenancy import Tenant, make_member, make_tenant, make_user

pytestmark = pytest.mark.django_db


def where(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 302
    return str(response["Location"])


@pytest.mark.parametrize("path", ["/", "/organizations", "/o/acme", "/o/acme/p/demo/runs", "/o/acme/settings/keys"])
def test_strangers_are_sent_to_sign_in(client: Client, acme: Tenant, path: str) -> None:
    assert where(client, path) == f"/accounts/login/?next={path}"


def test_the_only_organization_opens_at_once(as_ada: Client) -> None:
    assert where(as_ada, "/") == "/o/acme"
    assert as_ada.get("/o/acme").status_code == 200


def test_several_organizations_are_listed_with_the_role_in_each(as_ada: Client, acme: Tenant, bolt: Tenant) -> None:
    add_member(by=bolt.principal, email="ada@acme.example", role=Role.VIEWER)
    assert where(as_ada, "/") == "/organizations"
    page = text_of(as_ada.get("/organizations"))
    assert "Acme Owner" in page
    assert "Bolt Viewer" in page


def test_a_person_without_organization_is_told_what_to_do(client: Client, acme: Tenant) -> None:
    client.force_login(make_user("cy@nowhere.example"), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "Ask an owner or an admin for an invitation link" in text_of(client.get("/organizations"))


def test_another_organization_is_not_there(as_bo: Client, acme: Tenant) -> None:
    for path in (
        "/o/acme",
        "/o/acme/projects",
        "/o/acme/p/demo/runs",
        "/o/acme/p/demo/runs/new",
        "/o/acme/settings/audit",
    ):
        assert as_bo.get(path).status_code == 404, path


def test_the_switcher_names_no_organization_but_ones_own(as_bo: Client, acme: Tenant) -> None:
    page = as_bo.get("/o/bolt/projects")
    assert "/o/bolt" in links_of(page)
    assert not any("acme" in link for link in links_of(page))


@pytest.mark.parametrize("role", Role)
def test_settings_are_offered_to_whom_they_are_open(acme: Tenant, role: Role) -> None:
    settings = {"/o/acme/settings/members", "/o/acme/settings/keys", "/o/acme/settings/audit"}
    offered = settings & links_of(browser_of(make_member(acme.organization, "x@acme.example", role)).get("/o/acme"))
    assert offered == (settings if role in {Role.OWNER, Role.ADMIN} else set())


def test_the_project_looked_at_last_stays_in_reach(as_ada: Client) -> None:
    assert "/o/acme/p/demo/runs" not in links_of(as_ada.get("/o/acme/settings/members"))
    as_ada.get("/o/acme/p/demo/runs")
    assert {"/o/acme/p/demo/runs", "/o/acme/p/demo/runs/new"} <= links_of(as_ada.get("/o/acme/settings/members"))


def test_the_project_of_one_organization_is_not_shown_in_another(as_ada: Client) -> None:
    as_ada.get("/o/acme/p/demo/runs")
    other = make_tenant("other", "olga@other.example")
    client = Client()
    client.force_login(other.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert not any("acme" in link for link in links_of(client.get("/o/other/projects")))
