"""A run's tools as cells call them, over the real bridge."""

import asyncio
import threading
import time
from typing import Any

import pytest

from rlmlab.engine.errors import ToolFailed
from rlmlab.engine.events import SpanStarted
from rlmlab.engine.tools import toolbox
from rlmlab.engine.tools.base import Tool, tool
from rlmlab.engine.tools.schema import BadTool
from tests.engine.conftest import Lab
from tests.engine.fakes.provider import by_level, turns
from tests.engine.fakes.sink import MemorySink


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


async def double(number: int, times: int = 1) -> int:
    """Double a number. Not told to models."""
    return number * 2**times


async def slow(seconds: float, name: str = "") -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return name


async def broken(how: str) -> Any:
    """Fail."""
    match how:
        case "told":
            raise ToolFailed("there is no such customer")
        case "unforeseen":
            raise ZeroDivisionError("the password is hunter2")
        case "timed out":
            raise TimeoutError
        case "large":
            return "é" * (toolbox.RESULT_BYTES // 2 + 1)
        case "deep":
            deep: list[Any] = []
            for _ in range(100_000):
                deep = [deep]
            return deep
    return object()


DOUBLE, SLOW, BROKEN = tool(double), tool(slow, timeout_seconds=0.3), tool(broken)


async def test_call_is_a_span_with_arguments_and_result(lab: Lab) -> None:
    ran = await lab.run(turns(code("FINAL([double(4), double(number=1, times=3)])")), tools=[DOUBLE])
    assert ran.outcome.answer == [8, 8]
    assert ran.sink.paths("tool_call") == ["1/1", "1/2"]
    first, second = (start for start in ran.sink.payloads(SpanStarted) if start.kind == "tool_call")
    assert (first.name, first.data["arguments"], second.data["arguments"]) == (
        "double",
        {"number": 4},
        {"number": 1, "times": 3},
    )
    assert len(first.data["request_hash"]) == 64
    assert first.data["request_hash"] != second.data["request_hash"]
    assert (ran.sink.finished("1/1").status, ran.sink.finished("1/1").result) == ("ok", 8)
    assert ran.sink.payloads(SpanStarted)[0].data["tools"] == ["double"]


async def test_result_is_durable_before_the_guest_sees_it(lab: Lab) -> None:
    class Watching(MemorySink):
        async def commit(self) -> None:
            await super().commit()
            durable.append([event.payload.result for event in self.events if event.type == "span_finished"][-1:])

    durable: list[list[Any]] = []
    cell = "double(4)\ntools_batched([('double', {'number': 1}), ('double', {'number': 5})])\nFINAL(1)"
    await lab.run(turns(code(cell)), tools=[DOUBLE], sink=Watching())
    assert durable[1:3] == [[8], [10]]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("double()", "TypeError: double() needs 'number'"),
        ("double(None)", "TypeError: double(): number: must be of type integer"),
        ("double('4')", "TypeError: double(): number: must be of type integer"),
        ("double(1, 2, 3)", "TypeError: double() takes 2 arguments, 3 were given"),
        ("double(1, size=2)", "TypeError: double() has no argument 'size'; it has number, times"),
        ("double(1, number=2)", "TypeError: double() got two values for 'number'"),
        ("double(True)", "TypeError: double(): number: must be of type integer"),
        ("slow(1, 'x' * 70000)", "ValueError: slow(): the arguments have 70,"),
        ("tools_batched('double')", "TypeError: tools_batched() takes one list of (name, {argument: value})"),
        ("tools_batched([['double', 4]])", "TypeError: tools_batched(): item 0 must be (name, {argument: value})"),
        (
            "tools_batched([('double', {'number': 1}), ('double', {})])",
            "TypeError: tools_batched(): item 1: double() needs 'number'",
        ),
        (
            "tools_batched([('llm_query', {})])",
            "ValueError: tools_batched(): item 0: there is no tool 'llm_query'; there are double, slow",
        ),
        ("tools_batched([('double', {})] * 65)", "ValueError: tools_batched(): 65 calls at once; at most 64 are taken"),
    ],
)
async def test_wrong_arguments_are_errors_in_the_cell_and_nothing_is_called(lab: Lab, call: str, error: str) -> None:
    ran = await lab.run(turns(code(call), code("FINAL('on')")), tools=[DOUBLE, SLOW])
    assert error in ran.provider.requests[1].messages[-1].content
    assert ran.outcome.answer == "on"
    assert ran.sink.paths("tool_call") == []


@pytest.mark.parametrize(
    ("how", "failure", "told"),
    [
        ("told", "tool_failed", "broken: there is no such customer"),
        ("unforeseen", "tool_failed", "broken: an unforeseen ZeroDivisionError"),
        ("timed out", "tool_failed", "broken: timed out"),
        (
            "large",
            "tool_failed",
            "broken: its result has 262,148 bytes, at most 262,144 are taken: ask for less at a time",
        ),
        ("deep", "tool_failed", "broken: its result is not JSON: maximum recursion depth exceeded"),
        ("object", "tool_failed", "broken: its result is not JSON: Object of type object is not JSON serializable"),
    ],
)
async def test_failure_is_told_to_the_model_and_the_run_goes_on(lab: Lab, how: str, failure: str, told: str) -> None:
    cell = f"try:\n    broken({how!r})\nexcept ToolError as e:\n    print(e)"
    ran = await lab.run(turns(code(cell), code("FINAL('on')")), tools=[BROKEN])
    assert ran.provider.requests[1].messages[-1].content.startswith(told)
    span = ran.sink.finished("1/1")
    assert (span.status, span.failure.code) == ("error", failure)
    assert span.failure.message.startswith(told)
    assert ran.outcome.answer == "on"


