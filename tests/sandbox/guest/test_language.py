"""The restricted language in this process: what its guards let through, and how they refuse the rest."""

import ast
import sys
import uuid
from typing import Any

import pytest

from sandbox.guest.output import Output, Printer
from sandbox.guest.repl import DISPLAY
from sandbox.guest.restricted import facades
from sandbox.guest.restricted.guards import Guards
from sandbox.guest.restricted.language import RestrictedLanguage
from sandbox.guest.restricted.policy import Policy


class Sent:
    """Stands where the channel stands and keeps the text."""

    def __init__(self) -> None:
        self.text = ""

    def send(self, frame: dict[str, Any]) -> None:
        self.text += frame["text"]


class Shell:
    """Runs cells one after the other in one namespace."""

    def __init__(self) -> None:
        facades.preload()
        self.sent = Sent()
        self._output = Output(self.sent, 10_000)  # type: ignore[arg-type]
        stdout, stderr = Printer(self._output, "stdout"), Printer(self._output, "stderr")
        self._language = RestrictedLanguage()
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        builtins = self._language.builtins(self.namespace, stdout, stderr)
        self._shown: list[Any] = []
        self.namespace["__builtins__"] = builtins | {DISPLAY: self._shown.append, "print": print}

    def value(self, code: str) -> Any:
        """Run a cell and return the value of its last expression."""
        exec(self._language.compile(code, "<cell-1>"), self.namespace)  # noqa: S102 - what the language is for
        self._output.flush()
        return self._shown.pop()


@pytest.fixture
def shell() -> Shell:
    return Shell()


