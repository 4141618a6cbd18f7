"""Inviting people into an organization, and their joining."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from rlmlab import scoping
from rlmlab.audit.actions import Subject, record
from rlmlab.audit.actors import Actor
from rlmlab.errors import Conflict, Invalid, NotAllowed, NotFound
from rlmlab.tenancy.actions.users import create_user
from rlmlab.tenancy.fields import clean_email, clean_role, unique
from rlmlab.tenancy.models import Invitation, Membership, User
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import NOT_VALID, invitation_by_digest

LIFETIME: Final = timedelta(days=7)
TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation and the secret of its link, which is shown now and never again."""

    invitation: Invitation
    token: str


def invite(*, by: Principal, email: str, role: str) -> NewInvitation:
    """Invite a person; whoever has the link may join under this address, once, within a week.

    Raises:
        Invalid: the email or the role is not valid, or the person is a member or invited already.
        PermissionMissing: the role is above the principal's own.
    """
    by.require("member.manage")
    email, role = clean_email("email", email), clean_role("role", role)
    by.require_grant(role)
    with scoping.organization(by.organization):
        if Membership.objects.for_org(by.organization).filter(user__email=email).exists():
            raise Invalid.field("email", f'"{email}" is a member already')
        past = Invitation.objects.for_org(by.organization).open().filter(email=email, expires_at__lte=timezone.now())
        past.update(revoked_at=F("expires_at"))
        return _create(by, email, role)


def renew_invitation(*, by: Principal, invitation_id: UUID) -> NewInvitation:
    """Make a new link for the same person and role, valid for another week; the old one ends.

    Raises:
        NotFound: the organization has no such open invitation.
        PermissionMissing: its role is above the principal's own.
    """
    by.require("member.manage")
    with scoping.organization(by.organization):
        old = _revoke(by, invitation_id)
        return _create(by, old.email, old.role)


def revoke_invitation(*, by: Principal, invitation_id: UUID) -> Invitation:
    """Take an invitation back; its link ends.

    Raises:
        NotFound: the organization has no such open invitation.
        PermissionMissing: its role is above the principal's own.
    """
    by.require("member.manage")
    with scoping.organization(by.organization):
        return _revoke(by, invitation_id)


def accept_invitation(*, by: User, digest: str) -> Membership:
    """Join as a person who has an account; `digest` is that of the link's token.

    Raises:
        NotFound: no invitation is open under it, or not any more.
        NotAllowed: it is for another address.
        Conflict: the person is a member already.
    """
    organization_id = invitation_by_digest(digest).organization_id
    with scoping.organization(organization_id):
        invitation = _claimed(organization_id, digest)
        if by.email != invitation.email:
            raise NotAllowed("This invitation is for another address.")
        if Membership.objects.for_org(organization_id).filter(user=by).exists():
            raise Conflict("You are a member of this organization already.")
        return _join(invitation, by)


def accept_with_new_account(*, digest: str, name: str, password: str) -> Membership:
    """Make an account under the address that was invited, and join with it.

    Raises:
        NotFound: no invitation is open under the digest, or not any more.
        Invalid: the name or the password is not valid, or the address has an account by now.
    """
    organization_id = invitation_by_digest(digest).organization_id
    with scoping.organization(organization_id):
        invitation = _claimed(organization_id, digest)
        return _join(invitation, create_user(by=None, email=invitation.email, password=password, name=name))


def _create(by: Principal, email: str, role: str) -> NewInvitation:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    invitation = Invitation(
        organization=by.organization,
        email=email,
        role=role,
        token_hash=Invitation.digest(token),
        invited_by_id=by.actor.id if by.actor.kind == "user" else None,
        expires_at=timezone.now() + LIFETIME,
    )
    message = f'"{email}" is invited already; make a new link below'
    with unique("invitation_open_once_per_email", "email", message):
        invitation.save(force_insert=True)
    changes = {"role": role, "expires_at": invitation.expires_at.isoformat(timespec="seconds")}
    _record(by.actor, invitation, "invitation.create", changes)
    return NewInvitation(invitation, token)


def _revoke(by: Principal, invitation_id: UUID) -> Invitation:
    """Lock the row, so that an acceptance at the same time comes either before or not at all."""
    found = Invitation.objects.for_org(by.organization).open().select_for_update().filter(pk=invitation_id)
    invitation = found.first()
    if invitation is None:
        raise NotFound("There is no such open invitation.")
    by.require_grant(invitation.role)
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    _record(by.actor, invitation, "invitation.revoke", {"role": invitation.role})
    return invitation


def _claimed(organization_id: UUID, digest: str) -> Invitation:
    """Lock an open invitation; of two who accept it at once, the second finds it accepted."""
    found = Invitation.objects.for_org(organization_id).open().select_for_update()
    invitation = found.filter(token_hash=digest, expires_at__gt=timezone.now()).first()
    if invitation is None:
        raise NotFound(NOT_VALID)
    return invitation


def _join(invitation: Invitation, user: User) -> Membership:
    membership = Membership(organization_id=invitation.organization_id, user=user, role=invitation.role)
    membership.save(force_insert=True)
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    actor = Actor("user", user.id, user.email)
    _record(actor, invitation, "invitation.accept", {"role": invitation.role})
    return membership


def _record(actor: Actor, invitation: Invitation, action: str, changes: Mapping[str, object]) -> None:
    invited = User.objects.filter(email=invitation.email).first()
    record(
        organization_id=invitation.organization_id,
        actor=actor,
        action=action,
        object_type="invitation",
        object_id=invitation.id,
        changes=changes,
        subject=Subject(invited.id if invited else None, {"email": invitation.email}),
    )
