"""Who belongs to an organization."""

from dataclasses import dataclass
from uuid import UUID

from rlmlab import scoping
from rlmlab.audit.actions import Subject, record
from rlmlab.errors import Conflict, NotFound
from rlmlab.tenancy.actions.users import create_user, generate_password
from rlmlab.tenancy.fields import clean_email, clean_role, unique
from rlmlab.tenancy.models import Membership, Organization, Role, User
from rlmlab.tenancy.principals import Principal


@dataclass(frozen=True, slots=True)
class NewMember:
    """A membership, and the first password where the person had no account; it is shown once."""

    membership: Membership
    password: str


def add_member(*, by: Principal, email: str, role: str) -> NewMember:
    """Make a person a member, with a new account where they have none.

    Raises:
        Invalid: the email or the role is not valid, or the person is a member already.
    """
    by.require("member.manage")
    email, role = clean_email("email", email), clean_role("role", role)
    password = ""
    with scoping.organization(by.organization):
        user = User.objects.filter(email=email).first()
        if user is None:
            password = generate_password()
            user = create_user(by=by.actor, email=email, password=password)
        membership = Membership(organization=by.organization, user=user, role=role)
        with unique("membership_once_per_organization", "email", f'"{email}" is a member already'):
            membership.save(force_insert=True)
        _record(by, membership, "member.add", {"role": role})
    return NewMember(membership, password)


def change_role(*, by: Principal, membership_id: UUID, role: str) -> Membership:
    """Give a member another role.

    Raises:
        Invalid: there is no such role.
        NotFound: the organization has no such member.
        Conflict: it would be left without an owner.
    """
    by.require("member.manage")
    role = clean_role("role", role)
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
        Conflict: it would be left without an owner.
    """
    by.require("member.manage")
    with scoping.organization(by.organization):
        membership = _locked(by, membership_id)
        _keep_an_owner(by, membership)
        _record(by, membership, "member.remove", {"role": membership.role})
        membership.delete()


def _locked(by: Principal, membership_id: UUID) -> Membership:
    """Lock the organization's row first, so that two owners cannot remove each other at once."""
    Organization.objects.select_for_update().get(pk=by.organization_id)
    found = Membership.objects.for_org(by.organization).select_related("user").filter(pk=membership_id)
    membership = found.first()
    if membership is None:
        raise NotFound("There is no such member.")
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
