"""Sign-in through the real pages: recorded, locked after failures, closed to strangers."""

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.tenancy.actions.members import add_member
from rlmlab.tenancy.actions.sessions import record_refusal
from rlmlab.tenancy.adapter import AccountAdapter
from rlmlab.tenancy.models import User
from rlmlab.tenancy.principals import PermissionMissing, Principal
from tests.factories.tenancy import PASSWORD, Tenant, make_user

pytestmark = pytest.mark.django_db


def sign_in(client: Client, email: str, password: str = PASSWORD) -> int:
    return client.post(reverse("account_login"), {"login": email, "password": password}).status_code


def recorded(organization_id: object) -> list[tuple[str, str, str, str]]:
    """(action, outcome, actor, address) of the entries about sessions in a chain."""
    with scoping.organization(organization_id):  # type: ignore[arg-type]
        entries = AuditEntry.objects.filter(object_type="session").prefetch_related("people").order_by("id")
        return [
            (entry.action, entry.outcome, person.value("label"), person.value("ip"))
            for entry in entries
            for person in entry.people.all()
        ]


def test_sign_in_and_out_are_recorded(client: Client, acme: Tenant) -> None:
    assert sign_in(client, "Ada@Acme.example") == 302
    assert client.session["_auth_user_id"] == str(acme.user.id)
    response = client.post(reverse("account_logout"))
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/")
    assert "_auth_user_id" not in client.session
    assert recorded(acme.organization.id) == [
        ("session.sign_in", "ok", "ada@acme.example", "127.0.0.1"),
        ("session.sign_out", "ok", "ada@acme.example", "127.0.0.1"),
    ]
    assert recorded(scoping.PLATFORM) == []


def test_sign_out_needs_a_post(client: Client, acme: Tenant) -> None:
    sign_in(client, "ada@acme.example")
    client.get(reverse("account_logout"))
    assert "_auth_user_id" in client.session


def test_sign_in_stands_in_the_chain_of_each_organization(client: Client, acme: Tenant, bolt: Tenant) -> None:
    user = make_user("eve@example.org")
    for tenant in (acme, bolt):
        add_member(by=tenant.principal, email=user.email, role="viewer")
    assert sign_in(client, user.email) == 302
    for tenant in (acme, bolt):
        assert [entry[:3] for entry in recorded(tenant.organization.id)] == [("session.sign_in", "ok", user.email)]
    assert recorded(scoping.PLATFORM) == []


def test_person_without_an_organization_stands_in_the_platform_chain(client: Client) -> None:
    make_user("eve@example.org")
    assert sign_in(client, "eve@example.org") == 302
    assert recorded(scoping.PLATFORM) == [("session.sign_in", "ok", "eve@example.org", "127.0.0.1")]


def test_wrong_password_is_recorded_where_its_person_belongs(client: Client, acme: Tenant) -> None:
    assert sign_in(client, "ada@acme.example", "wrong") == 200
    assert "_auth_user_id" not in client.session
    assert recorded(acme.organization.id) == [("session.sign_in_fail", "failed", "ada@acme.example", "127.0.0.1")]


def test_unknown_email_is_recorded_in_the_platform_chain(client: Client) -> None:
    assert sign_in(client, "nobody@example.org") == 200
    assert recorded(scoping.PLATFORM) == [("session.sign_in_fail", "failed", "nobody@example.org", "127.0.0.1")]
    with scoping.organization(scoping.PLATFORM):
        assert AuditEntry.objects.get().actor_id is None


def test_unknown_email_and_wrong_password_get_one_answer(client: Client, acme: Tenant) -> None:
    pages = [
        client.post(reverse("account_login"), {"login": email, "password": "wrong"})
        for email in ("nobody@example.org", "ada@acme.example")
    ]
    errors = [page.context["form"].errors.as_json() for page in pages]
    assert errors[0] == errors[1]


def test_inactive_person_does_not_get_in(client: Client, acme: Tenant) -> None:
    User.objects.update(is_active=False)
    sign_in(client, "ada@acme.example")
    assert "_auth_user_id" not in client.session


def test_ten_failures_lock_this_person_at_this_address_only(client: Client, acme: Tenant, bolt: Tenant) -> None:
    for _ in range(9):
        assert sign_in(client, "ada@acme.example", "wrong") == 200
    assert sign_in(client, "ADA@acme.example", "wrong") == 429
    assert sign_in(client, "ada@acme.example") == 429
    assert sign_in(Client(headers={"X-Forwarded-For": "192.0.2.8"}), "ada@acme.example") == 429
    assert "_auth_user_id" not in client.session
    elsewhere = Client(REMOTE_ADDR="192.0.2.9")
    assert sign_in(elsewhere, "ada@acme.example") == 302
    assert sign_in(client, "bo@bolt.example") == 302
    assert len([entry for entry in recorded(acme.organization.id) if entry[0] == "session.sign_in_fail"]) == 12


def test_success_resets_the_count(client: Client, acme: Tenant) -> None:
    for _ in range(9):
        sign_in(client, "ada@acme.example", "wrong")
    assert sign_in(client, "ada@acme.example") == 302
    assert AccessAttempt.objects.count() == 0


def test_password_change_takes_effect_and_is_recorded(client: Client, acme: Tenant) -> None:
    sign_in(client, "ada@acme.example")
    new = "another battery staple"
    response = client.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new}
    )
    assert response.status_code == 302
    assert User.objects.get(pk=acme.user.pk).check_password(new)
    with scoping.organization(acme.organization):
        entry = AuditEntry.objects.get(action="user.change_password")
    assert (entry.actor_id, entry.outcome, entry.changes) == (acme.user.id, "ok", {})


def test_password_change_needs_a_session(client: Client) -> None:
    response = client.get(reverse("account_change_password"))
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/accounts/password/change/")


def test_sign_out_without_a_session_records_nothing(rf: RequestFactory) -> None:
    request = rf.post("/")
    request.user, request.session = AnonymousUser(), SessionStore()
    AccountAdapter(request).logout(request)
    assert recorded(scoping.PLATFORM) == []


def test_nobody_signs_up_by_themselves(rf: RequestFactory) -> None:
    assert AccountAdapter().is_open_for_signup(rf.get("/")) is False


@pytest.mark.parametrize("name", ["account_signup", "account_reset_password", "account_email"])
def test_there_is_no_sign_up_and_no_reset_by_mail(client: Client, name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name)


def test_refusal_is_recorded_with_the_permission(vera: Principal) -> None:
    with pytest.raises(PermissionMissing) as caught:
        vera.require("run.create")
    record_refusal(caught.value, ip="192.0.2.7")
    with scoping.organization(vera.organization):
        entry = AuditEntry.objects.get(outcome="denied")
        (person,) = entry.people.all()
    assert (entry.action, entry.changes, entry.actor_id) == ("access.deny", {"permission": "run.create"}, vera.actor.id)
    assert person.fields == {"label": "vera@acme.example", "ip": "192.0.2.7"}
