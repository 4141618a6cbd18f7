"""What the frame around every page shows: where one is, where one may go."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from rlmlab.console.access import project_key
from rlmlab.errors import NotFound
from rlmlab.tenancy.models import Membership, Organization, Project, User
from rlmlab.tenancy.permissions import PERMISSIONS
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import memberships_of, project_by_slug


@dataclass(frozen=True, slots=True)
class Navigation:
    """The signed-in person's organizations, and the one and the project that this page is about."""

    memberships: list[Membership]
    principal: Principal | None
    project: Project | None

    @property
    def organization(self) -> Organization | None:
        """The organization of this page."""
        return self.principal.organization if self.principal else None

    @property
    def permissions(self) -> frozenset[str]:
        """What this person may do in the organization; the pages that it opens are offered."""
        return PERMISSIONS[self.principal.role] if self.principal else frozenset()

    @property
    def launches(self) -> bool:
        """Whether this person may start runs here."""
        return self.principal is not None and self.project is not None and self.principal.can("run.create")


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Add `navigation` to every template's context."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"navigation": Navigation([], None, None)}
    return {
        "navigation": Navigation(
            memberships=memberships_of(user),
            principal=getattr(request, "principal", None),
            project=_project(request),
        )
    }


def _project(request: HttpRequest) -> Project | None:
    """Return the page's project, else the one of this organization that was looked at last."""
    project: Project | None = getattr(request, "project", None)
    principal: Principal | None = getattr(request, "principal", None)
    if project is not None or principal is None:
        return project
    slug = request.session.get(project_key(principal.organization_id))
    try:
        return project_by_slug(principal, slug) if slug else None
    except NotFound:
        return None
