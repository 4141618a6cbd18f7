"""Members and invitations, through their page."""

import re
from uuid import UUID

import pytest
from django.test import Client

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.console.templatetags.console import NONE
from rlmlab.tenancy.actions.invitations import invite
from rlmlab.tenancy.models import Invitation, Role
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import invitations_of, members_of
from tests.console.conftest import browser_of
from tests.console.page import text_of
from tests.factories.tenancy import make_member

pytestmark = pytest.mark.django_db

MEMBERS = "/o/acme/settings/members"
INVITATIONS = "/o/acme/settings/invitations"


@pytest.fixture
def alf(ada: Principal) -> Principal:
    """An admin at Acme."""
    return make_member(ada.organization, "alf@acme.example", Role.ADMIN)


def membership_of(ada: Principal, person: Principal) -> UUID:
    return next(member.id for member in members_of(ada) if member.user_id == person.actor.id)


def refusals(ada: Principal) -> list[str]:
    with scoping.organization(ada.organization):
        found = AuditEntry.objects.filter(action="access.deny").order_by("id")
        return [entry.changes["permission"] for entry in found]


def test_an_invitations_link_is_shown_once(as_ada: Client, ada: Principal) -> None:
    response = as_ada.post(MEMBERS, {"email": "cy@acme.example", "role": "editor"})
    assert "cy@acme.example is invited as Editor" in text_of(response)
    (token,) = re.findall(r"http://testserver/invitations/([\w-]{43})<", response.content.decode())
    assert response["Cache-Control"] == "no-store"
    (invitation,) = invitations_of(ada)
    assert invitation.token_hash == Invitation.digest(token)
    again = as_ada.get(MEMBERS)
    assert token not in again.content.decode()
    assert re.search(r"cy@acme\.example Editor .* by ada@acme\.example", text_of(again))


def test_nobody_invited_is_said_too(as_ada: Client) -> None:
    assert "Nobody is invited at the moment." in text_of(as_ada.get(MEMBERS))


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("ada@acme.example", "is a member already"),
        ("nobody", "Enter a valid email address."),
        ("", "This field is required."),
    ],
)
def test_whom_one_cannot_invite_is_said_at_the_field(as_ada: Client, ada: Principal, email: str, said: str) -> None:
    response = as_ada.post(MEMBERS, {"email": email, "role": "viewer"})
    assert response.status_code == 422
    assert said in " ".join(response.context["form"].errors["email"])
    assert invitations_of(ada) == []


def test_a_new_link_replaces_the_old_one(as_ada: Client, ada: Principal) -> None:
    old = invite(by=ada, email="cy@acme.example", role="viewer")
    response = as_ada.post(f"{INVITATIONS}/{old.invitation.id}/renew")
    assert "cy@acme.example is invited as Viewer" in text_of(response)
    (new,) = invitations_of(ada)
    assert new.id != old.invitation.id
    assert as_ada.post(f"{INVITATIONS}/{old.invitation.id}/renew").status_code == 404


def test_an_invitation_is_taken_back(as_ada: Client, ada: Principal) -> None:
    made = invite(by=ada, email="cy@acme.example", role="viewer")
    page = as_ada.post(f"{INVITATIONS}/{made.invitation.id}/revoke", follow=True)
    assert "The invitation for cy@acme.example is taken back." in text_of(page)
    assert invitations_of(ada) == []


def test_reading_changes_no_invitation(as_ada: Client, ada: Principal) -> None:
    made = invite(by=ada, email="cy@acme.example", role="viewer")
    for what in ("renew", "revoke"):
        assert as_ada.get(f"{INVITATIONS}/{made.invitation.id}/{what}").status_code == 405
    assert invitations_of(ada) == [made.invitation]


def test_an_admin_is_offered_no_role_above_their_own(alf: Principal, vera: Principal) -> None:
    content = browser_of(alf).get(MEMBERS).content.decode()
    assert "above your role" in content  # beside Ada
    assert 'value="owner"' not in content
    assert content.count('value="admin"') == 3  # Alf's own, Vera's, the invitation's


def test_an_admin_who_tries_all_the_same_is_refused_and_that_is_recorded(
    ada: Principal, alf: Principal, vera: Principal
) -> None:
    as_alf = browser_of(alf)
    invited = invite(by=ada, email="cy@acme.example", role="owner").invitation
    owner = f"{MEMBERS}/{membership_of(ada, ada)}"
    for path, body in (
        (f"{MEMBERS}/{membership_of(ada, vera)}", {"role": "owner"}),
        (owner, {"role": "viewer"}),
        (owner, {"role": ""}),
        (MEMBERS, {"email": "x@acme.example", "role": "owner"}),
        (f"{INVITATIONS}/{invited.id}/renew", {}),
        (f"{INVITATIONS}/{invited.id}/revoke", {}),
        ("/o/acme/settings/keys", {"label": "mine", "role": "owner"}),
    ):
        response = as_alf.post(path, body)
        assert response.status_code == 403, path
        assert "may neither give nor take the role owner" in text_of(response)
    assert refusals(ada) == ["role.owner"] * 7
    assert {member.role for member in members_of(ada)} == {"owner", "admin", "viewer"}


def test_what_each_role_may_do_is_told(as_ada: Client) -> None:
    page = text_of(as_ada.get(MEMBERS)).replace(f"{NONE} ", "")
    assert "What Owner Admin Editor Reviewer Viewer See projects and runs" in page
    assert "Rate and correct runs yes yes yes yes no Launch, stop and tag runs; add files yes yes yes no no" in page
    assert "Manage owners and the organization's limits yes no no no no" in page


def test_a_role_changes_and_a_membership_ends(as_ada: Client, ada: Principal, vera: Principal) -> None:
    membership = next(member for member in members_of(ada) if member.user_id == vera.actor.id)
    as_ada.post(f"{MEMBERS}/{membership.id}", {"role": "owner"})
    assert {member.role for member in members_of(ada)} == {"owner"}
    as_ada.post(f"{MEMBERS}/{membership.id}", {"role": ""})
    assert [member.user.email for member in members_of(ada)] == ["ada@acme.example"]


def test_the_last_owner_stays(as_ada: Client, ada: Principal) -> None:
    membership = members_of(ada)[0]
    page = as_ada.post(f"{MEMBERS}/{membership.id}", {"role": ""}, follow=True)
    assert "An organization needs an owner" in text_of(page)
    assert len(members_of(ada)) == 1


def test_an_unknown_role_changes_nothing(as_ada: Client, ada: Principal) -> None:
    page = as_ada.post(f"{MEMBERS}/{members_of(ada)[0].id}", {"role": "king"}, follow=True)
    assert "There is no such role." in text_of(page)
    assert members_of(ada)[0].role == "owner"
