"""Plain Python as a guest's language: what an attacker has who broke through the restricted one."""

import ast
import builtins
import types
from typing import Any

DISPLAY = "_display_"


class RawLanguage:
    """No checks, all builtins."""

    def compile(self, source: str, filename: str) -> types.CodeType:
        """Compile anything; the last expression is shown."""
        tree = ast.parse(source, filename)
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = tree.body[-1]
            last.value = ast.Call(ast.Name(DISPLAY, ast.Load()), [last.value], [])
        return compile(ast.fix_missing_locations(tree), filename, "exec")

    def builtins(self, namespace: dict[str, Any], stdout: object, stderr: object) -> dict[str, Any]:
        """Return Python's own builtins."""
        return dict(vars(builtins))
