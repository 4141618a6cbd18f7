"""Roles and what they may do."""

from itertools import pairwise

import pytest

from rlmlab.errors import NotAllowed
from rlmlab.tenancy.models import Role
from rlmlab.tenancy.permissions import CAPABILITIES, PERMISSIONS, grantable, may_grant, permitted
from rlmlab.tenancy.principals import PermissionMissing, Principal, system_principal
from tests.factories.tenancy import Tenant

LOOKING = {
    "dataset.view",
    "example.view",
    "experiment.view",
    "memory.view",
    "project.view",
    "prompt.view",
    "run.view",
}
LEAST = {
    "audit.view": Role.ADMIN,
    "dataset.manage": Role.EDITOR,
    "example.manage": Role.EDITOR,
    "experiment.run": Role.EDITOR,
    "file.create": Role.EDITOR,
    "key.manage": Role.ADMIN,
    "member.manage": Role.ADMIN,
    "memory.manage": Role.EDITOR,
    "organization.manage": Role.OWNER,
    "project.configure": Role.ADMIN,
    "project.create": Role.ADMIN,
    "prompt.edit": Role.EDITOR,
    "prompt.promote": Role.EDITOR,
    "provider.manage": Role.ADMIN,
    "run.cancel": Role.EDITOR,
    "run.create": Role.EDITOR,
    "run.rate": Role.REVIEWER,
    "run.tag": Role.EDITOR,
}
RANKS = [Role.OWNER, Role.ADMIN, Role.EDITOR, Role.REVIEWER, Role.VIEWER]


def test_every_role_has_its_permissions() -> None:
    assert set(PERMISSIONS) == set(Role.values) == set(RANKS)


def test_viewer_may_look_and_nothing_else() -> None:
    assert PERMISSIONS[Role.VIEWER] == LOOKING


def test_each_role_has_more_than_the_next() -> None:
    for higher, lower in pairwise(RANKS):
        assert PERMISSIONS[higher] > PERMISSIONS[lower]


@pytest.mark.parametrize(("permission", "least"), LEAST.items())
def test_permission_starts_at_a_role(permission: str, least: Role) -> None:
    allowed = [role for role in RANKS if permitted(role, permission)]
    assert allowed == RANKS[: RANKS.index(least) + 1]
    assert not permitted("nobody", permission)


def test_no_permission_is_left_out_here() -> None:
    assert PERMISSIONS[Role.OWNER] == LOOKING | LEAST.keys()


def test_nobody_grants_a_role_above_their_own() -> None:
    for at, own in enumerate(RANKS):
        assert [role for role in RANKS if may_grant(own, role)] == RANKS[at:] == grantable(own)
    assert not may_grant("nobody", Role.VIEWER)


def test_every_permission_stands_in_one_line_for_people() -> None:
    listed = [permission for capability in CAPABILITIES for permission in capability.permissions]
    assert sorted(listed) == sorted(PERMISSIONS[Role.OWNER])
    assert len({capability.text for capability in CAPABILITIES}) == len(CAPABILITIES)


def test_a_line_for_people_is_wholly_a_roles_or_not_at_all() -> None:
    for capability in CAPABILITIES:
        for role in RANKS:
            assert capability.of(role) == bool(capability.permissions & PERMISSIONS[role])


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


def test_require_grant_refuses_what_is_above(acme: Tenant, vera: Principal) -> None:
    vera.require_grant("viewer")
    with pytest.raises(
        PermissionMissing, match="The role viewer may neither give nor take the role reviewer"
    ) as caught:
        vera.require_grant("reviewer")
    assert (caught.value.principal, caught.value.permission) == (vera, "role.reviewer")
    acme.principal.require_grant("owner")


def test_system_principal_may_everything(acme: Tenant) -> None:
    principal = system_principal(acme.organization)
    assert principal.actor.kind == "system"
    assert principal.organization_id == acme.organization.id
    assert all(principal.can(permission) for permission in LEAST)
