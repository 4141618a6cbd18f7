"""Invitations: made, renewed, taken back, accepted once."""

import hashlib
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Conflict, Invalid, NotAllowed, NotFound
from rlmlab.tenancy.actions.invitations import (
    accept_invitation,
    accept_with_new_account,
    invite,
    renew_invitation,
    revoke_invitation,
)
from rlmlab.tenancy.models import Invitation, Membership, Role, User
from rlmlab.tenancy.principals import PermissionMissing, Principal
from rlmlab.tenancy.queries import invitation_by_digest, invitations_of, members_of, principal_for_user
from tests.factories.tenancy import Tenant, make_member, make_user

pytestmark = pytest.mark.django_db

EVE = "eve@acme.example"
PHRASE = "a long and quiet sentence"


def entries(principal: Principal) -> list[AuditEntry]:
    with scoping.organization(principal.organization):
        return list(AuditEntry.objects.filter(object_type="invitation").prefetch_related("people").order_by("id"))


def expire(invitation: Invitation) -> None:
    with scoping.organization(invitation.organization_id):
        Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def test_invite_keeps_the_hash_of_256_random_bits(ada: Principal) -> None:
    tokens = {invite(by=ada, email=f"p{number}@acme.example", role="viewer").token for number in range(3)}
    assert [len(token) for token in tokens] == [43, 43, 43]  # 32 bytes in base64
    with scoping.organization(ada.organization):
        stored = set(Invitation.objects.values_list("token_hash", flat=True))
    assert stored == {hashlib.sha256(token.encode()).hexdigest() for token in tokens}


def test_invite_says_who_invited_and_until_when(ada: Principal) -> None:
    made = invite(by=ada, email="Eve@Acme.example", role="editor").invitation
    (found,) = invitations_of(ada)
    assert (found.email, found.role, found.invited_by_id) == (EVE, "editor", ada.actor.id)
    assert found.expires_at - timezone.now() == pytest.approx(timedelta(days=7), abs=timedelta(seconds=10))
    assert found == made
    assert not found.has_expired


def test_invite_records_the_address_where_it_can_be_erased(ada: Principal) -> None:
    new = invite(by=ada, email=EVE, role="editor")
    (entry,) = entries(ada)
    assert (entry.action, entry.object_id, entry.changes["role"]) == ("invitation.create", new.invitation.id, "editor")
    assert {person.part: person.fields for person in entry.people.all()} == {
        "actor": {"label": "ada@acme.example"}, "subject": {"email": EVE},
    }  # fmt: skip
    assert EVE not in str(entry.changes)
    assert new.token not in str(vars(entry))


@pytest.mark.parametrize(
    ("email", "role", "detail"),
    [
        ("ada@acme.example", "viewer", 'email: "ada@acme.example" is a member already'),
        (EVE, "viewer", f'email: "{EVE}" is invited already; make a new link below'),
        ("nobody", "viewer", 'email: "nobody" is not an email address'),
        ("x@acme.example", "king", 'role: "king" is not a role; use one of owner, admin, editor, reviewer, viewer'),
    ],
)
def test_invite_refuses_a_bad_field(ada: Principal, email: str, role: str, detail: str) -> None:
    invite(by=ada, email=EVE, role="viewer")
    with pytest.raises(Invalid) as caught:
        invite(by=ada, email=email, role=role)
    assert caught.value.detail == detail
    assert len(invitations_of(ada)) == 1


def test_an_expired_invitation_makes_room_for_another(ada: Principal) -> None:
    old = invite(by=ada, email=EVE, role="viewer")
    expire(old.invitation)
    assert [found.has_expired for found in invitations_of(ada)] == [True]
    new = invite(by=ada, email=EVE, role="editor")
    assert invitations_of(ada) == [new.invitation]


def test_a_new_link_ends_the_old_one(ada: Principal) -> None:
    old = invite(by=ada, email=EVE, role="editor")
    new = renew_invitation(by=ada, invitation_id=old.invitation.id)
    assert (new.invitation.email, new.invitation.role) == (EVE, "editor")
    with pytest.raises(NotFound):
        invitation_by_digest(Invitation.digest(old.token))
    assert invitation_by_digest(Invitation.digest(new.token)) == new.invitation
    assert [entry.action for entry in entries(ada)] == [
        "invitation.create", "invitation.revoke", "invitation.create",
    ]  # fmt: skip
    with pytest.raises(NotFound, match="no such open invitation"):
        renew_invitation(by=ada, invitation_id=old.invitation.id)


def test_an_invitation_is_taken_back(ada: Principal, bo: Principal) -> None:
    made = invite(by=ada, email=EVE, role="editor")
    with pytest.raises(NotFound):
        revoke_invitation(by=bo, invitation_id=made.invitation.id)
    revoke_invitation(by=ada, invitation_id=made.invitation.id)
    assert invitations_of(ada) == []
    with pytest.raises(NotFound, match="not valid"):
        accept_with_new_account(digest=Invitation.digest(made.token), name="Eve", password=PHRASE)
    with pytest.raises(NotFound):
        revoke_invitation(by=ada, invitation_id=made.invitation.id)