async def test_unforeseen_failure_keeps_its_text_to_the_worker(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    ran = await lab.run(turns(code("broken('unforeseen')"), code("FINAL(1)")), tools=[BROKEN])
    assert "hunter2" not in str([event.payload for event in ran.sink.events if event.type != "code"])
    assert "hunter2" in caplog.text


async def test_timeout_is_each_tools_own(lab: Lab) -> None:
    since = time.monotonic()
    cell = "try:\n    slow(20)\nexcept ToolError as e:\n    print(e)\nprint(double(2))"
    ran = await lab.run(turns(code(cell), code("FINAL(1)")), tools=[SLOW, DOUBLE])
    assert time.monotonic() - since < 5
    assert ran.provider.requests[1].messages[-1].content.startswith("slow: took longer than 0.3 s\n4\n")
    assert ran.sink.finished("1/1").failure.code == "tool_timeout"


async def test_batch_runs_at_the_same_time_and_answers_in_order(lab: Lab) -> None:
    calls = [("slow", {"seconds": 0.2 - at / 50, "name": str(at)}) for at in range(6)]
    since = time.monotonic()
    ran = await lab.run(turns(code(f"FINAL(tools_batched({calls}))")), tools=[SLOW])
    assert ran.outcome.answer == ["0", "1", "2", "3", "4", "5"]
    assert time.monotonic() - since < 0.9  # one after the other: 0.9 and the run beside it
    assert sorted(ran.sink.paths("tool_call")) == [f"1/1/{at}" for at in range(6)]


async def test_failed_item_of_a_batch_says_so_in_its_place(lab: Lab) -> None:
    cell = "FINAL(tools_batched([('double', {'number': 1}), ('broken', {'how': 'told'}), ['slow', {'seconds': 9}]]))"
    ran = await lab.run(turns(code(cell)), tools=[DOUBLE, BROKEN, SLOW])
    failed = ["[ToolError: broken: there is no such customer]", "[ToolError: slow: took longer than 0.3 s]"]
    assert ran.outcome.answer == [2, *failed]


async def test_calls_of_a_run_are_bounded(lab: Lab) -> None:
    at_once = [0, 0]

    async def counted() -> int:
        """Count."""
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0.01)
        at_once[0] -= 1
        return 0

    ran = await lab.run(turns(code("FINAL(len(tools_batched([('counted', {})] * 30)))")), tools=[tool(counted)])
    assert (ran.outcome.answer, at_once[1]) == (30, toolbox.AT_ONCE)


async def test_plain_function_runs_in_a_thread_and_is_given_up_after_its_time(lab: Lab) -> None:
    released = threading.Event()

    def hanging(seconds: float) -> str:
        """Hold its thread."""
        released.wait(seconds)
        return threading.current_thread().name

    made: Tool = tool(hanging, timeout_seconds=0.2)
    ran = await lab.run(
        turns(code("FINAL(tools_batched([('hanging', {'seconds': s}) for s in (0, 30)]))")), tools=[made]
    )
    released.set()
    name, late = ran.outcome.answer
    assert name.startswith("tool")
    assert late == "[ToolError: hanging: took longer than 0.2 s]"


async def test_overwritten_tool_is_restored(lab: Lab) -> None:
    script = turns(code("double = tools_batched = ToolError = None"), code("FINAL([double(1), ToolError.__name__])"))
    ran = await lab.run(script, tools=[DOUBLE])
    assert ran.outcome.answer == [2, "ToolError"]


async def test_every_level_has_the_tools_and_their_own_input(lab: Lab) -> None:
    root = turns(code("FINAL([rlm_query('Child', context='abc'), llm_query('q')])"))
    script = by_level({"Root": root, "Child": turns(code("FINAL(double(4))")), "plain": turns("p")})
    ran = await lab.run(script, tools=[DOUBLE])
    assert ran.outcome.answer == [8, "p"]
    taught = ["`double(number: int, times: int = 1) -> int`: Double a number." in request.messages[0].content
              for request in ran.provider.requests]  # fmt: skip
    assert taught == [True, True, False]
    assert ran.sink.paths("tool_call") == ["1/1/0/1/1"]


async def test_run_without_tools_has_no_functions(lab: Lab) -> None:
    ran = await lab.run(turns(code("print('tools_batched' in globals())"), code("FINAL(1)")))
    messages = ran.provider.requests[1].messages
    assert messages[-1].content.startswith("False\n")
    assert "tools" not in messages[0].content


async def test_same_name_twice_is_refused(lab: Lab) -> None:
    with pytest.raises(BadTool, match="two tools have the same name"):
        await lab.run(turns(code("FINAL(1)")), tools=[DOUBLE, DOUBLE])
