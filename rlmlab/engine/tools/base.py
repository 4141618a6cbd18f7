"""A tool: a typed Python function with a name, a sentence and a JSON Schema, called by a cell or by a model itself."""

import builtins
import inspect
import keyword
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar, get_args, get_origin, get_type_hints

from rlmlab.engine.structured import mismatch
from rlmlab.engine.tools.schema import BadTool, parameters_of
from rlmlab.engine.types import ContextOpener
from sandbox.errors import Refused

T = TypeVar("T")
SECONDS = 30.0
BATCH = "tools_batched"
TAKEN = frozenset({
    "answer", "context", "budget", "history", "recall", "remember", "llm_query", "llm_query_batched", "rlm_query",
    "rlm_query_batched", "FINAL", "FINAL_VAR", "SUBMIT", "SHOW_VARS", "BudgetExceeded", "SubCallError", "ToolError",
    BATCH,
})  # fmt: skip
"""What a REPL has under these names cannot be shadowed by a tool."""
_NAME = re.compile(r"[a-z][a-z0-9_]{1,59}")


class InThread(Protocol):
    """Runs a function in one of a few threads."""

    def __call__(self, work: Callable[..., T], *args: Any) -> Awaitable[T]:
        """Return what it returns."""
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """Where a tool is called: the level's input, and threads for work that would hold up the event loop.

    A function that takes it is given it by the engine; no model can.
    """

    open_context: ContextOpener
    in_thread: InThread


@dataclass(frozen=True, slots=True)
class Tool:
    """`description` is the first sentence of its docstring; `signature` what a model reads; `here` names the parameter
    that takes `Here`, if there is one. A plain function runs in a thread, which no timeout can stop: it is given up.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    signature: str
    function: Callable[..., Any]
    here: str = ""
    timeout_seconds: float = SECONDS

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments by name, checked; what is left out, or None where None means that, is not in it.

        Raises:
            Refused: as `TypeError` or `ValueError`, naming the argument, like a Python function's own.
        """
        schemas: Mapping[str, Any] = self.parameters["properties"]
        bound = self._named(tuple(schemas), args, kwargs)
        bound = {name: value for name, value in bound.items() if value is not None or self._takes_none(name)}
        missing = [name for name in self.parameters["required"] if name not in bound]
        if missing:
            raise Refused("TypeError", f"{self.name}() needs {', '.join(map(repr, missing))}")
        for name, value in bound.items():
            if (problem := mismatch(value, schemas[name], name)) is not None:
                kind = "TypeError" if mismatch(value, _type_of(schemas[name])) is not None else "ValueError"
                raise Refused(kind, f"{self.name}(): {problem}")
        whole = {name for name in bound if schemas[name].get("type") == "integer"}
        return {name: int(value) if name in whole else value for name, value in bound.items()}

    def _named(self, names: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        if len(args) > len(names):
            raise Refused("TypeError", f"{self.name}() takes {len(names)} arguments, {len(args)} were given")
        bound = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name not in names:
                known = ", ".join(names) or "none"
                raise Refused("TypeError", f"{self.name}() has no argument {name[:60]!r}; it has {known}")
            if name in bound:
                raise Refused("TypeError", f"{self.name}() got two values for {name!r}")
            bound[name] = value
        return bound

    def _takes_none(self, name: str) -> bool:
        """Tell whether None is a value of its own here, or missing where one is needed; else it means: left out."""
        schema = self.parameters["properties"][name]
        return name in self.parameters["required"] or mismatch(None, schema) is None


def tool(function: Callable[..., Any], *, name: str = "", timeout_seconds: float = SECONDS) -> Tool:
    """Make a tool of a typed function.

    Raises:
        BadTool: its name, its docstring or a parameter cannot be told to a model; the message names it.
    """
    called = name or function.__name__
    check_name(called)
    description = _first_sentence(inspect.getdoc(function) or "")
    if not description:
        raise BadTool(f"{called}: the function has no docstring; its first sentence is what models are told")
    parameters, here = parameters_of(function, given=Here)
    return Tool(called, description, parameters, _signature(called, function, here), function, here, timeout_seconds)


def check_name(name: str) -> None:
    """Refuse a name that would hide something else in a REPL.

    Raises:
        BadTool: saying why.
    """
    if not _NAME.fullmatch(name):
        raise BadTool(f"{name!r} is no name of a tool: use 2 to 60 lower-case letters, digits and underscores")
    if name in TAKEN or keyword.iskeyword(name) or hasattr(builtins, name):
        raise BadTool(f"{name!r} means something else in a REPL already")


def _first_sentence(text: str) -> str:
    """Return a docstring's first sentence as one line."""
    paragraph = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    return re.split(r"(?<=[.!?])\s", paragraph, maxsplit=1)[0]


def _signature(name: str, function: Callable[..., Any], here: str) -> str:
    """Write a function as a model reads it, without what only the engine gives."""
    hints = get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    shown = [
        parameter.replace(annotation=_plain(hints[key]))
        for key, parameter in signature.parameters.items()
        if key != here
    ]
    result = _plain(hints["return"]) if "return" in hints else inspect.Signature.empty
    return f"{name}{signature.replace(parameters=shown, return_annotation=result)}"


def _plain(annotation: Any) -> Any:
    """Return a type without its description; a TypedDict is a dict."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    return dict if hasattr(annotation, "__required_keys__") else annotation


def _type_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a schema says of the type alone."""
    return {key: schema[key] for key in ("type", "anyOf") if key in schema}
