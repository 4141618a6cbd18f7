"""What each role may do."""

from typing import Final

from rlmlab.tenancy.models import Role

_VIEW: Final = frozenset({"project.view", "run.view"})
_ALL: Final = _VIEW | {
    "audit.view",
    "file.create",
    "key.manage",
    "member.manage",
    "organization.manage",
    "project.create",
    "run.cancel",
    "run.create",
}

PERMISSIONS: Final[dict[str, frozenset[str]]] = {Role.OWNER: _ALL, Role.VIEWER: _VIEW}


def permitted(role: str, permission: str) -> bool:
    """Tell whether a role has a permission.

    Raises:
        ValueError: no role has such a permission, so the name is misspelt.
    """
    if permission not in _ALL:
        raise ValueError(f"there is no permission {permission!r}")
    return permission in PERMISSIONS.get(role, frozenset())
