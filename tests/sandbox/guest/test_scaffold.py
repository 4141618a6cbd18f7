"""The names beside Python's own, spoken to over a real socket: frames sent, answers taken, answers collected."""

import math
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.guest.output import Output
from sandbox.guest.scaffold import (
    MAX_ANSWER,
    Answer,
    BudgetExceeded,
    Host,
    SubCallError,
    ToolError,
    host_functions,
    make_show_vars,
)
from sandbox.guest.wire import MAX_FRAME, Channel

NAMES = (
    "llm_query",
    "llm_query_batched",
    "rlm_query",
    "rlm_query_batched",
    "budget",
    "recall",
    "remember",
    "search",
)


class Pair:
    """The guest's functions over a socket whose other end the test holds."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._peer = Channel(self._ours.fileno())
        guest = Channel(self._theirs.fileno())
        self.output = Output(guest, 10_000)
        self.host = Host(guest, self.output)
        self.functions = host_functions(self.host, NAMES)

    def call(self, name: str, *args: Any, answer: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        """Call a function whose answer is already under way."""
        self._peer.send(answer or {"t": "return", "value": "r"})
        return self.functions[name](*args, **kwargs)

    def sent(self) -> dict[str, Any]:
        """Take the next frame that the guest sent."""
        return self._peer.receive()

    def close(self) -> None:
        """Close both ends."""
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "sent_args", "sent_kwargs"),
    [
        ("llm_query", ("p",), {}, ["p"], {}),
        ("llm_query", ("p",), {"model": "m"}, ["p"], {"model": "m"}),
        ("llm_query_batched", (("p", "q"),), {}, [["p", "q"]], {}),
        ("llm_query_batched", (iter(["p"]), "m"), {}, [["p"]], {"model": "m"}),
        ("rlm_query", ("p",), {}, ["p"], {}),
        ("rlm_query", ("p",), {"context": {"a": (1, math.nan)}}, ["p"], {"context": {"a": [1, None]}}),
        ("rlm_query_batched", (["p", "q"],), {}, [["p", "q"]], {}),
        ("rlm_query_batched", (["p", "q"],), {"contexts": iter("ab")}, [["p", "q"]], {"contexts": ["a", "b"]}),
        ("budget", (), {}, [], {}),
        ("recall", ("where",), {}, ["where"], {"limit": 8}),
        ("recall", (), {"query": "where", "limit": 3}, ["where"], {"limit": 3}),
        ("remember", ("there",), {}, ["there"], {}),
        ("search", ("x", 2), {"k": 3}, ["x", 2], {"k": 3}),
    ],
)
def test_call_sends_one_frame_and_returns_its_answer(
    pair: Pair, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], sent_args: list[Any], sent_kwargs: Any
) -> None:
    assert pair.call(name, *args, answer={"t": "return", "value": [name]}, **kwargs) == [name]
    assert pair.sent() == {"t": "call", "ordinal": 1, "name": name, "args": sent_args, "kwargs": sent_kwargs}


def test_calls_are_numbered_within_the_cell(pair: Pair) -> None:
    pair.call("budget")
    pair.call("search")
    pair.host.begin()
    pair.call("budget")
    assert [pair.sent()["ordinal"] for _ in range(3)] == [1, 2, 1]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("BudgetExceeded", BudgetExceeded),
        ("SubCallError", SubCallError),
        ("ToolError", ToolError),
        ("LookupError", LookupError),
        ("TimeoutError", TimeoutError),
        ("SystemExit", SubCallError),
        ("no such name", SubCallError),
    ],
)
def test_refusal_is_raised_as_a_known_error(pair: Pair, kind: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^because$") as caught:
        pair.call("llm_query", "p", answer={"t": "raise", "kind": kind, "message": "because"})
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("name", "prompts", "message"),
    [
        ("llm_query_batched", "p", "llm_query_batched takes a list of prompts, not one str"),
        ("llm_query_batched", b"p", "llm_query_batched takes a list of prompts, not one bytes"),
        ("rlm_query_batched", {"p": 1}, "rlm_query_batched takes a list of prompts, not one dict"),
    ],
)
def test_one_prompt_is_no_batch(pair: Pair, name: str, prompts: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        pair.functions[name](prompts)
    assert str(caught.value) == message


def test_batch_wants_one_context_for_each_prompt(pair: Pair) -> None:
    with pytest.raises(ValueError, match="rlm_query_batched got 2 prompts but 1 contexts"):
        pair.functions["rlm_query_batched"](["p", "q"], ["a"])


@pytest.mark.parametrize(
    ("args", "kwargs", "what"),
    [((object(),), {}, "the argument of search must be JSON"), ((), {"k": {1}}, "k of search must be JSON")],
)
def test_argument_that_is_no_json_is_named(pair: Pair, args: Any, kwargs: Any, what: str) -> None:
    with pytest.raises(TypeError, match=f"^{what}"):
        pair.functions["search"](*args, **kwargs)


def test_call_too_large_is_a_value_error_and_takes_no_number(pair: Pair) -> None:
    with pytest.raises(ValueError, match="the arguments of llm_query are too large: ") as caught:
        pair.functions["llm_query"]("x" * MAX_FRAME)
    assert type(caught.value) is ValueError
    pair.call("budget")
    assert pair.sent()["ordinal"] == 1


def test_tool_is_called_by_its_own_name(pair: Pair) -> None:
    assert list(pair.functions) == list(NAMES)
    assert {name: function.__name__ for name, function in pair.functions.items()} == {name: name for name in NAMES}


@pytest.fixture
def namespace() -> dict[str, Any]:
    return {"total": 7, "__builtins__": {}}


@pytest.fixture
def answer(namespace: dict[str, Any]) -> Answer:
    made = Answer(namespace)
    namespace["answer"] = made.variable
    return made


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "content"),
    [
        ("FINAL", ("x",), {}, "x"),
        ("FINAL", ((1, 2),), {}, [1, 2]),
        ("FINAL_VAR", ("total",), {}, 7),
        ("SUBMIT", ([1],), {}, [1]),
        ("SUBMIT", (), {"a": 1, "b": None}, {"a": 1, "b": None}),
    ],
)
def test_dialect_submits(answer: Answer, name: str, args: Any, kwargs: Any, content: Any) -> None:
    answer.functions()[name](*args, **kwargs)
    assert answer.collect() == {"content": content, "ready": True, "dialect": name}


@pytest.mark.parametrize("name", ["missing", "__builtins__", 7, "x" * 200])
def test_final_var_names_what_is_no_variable(answer: Answer, name: Any) -> None:
    with pytest.raises(
        NameError, match="FINAL_VAR takes a variable's name as text, and there is none called"
    ) as caught:
        answer.functions()["FINAL_VAR"](name)
    assert len(str(caught.value)) < 160
    assert answer.collect()["ready"] is False


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1, 2), {}), ((1,), {"a": 1})])
def test_submit_takes_one_value_or_fields(answer: Answer, args: Any, kwargs: Any) -> None:
    with pytest.raises(TypeError, match="SUBMIT takes one value, or fields by name"):
        answer.functions()["SUBMIT"](*args, **kwargs)


@pytest.mark.parametrize(
    ("bound", "collected"),
    [
        ({"content": 1, "ready": 1}, {"content": 1, "ready": True, "dialect": "answer"}),
        ({"content": 1}, {"content": 1, "ready": False, "dialect": "answer"}),
        ({"value": 1}, {"content": "", "ready": False, "dialect": "answer"}),
        ("plain text", {"content": "", "ready": False, "dialect": "answer"}),
    ],
)
def test_dict_bound_to_answer_fills_it(
    answer: Answer, namespace: dict[str, Any], bound: Any, collected: dict[str, Any]
) -> None:
    namespace["answer"] = bound
    assert answer.collect() == collected


def test_content_that_is_no_json_is_its_text(answer: Answer) -> None:
    answer.variable["content"] = {1}
    assert answer.collect()["content"] == "{1}"


def test_content_too_large_is_refused(answer: Answer) -> None:
    answer.variable["content"] = "x" * MAX_ANSWER
    assert len(answer.collect()["content"]) == MAX_ANSWER
    answer.variable["content"] += "x"
    with pytest.raises(ValueError, match=f"has {MAX_ANSWER + 1} characters; at most {MAX_ANSWER} can be submitted"):
        answer.collect()


def test_show_vars_lists_the_input_and_what_the_cells_made() -> None:
    class Own:
        __module__ = "__main__"

    scaffold = {"llm_query": print, "context": "abc"}
    namespace = {
        **scaffold,
        "__name__": "__main__",
        "math": math,
        "sqrt": math.sqrt,
        "rows": [1] * 1200,
        "data": b"12",
        "pairs": {"a": 1},
        "count": 5,
        "Own": Own,
    }
    shown = make_show_vars(namespace, scaffold)()
    assert f"{shown}" == repr(shown) == shown
    lines = shown.splitlines()
    assert lines[:5] == [
        "context: str, 3 characters",
        "rows: list, 1,200 items",
        "data: bytes, 2 bytes",
        "pairs: dict, 1 items",
        "count: int, 28 bytes",
    ]
    assert lines[5].startswith("Own: type, ")
    assert len(lines) == 6


def test_show_vars_bears_a_lost_input() -> None:
    assert make_show_vars({"x": 1}, {})().splitlines()[0].startswith("context: NoneType, ")
