"""The admin panel: audit review by the installation's staff, read-only for everybody."""

import csv
import io
import json
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from rlmlab import scoping
from rlmlab.audit.actions import erase_person, record
from rlmlab.audit.actors import SYSTEM
from rlmlab.audit.models import AuditEntry
from rlmlab.tenancy.actions.invitations import invite
from rlmlab.tenancy.actions.members import add_member, change_role
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.models import User
from rlmlab.tenancy.queries import memberships_of, principal_for_key
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


def test_filter_by_whatever_somebody_is_called(staff: Client, acme: Tenant) -> None:
    invite(by=principal_for_key(acme.key), email="cy@acme.example", role="viewer")
    assert "1 audit entry" in page(staff, f"{LIST}?q=ADA@")
    assert "1 audit entry" in page(staff, f"{LIST}?q=“tests”")  # an API key's label
    assert "2 audit entries" in page(staff, f"{LIST}?q=system")
    assert "0 audit entries" in page(staff, f"{LIST}?q=%25nobody")


def test_all_by_this_actor_and_all_about_this_object(staff: Client, acme: Tenant) -> None:
    make_user("vera@acme.example")
    membership = add_member(by=acme.principal, email="vera@acme.example", role="viewer")
    change_role(by=acme.principal, membership_id=membership.id, role="editor")
    content = staff.get(LIST).content.decode()
    by, about = f"?actor_id={acme.user.id}", f"?object_type=user&amp;object_id={membership.user_id}"
    assert f'class="audit-link" href="{LIST}{by}"' in content
    assert f'href="{LIST}{about}"' in content
    narrowed = page(staff, LIST + by)
    assert "3 audit entries" in narrowed
    assert "By one actor" in narrowed
    narrowed = page(staff, LIST + about.replace("&amp;", "&"))
    assert "2 audit entries" in narrowed
    assert "created the project demo" not in narrowed
    assert "By one actor" not in narrowed


@pytest.mark.parametrize(
    "query", ["actor_id=nonsense", "object_id=1", "at_from=nonsense", "at_to=2026-02-31", "at_to=9999-12-31"]
)
def test_what_is_no_filter_narrows_nothing(staff: Client, acme: Tenant, query: str) -> None:
    assert "3 audit entries" in page(staff, f"{LIST}?{query}")


def test_filter_by_days_includes_both(staff: Client, acme: Tenant) -> None:
    today = timezone.now().date()
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    assert "3 audit entries" in page(staff, f"{LIST}?at_from={today}&at_to={today}")
    assert "0 audit entries" in page(staff, f"{LIST}?at_to={yesterday}")
    assert "0 audit entries" in page(staff, f"{LIST}?at_from={tomorrow}")


def test_entry_shows_differences_and_its_place(staff: Client, acme: Tenant) -> None:
    make_user("vera@acme.example")
    membership = add_member(by=acme.principal, email="vera@acme.example", role="viewer")
    change_role(by=acme.principal, membership_id=membership.id, role="owner")
    text = page(staff, f"{LIST}{entry_id('member.change_role')}/change/")
    assert "role - viewer + owner" in text
    assert "changed a member's role to owner" in text.replace("&#x27;", "'")
    assert "vera@acme.example" in text
    with scoping.organization(acme.organization):
        at = AuditEntry.objects.get(action="member.change_role").at
    assert f"member.change_role {at:%Y-%m-%d %H:%M:%S}" in text
    assert f"{at:%Y-%m-%d %H:%M:%S} acme ada@acme.example" in page(staff, LIST)
    assert re.search(r"Position 5, hash [0-9a-f]{64} ← Entry 4 The last of its chain", text)


def test_entries_lead_along_their_chain(staff: Client, acme: Tenant, bolt: Tenant) -> None:
    with scoping.organization(acme.organization):
        first, second, third = AuditEntry.objects.order_by("link__position")
    content = staff.get(f"{LIST}{second.id}/change/").content.decode()
    assert f'href="{LIST}{first.id}/change/">← Entry 1' in content
    assert f'href="{LIST}{third.id}/change/">Entry 3 →' in content
    assert "The first of its chain" in page(staff, f"{LIST}{first.id}/change/")


def test_several_lines_are_compared_line_by_line(staff: Client, acme: Tenant, as_owner: Execute) -> None:
    with scoping.organization(acme.organization):
        record(
            organization_id=acme.organization.id, actor=SYSTEM, action="project.create", object_type="project",
            object_id=None, changes={"text": {"from": "one\ntwo\nthree", "to": "one\n2\nthree"}, "limits": {"a": [1]}},
        )  # fmt: skip
        entry = AuditEntry.objects.get(changes__has_key="limits")
    content = staff.get(f"{LIST}{entry.id}/change/").content.decode()
    lines = re.findall(r'<(ins|del) class="diff-line"><span class="diff-sign">(.)</span><span>(.*?)</span>', content)
    assert lines == [
        ("del", "-", "two"), ("ins", "+", "2"),
    ]  # fmt: skip
    assert "<span>  &quot;a&quot;: [</span>" in content


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


