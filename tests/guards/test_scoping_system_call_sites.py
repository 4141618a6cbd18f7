"""Each place that reaches across tenants is listed here, so that a new one is a decision and not an accident."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.guards.tree import ROOT, tracked

CALL_SITES: Final = {
    # before an organization is known
    "rlmlab/tenancy/queries.py:principal_for_key",
    "rlmlab/tenancy/queries.py:memberships_of",
    "rlmlab/tenancy/queries.py:principal_for_user",
    "rlmlab/tenancy/queries.py:invitation_by_digest",
    "trajectories/queries.py:run_of_member",
    # the installation's own commands
    "rlmlab/tenancy/queries.py:organization_by_slug",
    "rlmlab/tenancy/queries.py:any_organization",
    "rlmlab/tenancy/actions/bootstrap.py:bootstrap",
    "rlmlab/tenancy/management/commands/audit.py:_verify",
    "rlmlab/tenancy/actions/rotation.py:organizations_with_keys",
    "rlmlab/audit/actions.py:erase_person",
    "trajectories/rebuild.py:all_runs",
    # the staff's review of the audit log
    "rlmlab/tenancy/admin.py:changelist_view",
    "rlmlab/tenancy/admin.py:changeform_view",
    "rlmlab/tenancy/admin.py:chains",
    "rlmlab/tenancy/admin.py:export",
    "rlmlab/tenancy/admin.py:_exported",
    # the workers' upkeep of everybody's runs
    "trajectories/leases.py:beat",
    "trajectories/leases.py:sweep",
    "trajectories/leases.py:expire_dead",
    "trajectories/fairness.py:claim_next",
}
HOME: Final = "rlmlab/scoping/"
# a function of the owner, whom no policy stops, and which therefore looks at the caller's scope itself
READS_THE_SETTING: Final = {
    "trajectories/migrations/0003_purge_run.py",
    "trajectories/migrations/0006_purge_what_came_of_a_run.py",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in tracked("*.py"):
        name = str(path.relative_to(ROOT))
        if not name.startswith((HOME, "tests/")):
            yield name, ast.parse(path.read_text(), str(path))


def functions(tree: ast.AST, outer: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield each node with the name of the innermost function around it."""
    for node in ast.iter_child_nodes(tree):
        inner = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else outer
        yield inner, node
        yield from functions(node, inner)


def is_system_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "system"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "scoping"
    )


def test_call_sites_of_system_are_the_listed_ones() -> None:
    found = {
        f"{name}:{function}" for name, tree in sources() for function, node in functions(tree) if is_system_call(node)
    }
    assert found == CALL_SITES


def test_each_call_gives_a_literal_reason_of_its_own() -> None:
    reasons = [
        node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        for _, tree in sources()
        for node in ast.walk(tree)
        if is_system_call(node)
    ]
    assert None not in reasons
    assert len(set(reasons)) == len(reasons)


def test_nobody_goes_round_the_name() -> None:
    """`scoping.system` is the only spelling; the setting itself is named in the scoping package alone."""
    for name, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rlmlab.scoping"):
                assert not {alias.name for alias in node.names} & {"system", "context"}, name
                assert all(alias.asname is None for alias in node.names), name
    mentions = {str(path.relative_to(ROOT)) for path in tracked("*.py") if "rlmlab.system" in Path(path).read_text()}
    assert {name for name in mentions if not name.startswith((HOME, "tests/"))} == READS_THE_SETTING


def test_the_guard_sees_a_call() -> None:
    tree = ast.parse("def reach():\n    with scoping.system('why'):\n        pass\n")
    assert [function for function, node in functions(tree) if is_system_call(node)] == ["reach"]