def test_nobody_invites_above_their_own_role(ada: Principal, vera: Principal) -> None:
    alf = make_member(ada.organization, "alf@acme.example", Role.ADMIN)
    made = invite(by=ada, email=EVE, role="owner").invitation
    for call in (
        lambda: invite(by=alf, email="x@acme.example", role="owner"),
        lambda: renew_invitation(by=alf, invitation_id=made.id),
        lambda: revoke_invitation(by=alf, invitation_id=made.id),
        lambda: invite(by=vera, email="x@acme.example", role="viewer"),
        lambda: invitations_of(vera),
    ):
        with pytest.raises(PermissionMissing):
            call()
    assert invitations_of(ada) == [made]
    assert invite(by=alf, email="x@acme.example", role="admin").invitation.role == "admin"


def test_a_stranger_joins_with_a_new_account(ada: Principal) -> None:
    new = invite(by=ada, email=EVE, role="reviewer")
    membership = accept_with_new_account(digest=Invitation.digest(new.token), name="Eve Adams", password=PHRASE)
    user = User.objects.get(email=EVE)
    assert (user.name, user.check_password(PHRASE), user.is_staff) == ("Eve Adams", True, False)
    assert (membership.user, membership.role) == (user, "reviewer")
    assert principal_for_user(user, "acme").role == "reviewer"
    assert invitations_of(ada) == []
    accepted = entries(ada)[-1]
    assert (accepted.action, accepted.actor_id) == ("invitation.accept", user.id)
    assert accepted.changes == {"role": "reviewer"}
    with scoping.organization(scoping.PLATFORM):
        made = AuditEntry.objects.get(action="user.create")
    assert (made.actor_id, made.object_id) == (user.id, user.id)


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [("Eve", "short", "password: This password is too short"), ("x" * 121, PHRASE, "name: has 121 characters")],
)
def test_a_bad_name_or_password_uses_nothing_up(ada: Principal, name: str, password: str, said: str) -> None:
    digest = Invitation.digest(invite(by=ada, email=EVE, role="viewer").token)
    with pytest.raises(Invalid, match=said):
        accept_with_new_account(digest=digest, name=name, password=password)
    assert not User.objects.filter(email=EVE).exists()
    assert invitation_by_digest(digest).email == EVE


def test_a_person_with_an_account_joins_once(ada: Principal, bo: Principal, bolt: Tenant) -> None:
    digest = Invitation.digest(invite(by=ada, email="bo@bolt.example", role="editor").token)
    assert accept_invitation(by=bolt.user, digest=digest).role == "editor"
    assert principal_for_user(bolt.user, "acme").role == "editor"
    with pytest.raises(NotFound, match="not valid"):
        accept_invitation(by=bolt.user, digest=digest)


def test_an_account_made_meanwhile_is_not_taken_over(ada: Principal) -> None:
    digest = Invitation.digest(invite(by=ada, email=EVE, role="editor").token)
    make_user(EVE)
    with pytest.raises(Invalid, match="has an account already"):
        accept_with_new_account(digest=digest, name="Mallory", password=PHRASE)
    assert not User.objects.get(email=EVE).check_password(PHRASE)


def test_an_invitation_is_for_one_address(ada: Principal, bolt: Tenant) -> None:
    digest = Invitation.digest(invite(by=ada, email=EVE, role="owner").token)
    with pytest.raises(NotAllowed, match="for another address"):
        accept_invitation(by=bolt.user, digest=digest)
    assert len(members_of(ada)) == 1
    assert len(invitations_of(ada)) == 1


def test_a_member_does_not_join_twice(ada: Principal) -> None:
    digest = Invitation.digest(invite(by=ada, email=EVE, role="owner").token)
    eve = make_member(ada.organization, EVE, Role.VIEWER)
    with pytest.raises(Conflict, match="a member of this organization already"):
        accept_invitation(by=User.objects.get(id=eve.actor.id), digest=digest)
    assert principal_for_user(User.objects.get(email=EVE), "acme").role == "viewer"


def test_after_a_week_it_is_over(ada: Principal) -> None:
    new = invite(by=ada, email=EVE, role="viewer")
    expire(new.invitation)
    with pytest.raises(NotFound, match="not valid, or not any more"):
        accept_with_new_account(digest=Invitation.digest(new.token), name="Eve", password=PHRASE)


@pytest.mark.parametrize("digest", ["", "0" * 64, "no digest"])
def test_an_unknown_digest_gets_the_same_answer(ada: Principal, digest: str) -> None:
    with pytest.raises(NotFound, match="This invitation is not valid, or not any more"):
        invitation_by_digest(digest)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_account", [True, False])
def test_two_acceptances_at_once_make_one_membership(acme: Tenant, has_account: bool) -> None:
    digest = Invitation.digest(invite(by=acme.principal, email=EVE, role="viewer").token)
    user = make_user(EVE) if has_account else None
    start, outcomes = Barrier(2), []

    def accept() -> None:
        start.wait()
        try:
            if user:
                accept_invitation(by=user, digest=digest)
            else:
                accept_with_new_account(digest=digest, name="Eve", password=PHRASE)
            outcomes.append("joined")
        except NotFound:
            outcomes.append("not valid")
        finally:
            connection.close()

    threads = [Thread(target=accept) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["joined", "not valid"]
    with scoping.organization(acme.organization):
        assert Membership.objects.filter(user__email=EVE).count() == 1
