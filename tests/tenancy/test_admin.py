"""The admin panel: audit review by the installation's staff, read-only for everybody."""

import re
from uuid import UUID

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rlmlab import scoping
from rlmlab.audit.actions import erase_person
from rlmlab.audit.actors import SYSTEM
from rlmlab.audit.models import AuditEntry
from rlmlab.tenancy.actions.invitations import invite
from rlmlab.tenancy.actions.members import add_member, change_role
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.models import User
from rlmlab.tenancy.queries import memberships_of
from tests.database import Execute
from tests.factories.tenancy import Tenant, make_user

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/audit/auditentry/"


@pytest.fixture
def staff(client: Client) -> Client:
    """The browser of the installation's staff, who belong to no organization."""
    client.force_login(make_user("root@example.org", staff=True), "allauth.account.auth_backends.AuthenticationBackend")
    return client


def page(client: Client, url: str) -> str:
    """The text of a page, without tags."""
    response = client.get(url)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def entry_id(action: str) -> UUID:
    with scoping.system("a test finds an entry"):
        return AuditEntry.objects.get(action=action).id


def test_staff_reviews_entries_of_every_organization(staff: Client, acme: Tenant, bolt: Tenant) -> None:
    text = page(staff, LIST)
    assert "6 audit entries" in text
    for words in ("acme", "bolt", "ada@acme.example", "created the project demo", "created the organization bolt"):
        assert words in text


def test_list_makes_the_same_queries_for_few_and_many(staff: Client, acme: Tenant) -> None:
    with CaptureQueriesContext(connection) as few:
        page(staff, LIST)
    for number in range(5):
        invite(by=acme.principal, email=f"m{number}@acme.example", role="viewer")
    with CaptureQueriesContext(connection) as many:
        page(staff, LIST)
    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("action=project.create", "created the project demo", "created the organization acme"),
        ("outcome__exact=denied", "0 audit entries", "created the project demo"),
        ("actor_kind__exact=user", "created the project demo", "created the organization acme"),
        ("organization=00000000-0000-0000-0000-000000000000", "0 audit entries", "created the project demo"),
        ("organization=nonsense", "created the project demo", "0 audit entries"),
    ],
)
def test_filters(staff: Client, acme: Tenant, query: str, shown: str, hidden: str) -> None:
    table = page(staff, f"{LIST}?{query}")
    assert shown in table
    assert hidden not in table


def test_filter_by_organization(staff: Client, acme: Tenant, bolt: Tenant) -> None:
    text = page(staff, f"{LIST}?organization={bolt.organization.id}")
    assert "created the organization bolt" in text
    assert "created the organization acme" not in text


def test_entry_shows_differences_and_its_place(staff: Client, acme: Tenant) -> None:
    make_user("vera@acme.example")
    membership = add_member(by=acme.principal, email="vera@acme.example", role="viewer")
    change_role(by=acme.principal, membership_id=membership.id, role="owner")
    text = page(staff, f"{LIST}{entry_id('member.change_role')}/change/")
    assert "field before after role viewer owner" in text
    assert "changed a member's role to owner" in text.replace("&#x27;", "'")
    assert "vera@acme.example" in text
    assert re.search(r" 5: [0-9a-f]{64} ", text)


def test_markup_in_values_is_shown_as_text(staff: Client, acme: Tenant) -> None:
    create_project(by=acme.principal, slug="x", name="<script>alert(1)</script>")
    with scoping.system("a test finds an entry"):
        entry = AuditEntry.objects.get(changes__slug="x")
    content = staff.get(f"{LIST}{entry.id}/change/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in content
    assert "<script>alert(1)" not in content


def test_erased_people_are_shown_as_such(staff: Client, acme: Tenant) -> None:
    erase_person(person_id=acme.user.id, by=SYSTEM)
    text = page(staff, LIST)
    assert "ada@acme.example" not in text
    assert "user (erased)" in text


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_adds_or_deletes(staff: Client, acme: Tenant, method: str) -> None:
    send = getattr(staff, method)
    assert send(f"{LIST}add/").status_code == 403
    assert send(f"{LIST}{entry_id('project.create')}/delete/").status_code in {302, 403}
    with scoping.system("a test counts"):
        assert AuditEntry.objects.count() == 3


def test_nobody_changes(staff: Client, acme: Tenant) -> None:
    url = f"{LIST}{entry_id('project.create')}/change/"
    assert "Save" not in page(staff, url)
    assert staff.post(url, {"action": "x"}).status_code == 403
    with scoping.system("a test reads"):
        assert set(AuditEntry.objects.values_list("action", flat=True)) == {
            "organization.create", "project.create", "api_key.create",
        }  # fmt: skip


def test_list_offers_no_bulk_action(staff: Client, acme: Tenant) -> None:
    chosen = entry_id("project.create")
    response = staff.post(LIST, {"action": "delete_selected", "_selected_action": [str(chosen)]})
    assert b"Are you sure" not in response.content
    assert entry_id("project.create") == chosen


@pytest.mark.parametrize("path", ["", "add/", "check-chains"])
def test_owner_of_an_organization_has_no_business_there(client: Client, acme: Tenant, path: str) -> None:
    client.force_login(acme.user, "allauth.account.auth_backends.AuthenticationBackend")
    response = client.get(LIST + path)
    assert response.status_code in {302, 403, 404}
    assert b"created the project" not in response.content


def test_sign_in_of_the_panel_is_that_of_the_installation(client: Client) -> None:
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))


@pytest.mark.parametrize(
    ("path", "page_name"), [("logout/", "account_logout"), ("password_change/", "account_change_password")]
)
def test_sessions_and_passwords_go_through_the_pages_that_record(staff: Client, path: str, page_name: str) -> None:
    response = staff.post(f"/admin/{path}")
    assert (response.status_code, response["Location"]) == (302, reverse(page_name))


def test_packages_tables_cannot_be_edited_there() -> None:
    assert {model._meta.label for model in admin.site._registry} == {"audit.AuditEntry"}


def check_chains(client: Client) -> str:
    content = client.get(LIST).content.decode()
    (url,) = re.findall(r'href="([^"]*check[-_]chains[^"]*)"', content)
    return re.sub(r"\s+", " ", client.get(url, follow=True).content.decode())


def test_chain_check_says_that_all_is_whole(staff: Client, acme: Tenant) -> None:
    assert "All 1 chains are whole: 3 entries." in check_chains(staff)


def test_chain_check_names_what_is_broken(staff: Client, acme: Tenant, as_owner: Execute) -> None:
    as_owner("ALTER TABLE audit_auditentry DISABLE TRIGGER USER")
    as_owner("UPDATE audit_auditentry SET object_type = 'x' WHERE action = 'project.create'")
    as_owner("ALTER TABLE audit_auditentry ENABLE TRIGGER USER")
    text = check_chains(staff)
    assert f"Chain {acme.organization.id} is broken at position 2: its hash does not match its content." in text


def test_staff_alone_opens_no_organization(staff: Client, acme: Tenant) -> None:
    assert memberships_of(User.objects.get(email="root@example.org")) == []
