"""The first organization of an installation, or one more."""

from dataclasses import dataclass

from django.db import connection

from rlmlab import scoping
from rlmlab.audit.actors import SYSTEM
from rlmlab.tenancy.actions.keys import create_key
from rlmlab.tenancy.actions.members import add_member, change_role
from rlmlab.tenancy.actions.organizations import create_organization
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.actions.users import create_user, generate_password, set_password
from rlmlab.tenancy.fields import clean_email, clean_slug
from rlmlab.tenancy.models import Membership, Project, Role, User
from rlmlab.tenancy.principals import Principal, system_principal
from rlmlab.tenancy.queries import organization_by_slug


@dataclass(frozen=True, slots=True)
class Wishes:
    """What there shall be; slugs, and an empty password for one that is made up where it is needed."""

    organization: str
    email: str
    password: str
    project: str


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """What there is; `password` is None where this call neither made nor was given it."""

    email: str
    password: str | None
    organization: str
    project: str
    api_key: str


def bootstrap(wishes: Wishes) -> Bootstrapped:
    """Make what is missing of organization, person, membership and project, and a fresh API key.

    Raises:
        Invalid: a wish is not valid; nothing was made.
    """
    slug, project_slug = clean_slug("organization", wishes.organization), clean_slug("project", wishes.project)
    email = clean_email("email", wishes.email)
    with scoping.system("bootstrap: make an organization with its first member, all or nothing"):
        _wait_for_others()
        organization = organization_by_slug(slug)
        if organization is None:
            organization = create_organization(by=SYSTEM, slug=slug, name=slug.replace("-", " ").title())
        password = _ensure_user(email, wishes.password)
        by = system_principal(organization)
        _ensure_owner(by, email)
        _ensure_project(by, project_slug)
        key = create_key(by=by, label="bootstrap")
    return Bootstrapped(email, password, slug, project_slug, key.raw)


def _wait_for_others() -> None:
    """Let one call at a time look and make; the first start and a person may run it together."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('rlmlab.bootstrap', 0))")


def _ensure_user(email: str, wished: str) -> str | None:
    """Make the account, or give it the wished password; return the password that holds now, where it is known."""
    user = User.objects.filter(email=email).first()
    if user is None:
        password = wished or generate_password()
        administrator = not User.objects.filter(is_superuser=True).exists()
        create_user(by=SYSTEM, email=email, password=password, administrator=administrator)
        return password
    if wished and not user.check_password(wished):
        set_password(by=SYSTEM, user=user, password=wished)
    return wished or None


def _ensure_owner(by: Principal, email: str) -> None:
    membership = Membership.objects.for_org(by.organization).filter(user__email=email).first()
    if membership is None:
        add_member(by=by, email=email, role=Role.OWNER)
    elif membership.role != Role.OWNER:
        change_role(by=by, membership_id=membership.id, role=Role.OWNER)


def _ensure_project(by: Principal, slug: str) -> None:
    if not Project.objects.for_org(by.organization).filter(slug=slug).exists():
        create_project(by=by, slug=slug)
