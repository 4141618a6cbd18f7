"""Roles and what they may do."""

import pytest

from rlmlab.errors import NotAllowed
from rlmlab.tenancy.models import Role
from rlmlab.tenancy.permissions import PERMISSIONS, permitted
from rlmlab.tenancy.principals import PermissionMissing, Principal, system_principal
from tests.factories.tenancy import Tenant

WRITING = [
    "audit.view",
    "file.create",
    "key.manage",
    "member.manage",
    "organization.manage",
    "project.create",
    "run.cancel",
    "run.create",
]


def test_every_role_has_its_permissions() -> None:
    assert set(PERMISSIONS) == set(Role.values)


@pytest.mark.parametrize("permission", ["project.view", "run.view"])
def test_viewer_may_look(permission: str) -> None:
    assert permitted(Role.VIEWER, permission)
    assert permitted(Role.OWNER, permission)


@pytest.mark.parametrize("permission", WRITING)
def test_only_owner_may_write(permission: str) -> None:
    assert permitted(Role.OWNER, permission)
    assert not permitted(Role.VIEWER, permission)
    assert not permitted("nobody", permission)


def test_misspelt_permission_is_our_own_fault() -> None:
    with pytest.raises(ValueError, match=r"no permission 'runs\.create'"):
        permitted(Role.OWNER, "runs.create")


def test_require_refuses_with_who_and_what(vera: Principal) -> None:
    vera.require("run.view")
    assert vera.can("run.view")
    assert not vera.can("run.create")
    with pytest.raises(NotAllowed, match=r"role viewer does not have the permission run\.create") as caught:
        vera.require("run.create")
    assert isinstance(caught.value, PermissionMissing)
    assert (caught.value.principal, caught.value.permission) == (vera, "run.create")


def test_system_principal_may_everything(acme: Tenant) -> None:
    principal = system_principal(acme.organization)
    assert principal.actor.kind == "system"
    assert principal.organization_id == acme.organization.id
    assert all(principal.can(permission) for permission in WRITING)
