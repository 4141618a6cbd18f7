"""The names that every REPL has beside Python's own: the input, calls to the host, and the ways to submit an answer."""

import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.guest.coverage import Corpus
from sandbox.guest.jsonable import to_json
from sandbox.guest.output import Output
from sandbox.guest.wire import Channel, FrameTooLarge

MAX_ANSWER = 8 << 20
QUERIES = frozenset({"llm_query", "llm_query_batched", "rlm_query", "rlm_query_batched"})


class BudgetExceeded(Exception):
    """The run's budget does not allow this call."""


class SubCallError(Exception):
    """A sub-call failed for good; the message says why."""


class ToolError(Exception):
    """A tool could not do what it was asked; the message says why."""


YIELDING = frozenset({"history"})
"""Names that a cell may well take for its own: what it binds to them stays, where others are restored."""

_RAISABLE: dict[str, type[Exception]] = {
    error.__name__: error
    for error in (
        BudgetExceeded,
        SubCallError,
        ToolError,
        ValueError,
        TypeError,
        LookupError,
        RuntimeError,
        TimeoutError,
    )
}


class Host:
    """Calls to the host: one frame out, one frame back, numbered within the cell."""

    def __init__(self, channel: Channel, output: Output, corpus: Corpus | None = None) -> None:
        self._channel = channel
        self._output = output
        self._corpus = corpus
        self._ordinal = 0

    def begin(self) -> None:
        """Start a cell: ordinals count from 1 again."""
        self._ordinal = 0

    def call(self, name: str, args: list[Any], kwargs: Mapping[str, Any]) -> Any:
        """Make one call and return its answer, or raise what the host answers with."""
        frame: dict[str, Any] = {
            "t": "call",
            "ordinal": self._ordinal + 1,
            "name": name,
            "args": [to_json(value, what=f"the argument of {name}") for value in args],
            "kwargs": {key: to_json(value, what=f"{key} of {name}") for key, value in kwargs.items()},
        }
        if self._corpus is not None and name in QUERIES:
            frame["seen"] = self._corpus.seen(_texts_of(frame["args"], frame["kwargs"]))
        self._output.flush()
        try:
            self._channel.send(frame)
        except FrameTooLarge as error:
            raise ValueError(f"the arguments of {name} are too large: {error}") from None
        self._ordinal += 1
        answer = self._channel.receive()
        if answer["t"] == "raise":
            raise _RAISABLE.get(answer["kind"], SubCallError)(answer["message"])
        return answer["value"]


def _texts(name: str, values: Iterable[Any]) -> list[Any]:
    if isinstance(values, (str, bytes, Mapping)):
        raise TypeError(f"{name} takes a list of prompts, not one {type(values).__name__}")
    return list(values)


def _texts_of(args: list[Any], kwargs: Mapping[str, Any]) -> list[list[str]]:
    """Return what each sub-call of a host call is given to read."""
    prompts = args[0] if isinstance(args[0], list) else [args[0]]
    contexts = kwargs.get("contexts", [kwargs.get("context")]) or []
    given = [[prompt, *contexts[at : at + 1]] for at, prompt in enumerate(prompts)]
    return [[text for text in texts if isinstance(text, str)] for texts in given]


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def host_functions(host: Host, names: Iterable[str]) -> dict[str, Callable[..., Any]]:
    """Build the functions that the session was given; names of no known shape pass their arguments on as they are."""
    shapes = {function.__name__: function for function in (*_queries(host), *_services(host))}
    return {name: shapes.get(name) or _tool(host, name) for name in names}


def _queries(host: Host) -> tuple[Callable[..., Any], ...]:
    def llm_query(
        prompt: Any, model: str | None = None, schema: Any = None, images: Any = None, audio: Any = None
    ) -> Any:
        """Ask a model; it sees only `prompt`, and the files of the input that are named as `images` and `audio`.

        With a `schema`, a JSON Schema, the answer is the JSON value.
        """
        given = _given(model=model, schema=schema, images=images, audio=audio)
        return host.call("llm_query", [prompt], given)

    def llm_query_batched(
        prompts: Iterable[Any], model: str | None = None, schema: Any = None, images: Any = None, audio: Any = None
    ) -> Any:
        """Ask a model about each of the prompts at the same time; answers come in order.

        `images` and `audio` have one entry for each prompt.
        """
        given = _given(model=model, schema=schema, images=images, audio=audio)
        return host.call("llm_query_batched", [_texts("llm_query_batched", prompts)], given)

    def rlm_query(prompt: Any, context: Any = None, model: str | None = None, budget: Any = None) -> Any:
        """Give a task to a recursive call with a REPL and a `context` of its own, within a `budget` of its own."""
        return host.call("rlm_query", [prompt], _given(context=context, model=model, budget=budget))

    def rlm_query_batched(
        prompts: Iterable[Any], contexts: Iterable[Any] | None = None, model: str | None = None, budget: Any = None
    ) -> Any:
        """Give several tasks to recursive calls; `contexts` has one entry for each, `budget` holds for each."""
        tasks = _texts("rlm_query_batched", prompts)
        inputs = None if contexts is None else list(contexts)
        if inputs is not None and len(inputs) != len(tasks):
            raise ValueError(f"rlm_query_batched got {len(tasks)} prompts but {len(inputs)} contexts")
        return host.call("rlm_query_batched", [tasks], _given(contexts=inputs, model=model, budget=budget))

    return llm_query, llm_query_batched, rlm_query, rlm_query_batched


