"""Every page of the console and of sign-in is asked for by some test, as some test's source says."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from tests.guards.addresses import SOME_ID, addresses
from tests.guards.tree import tracked

OURS: Final = ("rlmlab.console", "allauth")
FILLINGS: Final = (SOME_ID, "acme")


def literals(tree: ast.Module) -> Iterator[str]:
    """Yield every text of a module that may be a path; constants of the module are filled in, the rest is made up."""
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    yield from constants.values()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        if isinstance(node, ast.JoinedStr):
            yield from (filled(node, constants, filling) for filling in FILLINGS)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "reverse":
            yield from reversed_path(node)


def reversed_path(call: ast.Call) -> Iterator[str]:
    """Yield the path of `reverse("name")`; what is tested to have no path yields none."""
    name = call.args[0]
    if isinstance(name, ast.Constant) and len(call.args) == 1:
        with suppress(NoReverseMatch):
            yield reverse(name.value)


def filled(text: ast.JoinedStr, constants: dict[str, str], filling: str) -> str:
    """Join an f-string; what only runs can know is replaced by `filling`."""
    parts = []
    for part in text.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        elif isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name):
            parts.append(constants.get(part.value.id, filling))
        else:
            parts.append(filling)
    return "".join(parts)


def asked_for() -> set[str]:
    """Return the routes that tests ask for."""
    found = set()
    for path in tracked("tests/console/*.py", "tests/tenancy/*.py", "tests/browser/*.py"):
        for text in literals(ast.parse(path.read_text(), str(path))):
            if text.startswith("/"):
                found |= routes_of(text.partition("?")[0])
    return found


def routes_of(path: str) -> set[str]:
    try:
        return {resolve(path).route}
    except Resolver404:
        return set()


def test_every_page_is_asked_for_by_a_test() -> None:
    pages = {address.route for address in addresses() if address.module.startswith(OURS)}
    assert len(pages) >= 18
    assert pages - asked_for() == set()


def test_the_guard_reads_paths_as_tests_write_them() -> None:
    tree = ast.parse(
        'LIST = "/o/acme/p/demo/runs"\ncall(f"{LIST}/new")\ncall(f"/runs/{run.id}")\nreverse("account_logout")'
    )
    found = set().union(*(routes_of(text) for text in literals(tree) if text.startswith("/")))
    assert found == {
        "o/<slug:organization>/p/<slug:project>/runs",
        "o/<slug:organization>/p/<slug:project>/runs/new",
        "runs/<uuid:run_id>",
        "accounts/logout/",
    }
