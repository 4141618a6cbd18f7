"""What each role may do."""

from dataclasses import dataclass
from typing import Final

from rlmlab.tenancy.models import Role

_VIEWER: Final = frozenset(
    {"project.view", "run.view", "prompt.view", "example.view", "dataset.view", "experiment.view", "memory.view"}
)
_REVIEWER: Final = _VIEWER | {"run.rate"}
_EDITOR: Final = _REVIEWER | {
    "dataset.manage",
    "example.manage",
    "experiment.run",
    "file.create",
    "memory.manage",
    "prompt.edit",
    "prompt.promote",
    "run.cancel",
    "run.create",
    "run.tag",
}
_ADMIN: Final = _EDITOR | {
    "audit.view",
    "key.manage",
    "member.manage",
    "project.configure",
    "project.create",
    "provider.manage",
}
_OWNER: Final = _ADMIN | {"organization.manage"}

PERMISSIONS: Final[dict[str, frozenset[str]]] = {
    Role.OWNER: _OWNER,
    Role.ADMIN: _ADMIN,
    Role.EDITOR: _EDITOR,
    Role.REVIEWER: _REVIEWER,
    Role.VIEWER: _VIEWER,
}
"""Each role has what the next lower one has, and more."""


@dataclass(frozen=True, slots=True)
class Capability:
    """A line of what roles may do, for people, and the permissions that it stands for."""

    text: str
    permissions: frozenset[str]

    def of(self, role: str) -> bool:
        """Tell whether a role may do it."""
        return self.permissions <= PERMISSIONS[role]


CAPABILITIES: Final = (
    Capability("See projects and runs, and what is learned from them", _VIEWER),
    Capability("Rate and correct runs", _REVIEWER - _VIEWER),
    Capability(
        "Launch, stop and tag runs; add files", frozenset({"file.create", "run.cancel", "run.create", "run.tag"})
    ),
    Capability(
        "Edit and promote prompts; keep examples, datasets and memory; run experiments",
        frozenset(
            {"dataset.manage", "example.manage", "experiment.run", "memory.manage", "prompt.edit", "prompt.promote"}
        ),
    ),
    Capability("Make and configure projects", frozenset({"project.configure", "project.create"})),
    Capability(
        "Manage members, API keys and providers; read the audit log",
        frozenset({"audit.view", "key.manage", "member.manage", "provider.manage"}),
    ),
    Capability("Manage owners and the organization's limits", _OWNER - _ADMIN),
)
"""Every permission stands in one of them."""


def permitted(role: str, permission: str) -> bool:
    """Tell whether a role has a permission.

    Raises:
        ValueError: no role has such a permission, so the name is misspelt.
    """
    if permission not in _OWNER:
        raise ValueError(f"there is no permission {permission!r}")
    return permission in PERMISSIONS.get(role, frozenset())


def may_grant(own: str, role: str) -> bool:
    """Tell whether somebody may give a role to others, or take it from them: nobody one above their own."""
    return PERMISSIONS[role] <= PERMISSIONS.get(own, frozenset())


def grantable(own: str) -> list[Role]:
    """List the roles that somebody may give to others, from the highest."""
    return [role for role in Role if may_grant(own, role)]
