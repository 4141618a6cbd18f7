"""A run that is taken up again from any point of its stream: nothing recorded is asked twice, nothing is told twice."""

import re
from collections import Counter

from rlmlab.engine.errors import BadRequest
from rlmlab.engine.events import Event, Log, SpanFinished, SpanStarted
from rlmlab.engine.orchestrator import execute
from rlmlab.engine.providers.base import ChatRequest
from rlmlab.engine.record import Record
from rlmlab.engine.stream import EventStream
from rlmlab.engine.types import Budget, RunOutcome, RunSpec
from tests.engine.conftest import RUN_ID, Lab
from tests.engine.fakes.provider import Say, ScriptedProvider
from tests.engine.fakes.sink import MemorySink, check_stream

ROOT = [
    "n = 1\nprint('first', budget()['steps'] >= 0)",
    "found = llm_query_batched(['a', 'b', 'c'])\nprint(found)",
    "part = rlm_query('Part', 'its context')\nprint(part)",
    "try:\n    llm_query('broken')\nexcept SubCallError as error:\n    print(error)",
    "FINAL([n, found, part])",
]
PART = ["x = llm_query('deep')\nprint(x, context)", "FINAL(x + '!')"]


def answer(request: ChatRequest) -> Say:
    """Reply as a function of what is asked, as often as it is asked."""
    system, last = request.messages[0].content, request.messages[-1].content
    if 'answer["content"]' not in system:
        return Say(last.upper())
    task = next(message.content for message in request.messages if message.role == "user")
    code = PART if "Part" in task else ROOT
    turn = sum(message.role == "assistant" for message in request.messages)
    return Say(f"```repl\n{code[turn]}\n```")


class Broken(ScriptedProvider):
    """Fails for one question."""

    async def stream(self, request: ChatRequest):
        if request.messages[-1].content == "broken":
            self.requests.append(request)
            raise BadRequest("not this one")
        async for item in super().stream(request):
            yield item


def asked(provider: ScriptedProvider) -> Counter[str]:
    return Counter(
        re.sub(r"\[Budget left.*?\]", "", "|".join(message.content for message in request.messages))
        for request in provider.requests
    )


async def go_on(
    lab: Lab, events: list[Event], provider: ScriptedProvider, **spec: object
) -> tuple[RunOutcome, MemorySink]:
    sink = MemorySink(list(events))
    outcome = await execute(
        RunSpec(RUN_ID, **{"task": "Root", "model": "big", "budget": Budget(), **spec}),
        provider=provider,
        environment=lab.environment,
        stream=EventStream(RUN_ID, [sink], lab.clock, len(events)),
        clock=lab.clock,
        record=Record(events),
    )
    return outcome, sink


def paid(events: list[Event]) -> int:
    """Count the model calls that an end with a reply is on record of."""
    return sum(
        isinstance(event.payload, SpanFinished) and event.payload.kind == "model_call" and event.payload.status == "ok"
        for event in events
    )


async def test_taken_up_after_any_event_it_ends_alike_and_pays_nothing_twice(lab: Lab) -> None:
    whole = await lab.run(None, provider=Broken(answer))
    assert whole.outcome.answer == [1, ["A", "B", "C"], "DEEP!"]
    events = whole.sink.events
    for cut in range(1, len(events)):
        provider = Broken(answer)
        outcome, sink = await go_on(lab, events[:cut], provider)
        assert outcome.answer == whole.outcome.answer, cut
        assert outcome.finish_reason == "submitted", cut
        check_stream(sink.events)
        assert sink.events[:cut] == events[:cut]
        assert sink.projection().totals == outcome.totals, cut
        assert paid(sink.events[:cut]) + len(provider.requests) - broken(provider) == paid(events), cut
        assert outcome.totals.steps == whole.outcome.totals.steps, cut
        assert outcome.totals.sub_calls == whole.outcome.totals.sub_calls, cut
        assert not divergences(sink.events), cut
        assert told_once(sink.events) == told_once(events), cut


def broken(provider: ScriptedProvider) -> int:
    return sum(request.messages[-1].content == "broken" for request in provider.requests)


def divergences(events: list[Event]) -> list[str]:
    return [
        event.payload.message
        for event in events
        if isinstance(event.payload, Log) and event.payload.data.get("code") == "divergence"
    ]


def told_once(events: list[Event]) -> Counter[tuple[str, str]]:
    """Count what was said by path and text, but for replies, which are paid and counted so, and for what is left."""
    paths = {event.span_id: event.payload.path for event in events if isinstance(event.payload, SpanStarted)}
    return Counter(
        (paths[event.span_id], re.sub(r"\[Budget left.*?\]", "", event.payload.content))
        for event in events
        if event.type == "message" and event.payload.role != "assistant"
    )


SLICED = {
    "Root": ["told = rlm_query('Part', budget={'max_sub_calls': 2, 'max_tokens': 60_000})\nprint(told)", "FINAL(told)"],
    "Part": ["print(llm_query('a'))", "print(llm_query('b'))", "print(llm_query('c'))"],
}


def sliced(request: ChatRequest) -> Say:
    system, last = request.messages[0].content, request.messages[-1].content
    if 'answer["content"]' not in system:
        return Say(last.upper(), output_tokens=500)
    if "max_sub_calls is reached. No more code" in last:
        return Say("the best")
    task = next(message.content for message in request.messages if message.role == "user")
    code = SLICED["Part" if "Part" in task else "Root"]
    return Say(f"```repl\n{code[sum(message.role == 'assistant' for message in request.messages)]}\n```")


async def test_slice_holds_however_often_the_run_is_taken_up(lab: Lab) -> None:
    whole = await lab.run(None, provider=ScriptedProvider(sliced))
    assert (whole.outcome.answer, whole.outcome.totals.sub_calls) == ("the best", 3)
    events = whole.sink.events
    refused = next(at for at, event in enumerate(events) if getattr(event.payload, "status", "") == "refused")
    for cut in range(1, len(events)):
        provider = ScriptedProvider(sliced)
        outcome, sink = await go_on(lab, events[:cut], provider)
        assert outcome.answer == "the best", cut
        assert outcome.totals.sub_calls == 3 + (cut in {refused - 1, refused}), cut  # open, so it may have been made
        assert paid(sink.events[:cut]) + len(provider.requests) == paid(events), cut
        assert not divergences(sink.events), cut
