"""The restricted language as the REPL takes it: compiler, builtins, guards and imports put together."""

import builtins
import types
from typing import Any, NoReturn

from sandbox.guest.output import Printer
from sandbox.guest.restricted import facades
from sandbox.guest.restricted.guards import Guards
from sandbox.guest.restricted.policy import compile_cell

_PLAIN = """
    abs aiter all anext any ascii bin bool bytearray bytes callable chr classmethod complex dict divmod enumerate filter
    float format frozenset hash hex id int isinstance issubclass iter len list map max memoryview min next object oct
    ord pow property range repr reversed round set slice sorted staticmethod str sum super tuple zip
    Ellipsis NotImplemented __build_class__ __debug__
"""


class RestrictedLanguage:
    """Python for cells, as far as it cannot lead out of them."""

    def compile(self, source: str, filename: str) -> types.CodeType:
        """Compile a cell, or raise SyntaxError."""
        if "\x00" in source:  # a ValueError before Python 3.11.4
            raise SyntaxError("source code string cannot contain null bytes")
        return compile_cell(source, filename)

    def builtins(self, namespace: dict[str, Any], stdout: Printer, stderr: Printer) -> dict[str, Any]:
        """Return the builtins of one session; names with underscores are what the compiler calls."""
        guards = Guards(namespace)
        plain = {name: getattr(builtins, name) for name in _PLAIN.split()}
        errors = {
            name: value
            for name, value in vars(builtins).items()
            if isinstance(value, type) and issubclass(value, BaseException)
        }
        return {
            **plain,
            **errors,
            "__import__": facades.Importer(guards, stdout, stderr),
            "_getattr_": guards.read,
            "_write_": guards.writable,
            "_class_": guards.define,
            "delattr": guards.delete,
            "dir": guards.dir,
            "getattr": guards.read,
            "globals": guards.variables,
            "hasattr": guards.has,
            "input": _no_input,
            "locals": guards.variables,
            "open": _no_files,
            "setattr": guards.write,
            "type": guards.type,
            "vars": guards.vars,
        }


def _no_files(*_: object, **__: object) -> NoReturn:
    """Stand for `open`."""
    raise PermissionError("there are no files in this REPL: the input is in the variable `context`")


def _no_input(*_: object) -> NoReturn:
    """Stand for `input`."""
    raise RuntimeError("nobody can answer input() here")