@pytest.mark.parametrize("path", ["", "add/", "chains/", "export/csv", "export/jsonl"])
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


def verify(client: Client, chain: str = "") -> str:
    response = client.post(f"{LIST}chains/", {"chain": chain})
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_the_list_leads_to_the_chains(staff: Client, acme: Tenant, bolt: Tenant) -> None:
    content = staff.get(LIST).content.decode()
    (url,) = re.findall(r'href="([^"]*check[-_]chains[^"]*)"', content)
    assert staff.get(url)["Location"] == f"{LIST}chains/"
    text = page(staff, f"{LIST}chains/")
    assert "acme 3 not verified now" in text
    assert "(platform) 0 not verified now" in text


def test_verifying_says_of_each_chain_that_it_is_whole(staff: Client, acme: Tenant, bolt: Tenant) -> None:
    text = verify(staff)
    assert re.search(r"acme 3 ✓ Whole : 3 entries in \S+ m?s. Head [0-9a-f]{16}…", text)
    assert re.search(r"bolt 3 ✓ Whole : 3 entries", text)
    text = verify(staff, "bolt")
    assert "acme 3 not verified now" in text
    assert "bolt 3 ✓ Whole" in text


def test_verifying_names_what_is_broken(staff: Client, acme: Tenant, bolt: Tenant, as_owner: Execute) -> None:
    as_owner("ALTER TABLE audit_auditentry DISABLE TRIGGER USER")
    as_owner(
        "UPDATE audit_auditentry SET action = 'x' WHERE action = 'project.create' AND organization_id = %s",
        acme.organization.id,
    )
    as_owner("ALTER TABLE audit_auditentry ENABLE TRIGGER USER")
    text = verify(staff)
    assert "✗ Broken at position 2 : its hash does not match its content. The 1 before it are right" in text
    assert "bolt 3 ✓ Whole" in text
    assert " x " in page(staff, LIST)  # a forged action is shown, not stumbled over


def exported(client: Client, form: str, query: str = "") -> Any:
    """Export as the staff of `client`, over ASGI as in an installation."""
    other = AsyncClient()
    other.cookies = client.cookies

    async def get() -> Any:
        response: Any = await other.get(f"{LIST}export/{form}{query}")
        if response.status_code == 200:
            response.text_sent = "".join([part.decode() async for part in response.streaming_content])
        return response

    return async_to_sync(get)()


def test_export_as_csv_keeps_the_filter_and_escapes_formulas(staff: Client, acme: Tenant, bolt: Tenant) -> None:
    create_project(by=acme.principal, slug="x", name="=HYPERLINK(1)")
    response = exported(staff, "csv", "?action=project.create")
    assert response["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.DictReader(io.StringIO(response.text_sent)))
    assert [row["sentence"] for row in rows] == [
        "created the project x", "created the project demo", "created the project demo",
    ]  # fmt: skip
    assert {row["actor"] for row in rows} == {"ada@acme.example", "bo@bolt.example"}
    assert json.loads(rows[0]["changes"])["name"] == {"before": "", "after": "=HYPERLINK(1)"}


def test_export_as_lines_of_json_goes_over_all_pages(
    staff: Client, acme: Tenant, bolt: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rlmlab.tenancy.admin.EXPORT_PAGE", 2)
    response = exported(staff, "jsonl")
    lines = [json.loads(line) for line in response.text_sent.splitlines()]
    with scoping.system("a test reads the ids of all entries"):
        assert [line["id"] for line in lines] == [
            str(found) for found in AuditEntry.objects.order_by("-id").values_list("id", flat=True)
        ]
    assert lines[0]["changes"]["label"] == {"before": "", "after": "tests"}
    assert lines[0]["actor_id"] is None


def test_more_than_a_file_holds_is_refused_and_not_cut(
    staff: Client, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rlmlab.tenancy.admin.EXPORT_MOST", 2)
    response = exported(staff, "csv", "?outcome__exact=ok")
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?outcome__exact=ok")
    assert "More than 2 entries are meant: narrow the filter, then export." in page(staff, LIST)
    assert exported(staff, "csv", "?action=project.create").status_code == 200


def test_export_of_another_kind_is_not_there(staff: Client) -> None:
    assert staff.get(f"{LIST}export/xlsx").status_code == 404


def test_staff_alone_opens_no_organization(staff: Client, acme: Tenant) -> None:
    assert memberships_of(User.objects.get(email="root@example.org")) == []
