"""Who asks, in which organization, with which role: what every action and query starts from."""

from dataclasses import dataclass
from uuid import UUID

from rlmlab.audit.actors import SYSTEM, Actor
from rlmlab.errors import NotAllowed
from rlmlab.tenancy.models import Organization, Role
from rlmlab.tenancy.permissions import may_grant, permitted


class PermissionMissing(NotAllowed):
    """A refusal that knows who was refused what, so that an interface can have it recorded."""

    def __init__(self, principal: "Principal", permission: str, detail: str = "") -> None:
        super().__init__(detail or f"The role {principal.role} does not have the permission {permission}.")
        self.principal = principal
        self.permission = permission


@dataclass(frozen=True, slots=True)
class Principal:
    """An actor in an organization; `requests_per_second` is its key's own limit, None where there is none."""

    actor: Actor
    organization: Organization
    role: str
    requests_per_second: int | None = None

    @property
    def organization_id(self) -> UUID:
        """The organization's id."""
        return self.organization.id

    def can(self, permission: str) -> bool:
        """Tell whether the role has the permission."""
        return permitted(self.role, permission)

    def require(self, permission: str) -> None:
        """Go on only with the permission.

        Raises:
            PermissionMissing: the role does not have it.
        """
        if not self.can(permission):
            raise PermissionMissing(self, permission)

    def require_grant(self, role: str) -> None:
        """Go on only if the principal may give this role to others, or take it from them.

        Raises:
            PermissionMissing: the role is above its own.
        """
        if not may_grant(self.role, role):
            detail = f"The role {self.role} may neither give nor take the role {role}, which is above it."
            raise PermissionMissing(self, f"role.{role}", detail)


def system_principal(organization: Organization) -> Principal:
    """Return the installation itself, acting inside an organization with every right."""
    return Principal(SYSTEM, organization, Role.OWNER)