FROZEN = (
    "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass P:\n    x: int\n"
    "    def __post_init__(self):\n        object.__setattr__(self, 'x', self.x + 1)\n"
)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (FROZEN + "P(1).x", 2),
        (
            "class C: pass\nc = C()\nc.x = 1\nbefore = vars(c)\ndel c.x\nc.y = 2\ndelattr(c, 'y')\nbefore, vars(c)",
            ({"x": 1}, {}),
        ),
        ("x = 1\nsorted(vars()), dir() == sorted(globals()), vars() == locals()", (["x"], True, True)),
        ("[name for name in dir('') if name[0] == 'c']", ["capitalize", "casefold", "center", "count"]),
        ("import math\nvars(math)['tau'] == math.tau", True),
        ("class C:\n    a = 1\nc = C()\nhasattr(c, 'a'), hasattr(c, 'b'), getattr(c, 'b', 5)", (True, False, 5)),
        ("class C: pass\nc = C()\nsetattr(c, 'a', 3)\n'{0.a}-{k}'.format(c, k=1)", "3-1"),
        ("str.format('{:>3}', 7), str.format_map('{a[0]}', {'a': 'xy'})", ("  7", "x")),
        (
            "class S(str):\n    def format(self, *a):\n        return 'own ' + super().format(*a)\nS('{}').format(1)",
            "own 1",
        ),
        ("class F:\n    def format(self, x):\n        return x\nF().format(4)", 4),
        ("class R:\n    def register(self, x):\n        return x\nR().register(4)", 4),
        ("class R:\n    mro = 3\nR().mro", 3),
        ("from datetime import date\nformat(date(2026, 1, 2), '%d')", "02"),
        ("type(1), type(int) is type, isinstance(int, type), isinstance(1, type)", None),
        ("repr(type)", "<class 'type'>"),
        ("class C: pass\nC().__class__ is C, C().__class__.__name__", (True, "C")),
        ("class C:\n    __slots__ = ('a',)\nc = C()\nc.a = 1\nc.a", 1),
        (
            "from collections import namedtuple\nP = namedtuple('P', 'x y')\nP(1, 2)._asdict(), P._fields",
            ({"x": 1, "y": 2}, ("x", "y")),
        ),
        ("from abc import ABCMeta\nclass A(metaclass=ABCMeta):\n    def f(self):\n        return 'f'\nA().f()", "f"),
        ("import functools\ndef f(): 'doc'\n@functools.wraps(f)\ndef g(): ...\ng.__name__, g.__doc__", ("f", "doc")),
        ("import functools\np = functools.partial(len)\n@functools.wraps(p)\ndef g(): ...\ng.__name__", "g"),
        ("import operator\noperator.methodcaller('replace', 'a', 'b')('aa')", "bb"),
        ("import operator\noperator.attrgetter('real', 'imag')(3), operator.attrgetter('real.imag')(3)", ((3, 0), 0)),
        ("import sys\nsys.maxsize, sys.version_info[0]", (sys.maxsize, 3)),
        ("import time\ntime.strptime('2026-01-02', '%Y-%m-%d').tm_yday", 2),
        ("import urllib.parse\nurllib.parse.quote('a b')", "a%20b"),
        ("import collections.abc as c\nc.Mapping.__name__", "Mapping"),
        ("from math import *\nfloor(2.5)", 2),
        (
            "class A:\n    def format(self): return 1\nclass B(A):\n    def f(self): return super().format()\nB().f()",
            1,
        ),
        ("class S(str): pass\nS.format('{}', 1), S('{a}').format_map({'a': 2})", ("1", "2")),
        ("import math\nrepr(math)", "<module 'math'>"),
    ],
)
def test_everyday_code_runs(shell: Shell, code: str, value: Any) -> None:
    got = shell.value(code)
    if value is None:
        kind, same, is_class, is_not = got
        assert (kind, same, is_class, is_not) == (int, True, True, False)
    else:
        assert got == value


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("open('x')", PermissionError, "there are no files in this REPL"),
        ("input('?')", RuntimeError, "nobody can answer input() here"),
        ("from . import x", ImportError, "relative imports have no meaning here"),
        ("from os import *", ModuleNotFoundError, "the module 'os' is not available in this REPL: there are no files"),
        ("import numpy.linalg", ModuleNotFoundError, "use math, statistics and itertools"),
        ("import antigravity", ModuleNotFoundError, "the module 'antigravity' is not available in this REPL"),
        ("from re import enum", ImportError, "cannot import name 'enum' from 're'"),
        ("getattr(1, 2)", TypeError, "attribute name must be string"),
        ("class C: pass\nsetattr(C(), 1, 2)", TypeError, "attribute name must be string"),
        ("class C: pass\nsetattr(C(), '__class__', int)", AttributeError, "the attribute '__class__' cannot be set"),
        ("class C: pass\nC().__dict__ = {}", SyntaxError, "the attribute '__dict__' cannot be set"),
        ("import math\nmath.pi = 3", AttributeError, "attributes of this module 'math' are read-only here"),
        ("import math\ndel math.pi", AttributeError, "attributes of this module 'math' are read-only here"),
        ("vars(1)", TypeError, "vars() argument must have __dict__ attribute"),
        ("getattr(1, '__class__')", AttributeError, "the attribute '__class__' of 'int' objects cannot be used here"),
        ("object.__setattr__(len, 'x', 1)", AttributeError, "attributes of this 'builtin_function_or_method' object"),
        ("class C: pass\nC.mro()", AttributeError, "the attribute 'mro' of classes cannot be used here"),
        ("from collections.abc import Sized\nSized.register(int)", AttributeError, "classes cannot be registered"),
        ("'{0.__class__}'.format(1)", AttributeError, "the attribute '__class__' of 'int' objects"),
        ("str.format('{0.__class__}', 1)", AttributeError, "the attribute '__class__' of 'int' objects"),
        (
            "class S(str):\n    def f(self): return super().format(1)\nS('{0.__class__}').f()",
            AttributeError,
            "'__class__' of",
        ),
        ("(lambda: 0).__globals__", SyntaxError, "the attribute '__globals__' cannot be used here"),
        ("type('X', (), {})", TypeError, "type() takes one argument here: classes are made by class statements"),
        ("class M(type): pass", TypeError, "metaclasses cannot be defined here"),
        ("class C(metaclass=type): pass", SyntaxError, "a metaclass cannot be used here"),
        (
            "from abc import ABCMeta\nABCMeta('X', (), {'__getattribute__': 1})",
            TypeError,
            "ABCMeta is for class statem",
        ),
        ("from math import _x", SyntaxError, "the name '_x' cannot be imported"),
        ("import _ctypes", SyntaxError, "the module '_ctypes' cannot be imported"),
        ("match 1:\n    case int(__class__=c): pass", SyntaxError, "the attribute '__class__' cannot be matched"),
        ("def __init__(): pass\n_getattr_ = 1", SyntaxError, "cannot be used here"),
    ],
)
def test_way_out_is_refused(shell: Shell, code: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        shell.value(code)
    assert type(caught.value) is error
    assert message in str(caught.value)


def test_uuid4_comes_from_the_sessions_random_numbers(shell: Shell) -> None:
    code = "import random, uuid\nrandom.seed(5)\nuuid.uuid4()"
    first = shell.value(code)
    assert (first, first.version, type(first)) == (shell.value(code), 4, uuid.UUID)


def test_pprint_goes_to_the_cells_output(shell: Shell) -> None:
    assert shell.value("from pprint import pprint\npprint({'b': [1], 'a': 2})\n1") == 1
    assert shell.sent.text == "{'a': 2, 'b': [1]}\n"


def test_facade_is_read_only_even_past_the_guards(shell: Shell) -> None:
    facade = shell.value("import math\nmath")
    with pytest.raises(AttributeError, match="module 'math' is read-only here"):
        facade.pi = 3
    with pytest.raises(AttributeError, match="module 'math' is read-only here"):
        del facade.pi
    assert facade.pi == pytest.approx(3.14159, abs=1e-5)


def test_time_zone_parser_is_found_by_the_interpreter_itself(shell: Shell) -> None:
    assert shell.namespace["__builtins__"]["__import__"]("_strptime") is sys.modules["_strptime"]


def test_unknown_words_of_an_annotation_stay_text_in_a_class(shell: Shell) -> None:
    code = "from __future__ import annotations\nclass C:\n    a: Missing\nC.__annotations__"
    assert shell.value(code) == {"a": "Missing"}


@pytest.mark.parametrize("source", ["def f(): pass", "class C: pass"])
def test_type_parameters_are_refused(source: str) -> None:
    tree = ast.parse(source)
    tree.body[0].type_params = [ast.Name("T", ast.Load())]  # type: ignore[attr-defined] # what Python 3.12 parses f[T] to
    with pytest.raises(SyntaxError, match="type parameters cannot be used here"):
        Policy("<cell-1>").visit(tree)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax of Python 3.12")
@pytest.mark.parametrize("source", ["def f[T](x: T): pass", "class C[T]: pass", "type X = int"])
def test_syntax_of_type_parameters_is_refused(shell: Shell, source: str) -> None:
    with pytest.raises(SyntaxError):
        shell.value(source)


def test_guards_do_not_know_a_class_that_no_cell_defined() -> None:
    class Own:
        """Stands for a class of a cell."""

    guards = Guards({})
    assert not guards.is_own(Own())
    assert guards.define(Own) is Own
    assert (guards.is_own(Own()), guards.is_own(Own), guards.is_own(1)) == (True, True, False)
