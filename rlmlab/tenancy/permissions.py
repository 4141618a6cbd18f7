"""What each role may do."""

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
