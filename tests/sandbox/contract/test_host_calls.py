"""Calls from the guest to the host."""

import asyncio
from typing import Any

import pytest

from sandbox.base import HostCall, Session
from sandbox.errors import Refused, SessionDied
from tests.sandbox.conftest import OpenSession
from tests.sandbox.driver import SHORT, Recorder, run

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("code", "args", "kwargs"),
    [
        ("llm_query('a')", ("a",), {}),
        ("llm_query('a', 'm')", ("a",), {"model": "m"}),
        ("llm_query(prompt='a', model='m')", ("a",), {"model": "m"}),
        ("llm_query_batched(['a', 'b'])", (["a", "b"],), {}),
        ("llm_query_batched(str(i) for i in range(3))", (["0", "1", "2"],), {}),
        ("rlm_query('a', context={'k': (1, 2)})", ("a",), {"context": {"k": [1, 2]}}),
        ("rlm_query_batched(['a', 'b'], contexts=['x', None])", (["a", "b"],), {"contexts": ["x", None]}),
        ("budget()", (), {}),
        ("recall('q')", ("q",), {"limit": 8}),
        ("remember('t')", ("t",), {}),
        ("search('q', 3, exact=True)", ("q", 3), {"exact": True}),
        ("llm_query({1: float('nan'), None: [float('inf')]})", ({"1": None, "null": [None]},), {}),
    ],
)
async def test_arguments_arrive_as_json(
    open_session: OpenSession, code: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    name = code.partition("(")[0]
    session = await open_session(functions=(name,))
    recorder = Recorder({name: lambda *_, **__: {"answer": [1]}})
    assert (await run(session, code, recorder)).value == "{'answer': [1]}"
    assert recorder.calls == [HostCall(name, args, kwargs, 1)]


async def test_ordinals_count_in_each_cell(open_session: OpenSession) -> None:
    session = await open_session(functions=("llm_query",))
    recorder = Recorder({"llm_query": lambda prompt: prompt})
    await run(session, "llm_query('a')\nllm_query('b')", recorder)
    await run(session, "llm_query('c')", recorder)
    assert [(call.args[0], call.ordinal) for call in recorder.calls] == [("a", 1), ("b", 2), ("c", 1)]


async def test_functions_that_were_not_given_do_not_exist(session: Session) -> None:
    error = (await run(session, "llm_query('a')")).result.error
    assert error is not None
    assert error.type == "NameError"


@pytest.mark.parametrize(
    ("code", "kind", "part"),
    [
        ("llm_query()", "TypeError", "llm_query() missing 1 required positional argument: 'prompt'"),
        ("llm_query(object())", "TypeError", "contains a object"),
        ("llm_query({(1, 2): 3})", "TypeError", "keys must be text"),
        ("llm_query('a' * (33 << 20))", "ValueError", "too large"),
        ("x = []\nx.append(x)\nllm_query(x)", "ValueError", "nested deeper than 64 levels or contains itself"),
        ("llm_query(10 ** 5000)", "ValueError", "digits"),
    ],
)
async def test_bad_arguments_are_errors_of_the_cell(open_session: OpenSession, code: str, kind: str, part: str) -> None:
    session = await open_session(functions=("llm_query",))
    recorder = Recorder()
    error = (await run(session, code, recorder)).result.error
    assert error is not None
    assert error.type == kind
    assert part in error.message
    assert recorder.calls == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("llm_query_batched('abc')", "llm_query_batched takes a list of prompts, not one str"),
        ("rlm_query_batched(['a'], ['x', 'y'])", "rlm_query_batched got 1 prompts but 2 contexts"),
    ],
)
async def test_bad_batches_are_errors_of_the_cell(open_session: OpenSession, code: str, message: str) -> None:
    session = await open_session(functions=("llm_query_batched", "rlm_query_batched"))
    error = (await run(session, code)).result.error
    assert error is not None
    assert error.message == message


@pytest.mark.parametrize(
    ("kind", "caught"),
    [("BudgetExceeded", "BudgetExceeded"), ("SubCallError", "SubCallError"), ("ValueError", "ValueError"),
     ("SystemError", "SubCallError")],
)  # fmt: skip
async def test_refusal_can_be_caught_by_name(open_session: OpenSession, kind: str, caught: str) -> None:
    def refuse(prompt: str) -> None:
        raise Refused(kind, f"no {prompt}")

    session = await open_session(functions=("llm_query",))
    code = f"try:\n    llm_query('x')\nexcept {caught} as e:\n    got = type(e).__name__, str(e)\ngot"
    assert (await run(session, code, Recorder({"llm_query": refuse}))).value == repr((caught, "no x"))


async def test_answer_that_is_no_json_is_an_error_of_the_call(open_session: OpenSession) -> None:
    session = await open_session(functions=("llm_query",))
    error = (await run(session, "llm_query('x')", Recorder({"llm_query": lambda _: object()}))).result.error
    assert error is not None
    assert error.type == "SubCallError"
    assert (await run(session, "1")).value == "1"


async def test_lone_surrogates_in_arguments_are_replaced(open_session: OpenSession) -> None:
    session = await open_session(functions=("llm_query",))
    recorder = Recorder({"llm_query": lambda prompt: prompt})
    await run(session, "llm_query({'\\ud800': ['a\\x00', '😀']})", recorder)
    assert recorder.calls[0].args == ({"\ufffd": ["a\ufffd", "😀"]},)


async def test_clock_stops_while_the_host_works(open_session: OpenSession) -> None:
    session = await open_session(functions=("llm_query",), profile=SHORT)
    recorder = Recorder({"llm_query": lambda _: asyncio.sleep(0.4, "late")})
    ran = await run(session, "[llm_query('x') for _ in range(2)]", recorder)
    assert ran.value == "['late', 'late']"
    assert ran.result.usage.seconds < 0.4


async def test_handler_failure_ends_the_session_and_comes_out(open_session: OpenSession) -> None:
    def fail(_: str) -> None:
        raise LookupError("host bug")

    session = await open_session(functions=("llm_query",))
    with pytest.raises(LookupError, match="host bug"):
        await run(session, "try:\n    llm_query('x')\nexcept Exception:\n    pass", Recorder({"llm_query": fail}))
    with pytest.raises(SessionDied):
        await run(session, "1")
