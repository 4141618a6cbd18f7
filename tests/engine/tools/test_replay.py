"""A run with tools that is taken up again anywhere: what is on record of its tools is not done twice."""

import json
from collections import Counter

from rlmlab.engine.errors import ToolFailed
from rlmlab.engine.events import Log
from rlmlab.engine.orchestrator import execute
from rlmlab.engine.providers.base import ChatRequest, ModelInfo, Price, ToolCall
from rlmlab.engine.record import Record
from rlmlab.engine.stream import EventStream
from rlmlab.engine.tools.base import Tool, tool
from rlmlab.engine.types import RunSpec
from tests.engine.conftest import RUN_ID, Lab
from tests.engine.fakes.provider import Say, ScriptedProvider
from tests.engine.fakes.sink import MemorySink, check_stream

INFO = ModelInfo("big", Price(1e-6, 2e-6), tools=True)
CELLS = [
    "a = take(name='one')",
    "b = tools_batched([('take', {'name': 'two'}), ('take', {'name': 'bad'}), ('take', {'name': 'three'})])",
    "try:\n    take('bad')\nexcept ToolError as error:\n    c = str(error)\nFINAL([a, b, c])",
]


def calls(*names: str) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(f"id-{name}", "take", json.dumps({"name": name})) for name in names)


def answer(request: ChatRequest) -> Say:
    """Call tools in the first turn, in the form of the provider; then run cells."""
    turn = sum(message.role == "assistant" for message in request.messages)
    if turn == 0:
        return Say("I look.", "tool_calls", tool_calls=(*calls("x", "bad", "y"), ToolCall("id-no", "no", "{}")))
    return Say(f"```repl\n{CELLS[turn - 1]}\n```")


class Counting:
    """A tool that counts what it did, by name."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()

    def tools(self) -> tuple[Tool, ...]:
        """Make the tool."""

        async def take(name: str) -> str:
            """Take something once."""
            self.done[name] += 1
            if name == "bad":
                raise ToolFailed("it is bad")
            return f"{name} taken"

        return (tool(take),)


async def test_taken_up_after_any_event_no_recorded_tool_is_called_again(lab: Lab) -> None:
    first = Counting()
    provider = ScriptedProvider(answer, infos={"big": INFO})
    whole = await lab.run(None, provider=provider, tools=first.tools())
    bad = "take: it is bad"
    batch = ["two taken", f"[ToolError: {bad}]", "three taken"]
    assert whole.outcome.answer == ["one taken", batch, bad]
    events = whole.sink.events
    for cut in range(1, len(events)):
        again, provider, sink = Counting(), ScriptedProvider(answer, infos={"big": INFO}), MemorySink(events[:cut])
        outcome = await execute(
            RunSpec(RUN_ID, task="Root", model="big"),
            provider=provider,
            environment=lab.environment,
            stream=EventStream(RUN_ID, [sink], lab.clock, cut),
            clock=lab.clock,
            record=Record(events[:cut]),
            tools=again.tools(),
        )
        assert outcome.answer == whole.outcome.answer, cut
        check_stream(sink.events)
        recorded = sum(
            event.type == "span_finished" and event.payload.kind == "tool_call" and event.payload.status == "ok"
            for event in events[:cut]
        )
        assert sum(count for name, count in again.done.items() if name != "bad") == 5 - recorded, cut
        told = [message for event in sink.events if event.type == "message" for message in [event.payload]]
        results = [message for message in told if message.role == "tool"]
        assert [message.tool_call_id for message in results] == ["id-x", "id-bad", "id-y", "id-no"], cut
        assert results == [message.payload for message in events if getattr(message.payload, "role", "") == "tool"]
        logs = [event.payload.message for event in sink.events if isinstance(event.payload, Log)]
        assert not [message for message in logs if "ivergence" in message], (cut, logs)


async def test_conversation_is_the_same_after_a_run_was_taken_up(lab: Lab) -> None:
    provider = ScriptedProvider(answer, infos={"big": INFO})
    whole = await lab.run(None, provider=provider, tools=Counting().tools())
    events = whole.sink.events
    cut = next(at for at, event in enumerate(events) if event.type == "code") + 1
    later, sink = ScriptedProvider(answer, infos={"big": INFO}), MemorySink(events[:cut])
    await execute(
        RunSpec(RUN_ID, task="Root", model="big"),
        provider=later,
        environment=lab.environment,
        stream=EventStream(RUN_ID, [sink], lab.clock, cut),
        clock=lab.clock,
        record=Record(events[:cut]),
        tools=Counting().tools(),
    )
    sent = [[message.role for message in request.messages] for request in (provider.requests[-1], later.requests[-1])]
    assert sent[0] == sent[1]
    first, second = provider.requests[-1].messages, later.requests[-1].messages
    assert first[:7] == second[:7]
    assert first[2].tool_calls == (*calls("x", "bad", "y"), ToolCall("id-no", "no", "{}"))
