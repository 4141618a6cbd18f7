"""The audit log's page: filters, differences, the check of the chain."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.tenancy.actions.members import change_role
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import members_of
from tests.console.page import text_of
from tests.database import Execute
from tests.factories.tenancy import Tenant

pytestmark = pytest.mark.django_db

AUDIT = "/o/acme/settings/audit"
VERIFY = f"{AUDIT}/verify"


def sentences(client: Client, **query: object) -> list[str]:
    response = client.get(AUDIT, {name: str(value) for name, value in query.items()})
    assert response.status_code == 200
    return [entry.sentence for entry in response.context["entries"]]


@pytest.fixture
def promoted(ada: Principal, vera: Principal) -> Principal:
    """Vera, an editor now."""
    membership = next(member for member in members_of(ada) if member.user_id == vera.actor.id)
    change_role(by=ada, membership_id=membership.id, role="editor")
    return vera


def test_entries_are_narrowed(as_ada: Client, ada: Principal, promoted: Principal) -> None:
    assert len(sentences(as_ada)) == 4
    assert sentences(as_ada, actor="ADA@acme", action="project.create") == ["created the project demo"]
    assert sentences(as_ada, actor_id=ada.actor.id, object_type="user") == ["changed a member's role to editor"]
    assert sentences(as_ada, object_type="user", object_id=promoted.actor.id) == ["changed a member's role to editor"]
    assert sentences(as_ada, outcome="denied") == []
    assert "No entry is like that" in text_of(as_ada.get(AUDIT, {"outcome": "denied"}))


def test_days_are_included_at_both_ends(as_ada: Client) -> None:
    today = timezone.now().date()
    assert len(sentences(as_ada, since=today, until=today)) == 3
    assert sentences(as_ada, until=today - timedelta(days=1)) == []
    assert sentences(as_ada, since=today + timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "soon"}, "since"),
        ({"until": "9999-12-31"}, "until"),
        ({"action": "no.such"}, "action"),
        ({"outcome": "perhaps"}, "outcome"),
        ({"actor": "a\x00b"}, "actor"),
        ({"object_id": "1"}, "object_id"),
    ],
)
def test_a_filter_that_cannot_be_read_is_said_at_its_field(as_ada: Client, query: dict[str, str], field: str) -> None:
    response = as_ada.get(AUDIT, query)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert response.context["entries"] == []


def test_links_lead_to_all_by_an_actor_and_all_about_an_object(
    as_ada: Client, ada: Principal, promoted: Principal
) -> None:
    content = as_ada.get(AUDIT, {"outcome": "ok"}).content.decode()
    assert f'href="{AUDIT}?outcome=ok&amp;actor_id={ada.actor.id}"' in content
    assert f'href="{AUDIT}?outcome=ok&amp;object_type=user&amp;object_id={promoted.actor.id}"' in content
    narrowed = as_ada.get(AUDIT, {"actor_id": str(ada.actor.id), "outcome": "ok"})
    assert "one actor only" in text_of(narrowed)
    assert f'href="{AUDIT}?outcome=ok"' in narrowed.content.decode()


def test_changes_are_shown_with_signs(as_ada: Client, acme: Tenant, promoted: Principal) -> None:
    page = text_of(as_ada.get(AUDIT))
    assert "role - viewer + editor" in page
    with scoping.organization(acme.organization):
        record(
            organization_id=acme.organization.id, actor=acme.principal.actor, action="project.create",
            object_type="project", object_id=None, changes={"text": {"from": "a\nb", "to": "a\n<b>"}},
        )  # fmt: skip
    content = as_ada.get(AUDIT).content.decode()
    assert '<del class="diff-line"><span class="diff-sign">-</span><span>b</span></del>' in content
    assert '<ins class="diff-line"><span class="diff-sign">+</span><span>&lt;b&gt;</span></ins>' in content


def test_older_entries_keep_the_filter(as_ada: Client, monkeypatch: pytest.MonkeyPatch, vera: Principal) -> None:
    monkeypatch.setattr("rlmlab.console.views.audit.AUDIT_PAGE", 1)
    response = as_ada.get(AUDIT, {"actor": "system"})
    older = re.findall(r'href="([^"]*before=[^"]*)"', response.content.decode())[0].replace("&amp;", "&")
    assert older == f"{AUDIT}?actor=system&before={response.context['next']}"
    assert [entry.sentence for entry in as_ada.get(older).context["entries"]] == ["created the organization acme"]


def test_filters_show_nothing_of_another_organization(as_bo: Client, bolt: Tenant, ada: Principal) -> None:
    response = as_bo.get("/o/bolt/settings/audit", {"actor_id": str(ada.actor.id)})
    assert response.context["entries"] == []
    assert "ada@acme.example" not in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_chain_is_verified(as_ada: Client) -> None:
    page = text_of(as_ada.post(VERIFY))
    assert re.search(r"The chain is whole\. 3 entries checked in .*\. Its head is [0-9a-f]{16}…", page)


@pytest.mark.django_db(transaction=True)
def test_a_broken_chain_is_said_with_its_place(as_ada: Client, acme: Tenant, as_owner: Execute) -> None:
    as_owner("ALTER TABLE audit_auditentry DISABLE TRIGGER USER")
    as_owner("UPDATE audit_auditentry SET outcome = 'failed' WHERE action = 'project.create'")
    as_owner("ALTER TABLE audit_auditentry ENABLE TRIGGER USER")
    page = text_of(as_ada.post(VERIFY))
    assert "The chain is broken at position 2: its hash does not match its content." in page


def test_a_viewer_verifies_nothing(as_vera: Client) -> None:
    assert as_vera.post(VERIFY).status_code == 403
    assert as_vera.get(VERIFY).status_code == 405
