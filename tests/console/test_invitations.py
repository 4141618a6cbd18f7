"""Where an invitation's link leads, for everybody who may come by it."""

import logging

import pytest
from django.test import Client
from django.urls import reverse

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.tenancy.actions.invitations import invite, revoke_invitation
from rlmlab.tenancy.models import User
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import invitations_of, members_of, memberships_of
from tests.console.page import links_of, text_of
from tests.factories.tenancy import PASSWORD, Tenant, make_member

pytestmark = pytest.mark.django_db

PAGE = "/invitations"
EVE = "eve@acme.example"
ACCOUNT = {"name": "Eve Adams", "password": "a long and quiet sentence", "again": "a long and quiet sentence"}
INVALID = "This invitation is not valid"


def follow(client: Client, token: str) -> None:
    """Open a link, as far as the page that has no secret in its address."""
    response = client.get(f"/invitations/{token}")
    assert (response.status_code, response["Location"]) == (302, PAGE)


def test_the_secret_leaves_the_address_at_once(client: Client, ada: Principal) -> None:
    token = invite(by=ada, email=EVE, role="editor").token
    response = client.get(f"/invitations/{token}")
    assert (response["Location"], response["Referrer-Policy"], response["Cache-Control"]) == (
        PAGE, "no-referrer", "no-store",
    )  # fmt: skip
    cookie = response.cookies["rlmlab-invitation"]
    assert token not in cookie.value
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (PAGE, True, "Lax")
    page = client.get(PAGE)
    assert token not in page.content.decode()
    assert page["Cache-Control"] == "no-store"


def test_a_stranger_makes_an_account_and_is_in(client: Client, ada: Principal) -> None:
    follow(client, invite(by=ada, email=EVE, role="editor").token)
    page = client.get(PAGE)
    assert f"Join Acme ada@acme.example invites {EVE} as Editor." in text_of(page)
    response = client.post(PAGE, ACCOUNT)
    assert (response.status_code, response["Location"]) == (302, "/o/acme")
    assert client.get("/o/acme/projects").status_code == 200
    user = User.objects.get(email=EVE)
    assert (user.name, user.check_password(ACCOUNT["password"])) == ("Eve Adams", True)
    assert [(found.organization.slug, found.role) for found in memberships_of(user)] == [("acme", "editor")]
    with scoping.organization(ada.organization):
        actions = list(AuditEntry.objects.filter(actor_id=user.id).order_by("id").values_list("action", flat=True))
    assert actions == ["invitation.accept", "session.sign_in"]
    assert client.get(PAGE).status_code == 404


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"again": "something else entirely"}, "again", "The two passwords are not the same."),
        ({"password": "brief", "again": "brief"}, "password", "This password is too short."),
        ({"password": "password1", "again": "password1"}, "password", "This password is too common."),
        ({"name": ""}, "name", "This field is required."),
        ({"name": "\x07bell"}, "name", "control characters"),
    ],
)
def test_a_bad_account_is_explained_and_nobody_joins(
    client: Client, ada: Principal, change: dict[str, str], field: str, said: str
) -> None:
    follow(client, invite(by=ada, email=EVE, role="editor").token)
    response = client.post(PAGE, ACCOUNT | change)
    assert response.status_code == 422
    assert said in " ".join(response.context["form"].errors[field])
    assert change.get("password", "no password") not in response.content.decode()
    assert len(members_of(ada)) == 1
    assert client.post(PAGE, ACCOUNT).status_code == 302


def test_who_has_an_account_signs_in_first(client: Client, ada: Principal, bolt: Tenant) -> None:
    follow(client, invite(by=ada, email="bo@bolt.example", role="reviewer").token)
    page = client.get(PAGE)
    assert "This address has an account here. Sign in with it, then accept." in text_of(page)
    sign_in = f"{reverse('account_login')}?next={PAGE}"
    assert sign_in in links_of(page)
    assert client.post(PAGE, ACCOUNT).status_code == 200
    assert not User.objects.get(email="bo@bolt.example").check_password(ACCOUNT["password"])
    back = client.post(sign_in, {"login": "bo@bolt.example", "password": PASSWORD})
    assert back["Location"] == PAGE
    assert "Join Acme" in text_of(client.get(PAGE))
    assert client.post(PAGE)["Location"] == "/o/acme"
    assert [found.role for found in memberships_of(bolt.user)] == ["reviewer", "owner"]


def test_who_is_signed_in_under_another_address_does_not_join(as_bo: Client, ada: Principal) -> None:
    follow(as_bo, invite(by=ada, email=EVE, role="owner").token)
    page = text_of(as_bo.get(PAGE))
    assert f"It is for {EVE} , and you are signed in as bo@bolt.example ." in page
    assert as_bo.post(PAGE, ACCOUNT).status_code == 403
    assert len(members_of(ada)) == 1
    assert len(invitations_of(ada)) == 1
    as_bo.post(reverse("account_logout"), {"next": PAGE})
    assert f"invites {EVE}" in text_of(as_bo.get(PAGE))


def test_who_is_a_member_already_is_told_so(client: Client, ada: Principal) -> None:
    token = invite(by=ada, email=EVE, role="owner").token
    eve = make_member(ada.organization, EVE, "viewer")
    client.force_login(User.objects.get(id=eve.actor.id), backend="allauth.account.auth_backends.AuthenticationBackend")
    follow(client, token)
    page = client.get(PAGE)
    assert f"You belong to Acme as {EVE}" in text_of(page)
    assert "/o/acme" in links_of(page)
    client.post(PAGE)
    assert {member.user.email: member.role for member in members_of(ada)}[EVE] == "viewer"


def test_used_revoked_and_unknown_links_get_one_page(client: Client, ada: Principal) -> None:
    used, revoked = invite(by=ada, email=EVE, role="viewer"), invite(by=ada, email="x@acme.example", role="viewer")
    revoke_invitation(by=ada, invitation_id=revoked.invitation.id)
    follow(client, used.token)
    client.post(PAGE, ACCOUNT)
    pages = set()
    for token in (used.token, revoked.token, "unknown", "x" * 43):
        follow(client, token)
        response = client.get(PAGE)
        assert response.status_code == 404
        pages.add(text_of(response))
    assert len(pages) == 1
    assert INVALID in pages.pop()


def test_a_page_without_a_link_before_it_says_the_same(client: Client) -> None:
    assert INVALID in text_of(client.get(PAGE))
    client.cookies["rlmlab-invitation"] = "forged:value"
    assert INVALID in text_of(client.get(PAGE))


def test_links_that_lead_nowhere_close_the_door_for_a_while(client: Client, ada: Principal) -> None:
    codes = []
    for number in range(11):
        follow(client, f"guess-{number}")
        codes.append(client.get(PAGE).status_code)
    assert codes == [404] * 9 + [429] * 2
    follow(client, invite(by=ada, email=EVE, role="viewer").token)
    response = client.get(PAGE)
    assert response.status_code == 429
    assert "Too many failed attempts After 10 failures this is closed" in text_of(response)


def test_no_log_has_a_token(client: Client, ada: Principal, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for token in (invite(by=ada, email=EVE, role="viewer").token, "unknown-token"):
        client.get(f"/invitations/{token}", follow=True)
        assert token not in caplog.text
    assert "Not Found: /invitations" in caplog.text