def _services(host: Host) -> tuple[Callable[..., Any], ...]:
    def budget() -> Any:
        """Return what is left of the run's budget."""
        return host.call("budget", [], {})

    def recall(query: str, limit: int = 8) -> Any:
        """Search the memory; a list of dicts, best first."""
        return host.call("recall", [query], {"limit": limit})

    def remember(text: str) -> Any:
        """Keep a fact for later runs; returns its id."""
        return host.call("remember", [text], {})

    def history() -> Any:
        """Return every message of this conversation, as a list of dicts {role, content}."""
        return host.call("history", [], {})

    return budget, recall, remember, history


def _tool(host: Host, name: str) -> Callable[..., Any]:
    def tool(*args: Any, **kwargs: Any) -> Any:
        return host.call(name, list(args), kwargs)

    tool.__name__ = tool.__qualname__ = name
    return tool


class Answer:
    """The variable `answer` and the three functions that fill it."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self.variable: dict[str, Any] = {"content": "", "ready": False}
        self._dialect = "answer"

    def functions(self) -> dict[str, Callable[..., None]]:
        """Build FINAL, FINAL_VAR and SUBMIT."""

        def FINAL(value: Any) -> None:  # noqa: N802 - the dialect's own spelling
            """Submit `value` as the answer."""
            self._submit("FINAL", value)

        def FINAL_VAR(name: str) -> None:  # noqa: N802
            """Submit the variable called `name` as the answer."""
            if not isinstance(name, str) or name.startswith("__") or name not in self._namespace:
                raise NameError(f"FINAL_VAR takes a variable's name as text, and there is none called {name!r:.80}")
            self._submit("FINAL_VAR", self._namespace[name])

        def SUBMIT(*values: Any, **fields: Any) -> None:  # noqa: N802
            """Submit a value, or fields as a dict, as the answer."""
            if bool(fields) == bool(values) or len(values) > 1:
                raise TypeError("SUBMIT takes one value, or fields by name")
            self._submit("SUBMIT", values[0] if values else fields)

        return {"FINAL": FINAL, "FINAL_VAR": FINAL_VAR, "SUBMIT": SUBMIT}

    def collect(self) -> dict[str, Any]:
        """Return the fields of `Submission`; a dict that the model bound to `answer` counts as filling it.

        Raises:
            ValueError: the content is too large to hand over.
        """
        bound = self._namespace.get("answer")
        if bound is not self.variable and type(bound) is dict and "content" in bound:
            self.variable.clear()
            self.variable.update(content=bound["content"], ready=bound.get("ready", False))
        content = self.variable.get("content", "")
        try:
            content = to_json(content)
        except (TypeError, ValueError):
            content = str(content)
        if isinstance(content, str) and len(content) > MAX_ANSWER:
            raise ValueError(f"answer['content'] has {len(content)} characters; at most {MAX_ANSWER} can be submitted")
        return {"content": content, "ready": bool(self.variable.get("ready")), "dialect": self._dialect}

    def _submit(self, dialect: str, value: Any) -> None:
        self.variable["content"] = value
        self.variable["ready"] = True
        self._dialect = dialect


class Listing(str):
    """What SHOW_VARS returns: a text that shows its lines as they are where another one shows its repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def make_show_vars(namespace: Mapping[str, Any], scaffold: Mapping[str, Any]) -> Callable[[], Listing]:
    """Build SHOW_VARS, which needs no host."""

    def SHOW_VARS() -> Listing:  # noqa: N802 - the name is part of what models are taught
        """List the names, types and sizes of your variables; a call that stands alone prints the list."""
        rows = [_row("context", namespace.get("context"))]
        own = (name for name in namespace if name not in scaffold and not _is_imported(name, namespace[name]))
        rows += [_row(name, namespace[name]) for name in own]
        return Listing("\n".join(rows))

    return SHOW_VARS


def _is_imported(name: str, value: Any) -> bool:
    """Tell whether a global comes from an import, or from Python itself, and not from the cells."""
    if name.startswith("__") or isinstance(value, types.ModuleType):
        return True
    return callable(value) and getattr(value, "__module__", "__main__") != "__main__"


def _row(name: str, value: Any) -> str:
    kind = type(value).__name__
    if isinstance(value, str):
        return f"{name}: {kind}, {len(value):,} characters"
    if isinstance(value, (list, tuple, dict, set, frozenset, bytes, bytearray)):
        return f"{name}: {kind}, {len(value):,} {'bytes' if isinstance(value, (bytes, bytearray)) else 'items'}"
    return f"{name}: {kind}, {sys.getsizeof(value):,} bytes"
