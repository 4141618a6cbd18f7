"""Reads of organizations, members, projects and keys."""

import re
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from rlmlab import scoping
from rlmlab.audit.actors import Actor
from rlmlab.audit.chain import ChainReport
from rlmlab.audit.queries import EVERYTHING, EntryFilter, EntryView, entries_page, object_types
from rlmlab.errors import Invalid, NotAuthenticated, NotFound
from rlmlab.tenancy.chains import verified
from rlmlab.tenancy.fields import is_slug
from rlmlab.tenancy.models import ApiKey, Invitation, Membership, Organization, Project, User
from rlmlab.tenancy.principals import Principal

_KEY: Final = re.compile(r"rlm_(?P<prefix>[a-z0-9]{8})_[A-Za-z0-9_-]{43}")
NOT_VALID: Final = "This invitation is not valid, or not any more."
_TOUCH_EVERY: Final = timedelta(minutes=1)


def principal_for_key(raw: str) -> Principal:
    """Return whom an API key speaks for, and note that it was used (once a minute).

    Raises:
        NotAuthenticated: the key is unknown or revoked; which of the two is not told.
    """
    parts = _KEY.fullmatch(raw)
    if parts is None:
        raise NotAuthenticated("The API key is not of the form rlm_…; see Settings, API keys.")
    with scoping.system("look up an API key, whose organization is not known before"):
        key = ApiKey.objects.select_related("organization").filter(prefix=parts["prefix"], revoked_at=None).first()
        if key is None or not key.matches(raw):
            raise NotAuthenticated("The API key is unknown or revoked.")
        _touch(key)
    actor = Actor("api_key", key.id, f"{key} “{key.label}”")
    return Principal(actor, key.organization, key.role, key.requests_per_second)


def _touch(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - _TOUCH_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _TOUCH_EVERY)
        ApiKey.objects.for_org(key.organization_id).filter(stale, pk=key.pk).update(last_used_at=now)


def memberships_of(user: User) -> list[Membership]:
    """List where a person is a member, with the organizations, by slug."""
    with scoping.system("list a person's memberships"):
        return list(Membership.objects.select_related("organization").filter(user=user).order_by("organization__slug"))


def principal_for_user(user: User, organization_slug: str) -> Principal:
    """Return a person as a member of an organization.

    Raises:
        NotFound: there is no such organization, or the person is not its member; which of the two is not told.
    """
    with scoping.system("find a person's membership by the organization's slug"):
        found = Membership.objects.select_related("organization").filter(
            user=user, user__is_active=True, organization__slug=organization_slug
        )
        membership = found.first()
    if membership is None:
        raise NotFound(f'There is no organization "{organization_slug}".')
    return member_principal(user, membership)


def member_principal(user: User, membership: Membership) -> Principal:
    """Return the principal of one of `memberships_of`."""
    return Principal(Actor("user", user.id, user.email), membership.organization, membership.role)


def project_by_slug(principal: Principal, slug: str) -> Project:
    """Return a project of the principal's organization.

    Raises:
        NotFound: it has none of this slug.
    """
    principal.require("project.view")
    with scoping.organization(principal.organization):
        found = Project.objects.for_org(principal.organization)
        project = found.filter(slug=slug).first() if is_slug(slug) else None
    if project is None:
        raise NotFound(f'There is no project "{slug}".')
    return project


def projects_page(principal: Principal, *, after: str = "", limit: int = 100) -> list[Project]:
    """List up to `limit` projects by slug, those behind the slug `after`.

    Raises:
        Invalid: `after` is no slug.
    """
    principal.require("project.view")
    if after and not is_slug(after):
        raise Invalid.field("cursor", "is not a cursor of this list")
    with scoping.organization(principal.organization):
        found = Project.objects.for_org(principal.organization).filter(slug__gt=after)
        return list(found.order_by("slug")[:limit])


def members_of(principal: Principal) -> list[Membership]:
    """List the organization's members with their people, by email."""
    principal.require("member.manage")
    with scoping.organization(principal.organization):
        found = Membership.objects.for_org(principal.organization).select_related("user")
        return list(found.order_by("user__email"))


def invitations_of(principal: Principal) -> list[Invitation]:
    """List the organization's open invitations with who invited, newest first; also those that have expired."""
    principal.require("member.manage")
    with scoping.organization(principal.organization):
        found = Invitation.objects.for_org(principal.organization).open().select_related("invited_by")
        return list(found.order_by("-created_at"))


def invitation_by_digest(digest: str) -> Invitation:
    """Return an invitation that can be accepted, by the digest of its link's token.

    Raises:
        NotFound: there is none, it is used up, taken back or expired; which of them is not told.
    """
    with scoping.system("find an invitation by its link, whose organization is not known before"):
        found = Invitation.objects.select_related("organization", "invited_by").filter(token_hash=digest).first()
    if found is None or not found.is_valid_at(timezone.now()):
        raise NotFound(NOT_VALID)
    return found


def is_member(user: User, organization_id: UUID) -> bool:
    """Tell whether a person belongs to an organization."""
    with scoping.organization(organization_id):
        return Membership.objects.for_org(organization_id).filter(user=user).exists()


def has_account(email: str) -> bool:
    """Tell whether somebody signs in with this address."""
    return User.objects.filter(email=email).exists()


def keys_of(principal: Principal) -> list[ApiKey]:
    """List the organization's keys with who made them, newest first; revoked ones too."""
    principal.require("key.manage")
    with scoping.organization(principal.organization):
        found = ApiKey.objects.for_org(principal.organization).select_related("created_by")
        return list(found.order_by("-created_at"))


def audit_page(
    principal: Principal, *, before: UUID | None = None, limit: int = 50, where: EntryFilter = EVERYTHING
) -> list[EntryView]:
    """List the organization's audit entries that are meant, newest first, those older than the entry `before`."""
    principal.require("audit.view")
    return entries_page(principal.organization_id, before=before, limit=limit, where=where)


def audited_types(principal: Principal) -> list[str]:
    """List the kinds of objects that the organization's audit entries are about."""
    principal.require("audit.view")
    return object_types(principal.organization_id)


def verify_audit(principal: Principal) -> ChainReport:
    """Check the organization's audit chain, from its first entry."""
    principal.require("audit.view")
    with scoping.organization(principal.organization):
        return verified(principal.organization_id)


def organization_by_slug(slug: str) -> Organization | None:
    """Return an organization for the installation's own commands; None where there is none."""
    with scoping.system("find an organization by slug for a management command"):
        return Organization.objects.filter(slug=slug).first()


def any_organization() -> bool:
    """Tell whether the installation has been bootstrapped."""
    with scoping.system("see whether there is any organization yet"):
        return Organization.objects.exists()
