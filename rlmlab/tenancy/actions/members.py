"""Who belongs to an organization."""

from uuid import UUID

from rlmlab import scoping
from rlmlab.audit.actions import Subject, record
from rlmlab.errors import Conflict, Invalid, NotFound
from rlmlab.tenancy.fields import clean_email, clean_role, unique
from rlmlab.tenancy.models import Membership, Organization, Role, User
from rlmlab.tenancy.principals import Principal


def add_member(*, by: Principal, email: str, role: str) -> Membership:
    """Make a person who has an account a member, without asking them.

    It serves `bootstrap`, where nobody is there yet to invite or to accept; people invite each other.

    Raises:
        Invalid: the email or the role is not valid, nobody has this address, or the person is a member already.
        PermissionMissing: the role is above the principal's own.
    """
    by.require("member.manage")
    email, role = clean_email("email", email), clean_role("role", role)
    by.require_grant(role)
    with scoping.organization(by.organization):
        user = User.objects.filter(email=email).first()
        if user is None:
            raise Invalid.field("email", f'"{email}" has no account; send an invitation')
        membership = Membership(organization=by.organization, user=user, role=role)
        with unique("membership_once_per_organization", "email", f'"{email}" is a member already'):
            membership.save(force_insert=True)
        _record(by, membership, "member.add", {"role": role})
    return membership


def change_role(*, by: Principal, membership_id: UUID, role: str) -> Membership:
    """Give a member another role.

    Raises:
        Invalid: there is no such role.
        NotFound: the organization has no such member.
        PermissionMissing: the role, or the one the member has, is above the principal's own.
        Conflict: it would be left without an owner.
    """
    by.require("member.manage")
    role = clean_role("role", role)
    by.require_grant(role)
    with scoping.organization(by.organization):
        membership = _locked(by, membership_id)
        before = membership.role
        if role == before:  # nothing was done, so that the audit log says nothing
            return membership
        if role != Role.OWNER:
            _keep_an_owner(by, membership)
        membership.role = role
        membership.save(update_fields=["role"])
        _record(by, membership, "member.change_role", {"role": {"from": before, "to": role}})
    return membership


def remove_member(*, by: Principal, membership_id: UUID) -> None:
    """End a membership; the person's account stays.

    Raises:
        NotFound: the organization has no such member.
        PermissionMissing: the member's role is above the principal's own.
        Conflict: it would be left without an owner.
    """
    by.require("member.manage")
    with scoping.organization(by.organization):
        membership = _locked(by, membership_id)
        _keep_an_owner(by, membership)
        _record(by, membership, "member.remove", {"role": membership.role})
        membership.delete()


def _locked(by: Principal, membership_id: UUID) -> Membership:
    """Find the member of a role that the principal may take away.

    The organization's row is locked first, so that two owners cannot remove each other at once.
    """
    Organization.objects.select_for_update().get(pk=by.organization_id)
    found = Membership.objects.for_org(by.organization).select_related("user").filter(pk=membership_id)
    membership = found.first()
    if membership is None:
        raise NotFound("There is no such member.")
    by.require_grant(membership.role)
    return membership


def _keep_an_owner(by: Principal, leaving: Membership) -> None:
    owners = Membership.objects.for_org(by.organization).filter(role=Role.OWNER)
    if not owners.exclude(pk=leaving.pk).exists():
        raise Conflict("An organization needs an owner: make somebody else owner first.")


def _record(by: Principal, membership: Membership, action: str, changes: dict[str, object]) -> None:
    record(
        organization_id=by.organization_id,
        actor=by.actor,
        action=action,
        object_type="user",
        object_id=membership.user_id,
        changes=changes,
        subject=Subject(membership.user_id, {"email": membership.user.email}),
    )
