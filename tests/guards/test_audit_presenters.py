"""Each action that is recorded has a sentence for the audit log, and each sentence an action."""

import ast
from collections.abc import Iterator
from typing import Final

from rlmlab.audit.presenters import registered_actions
from tests.guards.tree import ROOT, tracked

RECORDERS: Final = {"record", "record_attempt"}
HOME: Final = "rlmlab/audit/actions.py"


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


def called(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def argument(call: ast.Call, function: ast.FunctionDef, parameter: str) -> ast.expr | None:
    """What a call gives for a parameter of the function it calls."""
    names = [item.arg for item in function.args.args]
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    given |= dict(zip(names, call.args, strict=False))
    return given.get(parameter)


def recorded_in(tree: ast.Module) -> Iterator[str | None]:
    """Yield each action's name, also through a helper in the same module; None where it is not a literal."""
    for function in functions(tree):
        for call in ast.walk(function):
            if not isinstance(call, ast.Call) or called(call) not in RECORDERS:
                continue
            value = next((keyword.value for keyword in call.keywords if keyword.arg == "action"), None)
            if isinstance(value, ast.Name):
                calls = [
                    node for node in ast.walk(tree) if isinstance(node, ast.Call) and called(node) == function.name
                ]
                yield from (literal(argument(node, function, value.id)) for node in calls)
            else:
                yield literal(value)


def literal(value: ast.expr | None) -> str | None:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def recorded() -> set[str | None]:
    found: set[str | None] = set()
    for path in tracked("rlmlab/*.py", "trajectories/*.py", "memory/*.py"):
        if str(path.relative_to(ROOT)) != HOME:
            found |= set(recorded_in(ast.parse(path.read_text(), str(path))))
    return found


def test_every_recorded_action_has_a_sentence() -> None:
    assert recorded() - registered_actions() - {"person.erase"} == set()


def test_every_sentence_has_an_action() -> None:
    assert registered_actions() - recorded() == {"person.erase"}  # recorded by the audit app itself


def test_the_guard_follows_a_helper() -> None:
    tree = ast.parse(
        "def _record(by, action):\n    record(actor=by, action=action)\n"
        "def go(by):\n    _record(by, 'a.b')\n    _record(by, action='a.c')\n    _record(by, by.name)\n"
        "def direct():\n    record(action='a.d')\n"
    )
    assert sorted(recorded_in(tree), key=str) == [None, "a.b", "a.c", "a.d"]
