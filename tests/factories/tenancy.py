"""Organizations and people, made by the same actions as in production."""

from dataclasses import dataclass

from rlmlab import scoping
from rlmlab.audit.actors import SYSTEM
from rlmlab.tenancy.actions.keys import create_key
from rlmlab.tenancy.actions.organizations import create_organization
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.models import Membership, Organization, Project, Role, User
from rlmlab.tenancy.principals import Principal, system_principal
from rlmlab.tenancy.queries import principal_for_user

PASSWORD = "correct horse battery staple"
# Django's PBKDF2 with one round: tests that sign in need a password that checks fast
_FAST_PASSWORD = "pbkdf2_sha256$1$saltsaltsalt$4MvndT3WxpZBgTr0GnlsI3zbnRNMwBomQR+L/0mcI4U="


@dataclass(frozen=True)
class Tenant:
    """An organization with an owner, a project and the owner's API key."""

    organization: Organization
    user: User
    principal: Principal
    project: Project
    key: str


def make_user(email: str, *, staff: bool = False) -> User:
    """Make a person who signs in with PASSWORD."""
    return User.objects.create(email=email, password=_FAST_PASSWORD, is_staff=staff, is_superuser=staff)


def make_member(organization: Organization, email: str, role: str = Role.OWNER) -> Principal:
    """Make a person who is a member, and return them as one."""
    user = make_user(email)
    with scoping.organization(organization):
        Membership.objects.create(organization=organization, user=user, role=role)
    return principal_for_user(user, organization.slug)


def make_tenant(slug: str, email: str) -> Tenant:
    """Make an organization with its owner, the project `demo` and a key."""
    organization = create_organization(by=SYSTEM, slug=slug, name=slug.title())
    principal = make_member(organization, email)
    project = create_project(by=principal, slug="demo")
    key = create_key(by=system_principal(organization), label="tests")
    return Tenant(organization, User.objects.get(email=email), principal, project, key.raw)
