"""Taking a run up again where more happens: limits, killed cells, memory, chance, pauses, shared beginnings."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from rlmlab.engine.errors import ProviderUnavailable
from rlmlab.engine.events import Event, Log, Message, SpanFinished, SpanStarted
from rlmlab.engine.memory import MemoryPort
from rlmlab.engine.orchestrator import execute
from rlmlab.engine.providers.base import ChatRequest
from rlmlab.engine.record import Record
from rlmlab.engine.sharing import beginning, salvage
from rlmlab.engine.stream import EventStream
from rlmlab.engine.types import Budget, CancelToken, Edit, RunOutcome, RunSpec
from sandbox.base import Profile
from tests.engine.conftest import RUN_ID, Lab
from tests.engine.fakes.memory import ListedMemory
from tests.engine.fakes.provider import Say, ScriptedProvider
from tests.engine.fakes.sink import MemorySink, check_stream
from tests.engine.test_replay import divergences, paid

OTHER = UUID("00000000-0000-4000-8000-000000000002")


def coded(*cells: str, last: str = "best so far") -> Any:
    """Reply by the turn; plain questions are answered in capitals, and the last call by `last`."""

    def answer(request: ChatRequest) -> Say:
        if 'answer["content"]' not in request.messages[0].content:
            return Say(request.messages[-1].content.upper())
        if "Reply now with the best answer" in request.messages[-1].content:
            return Say(last)
        turn = sum(message.role == "assistant" for message in request.messages)
        return Say(f"```repl\n{cells[min(turn, len(cells) - 1)]}\n```")

    return answer


async def go_on(
    lab: Lab,
    events: Sequence[Event],
    provider: ScriptedProvider,
    *,
    memory: MemoryPort | None = None,
    cancel: CancelToken | None = None,
    shared: Sequence[Event] = (),
    run_id: UUID = RUN_ID,
    **spec: Any,
) -> tuple[RunOutcome, MemorySink]:
    sink = MemorySink(list(events))
    outcome = await execute(
        RunSpec(run_id, **{"task": "Root", "model": "big", "budget": Budget(), **spec}),
        provider=provider,
        environment=lab.environment,
        stream=EventStream(run_id, [sink], lab.clock, len(events)),
        clock=lab.clock,
        memory=memory,
        cancel=cancel,
        record=Record(events),
        shared=shared,
    )
    return outcome, sink


ENDINGS: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "steps": (coded("print(llm_query('a'))"), {"budget": Budget(max_steps=2)}, "best so far"),
    "sub-calls in a batch": (
        coded("print(llm_query('a'))", "llm_query_batched(['b', 'c', 'd'])"),
        {"budget": Budget(max_sub_calls=2)},
        "best so far",
    ),
    "sub-calls one by one": (
        coded("print(llm_query('a'))", "for n in range(5):\n    llm_query(f'b{n}')"),
        {"budget": Budget(max_sub_calls=3)},
        "best so far",
    ),
    "error in a cell": (coded("x = 1", "1 / 0", "FINAL([x, llm_query('a')])"), {}, [1, "A"]),
    "answer of another form": (
        coded("FINAL('no number')", "FINAL(7)"),
        {"response_schema": {"type": "integer"}},
        7,
    ),
    "no code": (coded("print(1)", "FINAL(budget()['depth'])"), {}, 3),
    "nested limit": (
        coded("print(rlm_query('Sub', budget={'max_steps': 1}))", "FINAL('done')"),
        {"budget": Budget(max_steps=4)},
        "done",
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
async def test_taken_up_after_any_event_it_ends_as_it_would_have(lab: Lab, name: str) -> None:
    script, spec, expected = ENDINGS[name]
    whole = await lab.run(script, **spec)
    assert whole.outcome.answer == expected
    events = whole.sink.events
    for cut in range(1, len(events)):
        provider = ScriptedProvider(script)
        outcome, sink = await go_on(lab, events[:cut], provider, **spec)
        assert (outcome.answer, outcome.finish_reason) == (expected, whole.outcome.finish_reason), cut
        check_stream(sink.events)
        assert sink.projection().totals == outcome.totals, cut
        assert paid(sink.events[:cut]) + len(provider.requests) == paid(events), cut
        assert not divergences(sink.events), cut


async def test_memory_is_neither_asked_nor_written_again(lab: Lab) -> None:
    script = coded("remember('The sky is blue.')", "FINAL([item['text'] for item in recall('sky')])")
    memory = ListedMemory()
    whole = await lab.run(script, memory=memory)
    assert whole.outcome.answer == ["The sky is blue."]
    events = whole.sink.events
    done = next(
        event.seq
        for event in events
        if (event.type == "span_finished" and event.payload.result == ["x"])
        or (
            event.type == "span_finished"
            and event.payload.kind == "tool_call"
            and isinstance(event.payload.result, list)
        )
    )
    forgetful = ListedMemory()
    outcome, sink = await go_on(lab, events[:done], ScriptedProvider(script), memory=forgetful)
    assert outcome.answer == ["The sky is blue."]
    assert await forgetful.recall("sky", 5) == []
    check_stream(sink.events)


async def test_killed_cell_is_not_run_again_where_its_observation_is_on_record(lab: Lab) -> None:
    script = coded("x = 1", "while True: pass", "FINAL('x' in globals())")
    profile = Profile("tiny", 0.5, 256 << 20)
    whole = await lab.run(script, profile=profile)
    assert whole.outcome.answer is False
    events = whole.sink.events
    killed = [e.seq for e in events if e.type == "span_finished" and e.payload.data.get("status") == "killed_time"]
    step_end = next(e.seq for e in events if e.seq > killed[0] and e.type == "span_finished")
    started = asyncio.get_running_loop().time()
    outcome, sink = await go_on(lab, events[:step_end], ScriptedProvider(script), profile=profile)
    assert asyncio.get_running_loop().time() - started < 0.5
    assert outcome.answer is False
    outcome, sink = await go_on(lab, events[: killed[0]], ScriptedProvider(script), profile=profile)
    assert outcome.answer is False
    assert [start.attempt for start in sink.payloads(SpanStarted) if start.path == "2/c1"] == [1, 2]


async def test_cell_that_prints_something_else_is_told_and_its_record_stands(lab: Lab) -> None:
    script = coded("import time\nprint(object(), time.time_ns())", "FINAL('done')")
    whole = await lab.run(script)
    events = whole.sink.events
    second = next(e.seq for e in events if isinstance(e.payload, SpanStarted) and e.payload.path == "2")
    provider = ScriptedProvider(script)
    outcome, sink = await go_on(lab, events[:second], provider)
    assert outcome.answer == "done"
    assert divergences(sink.events) == ["Divergence at 1/c1: the cell printed something else than is on record"]
    told = [message.content for message in sink.payloads(Message) if message.purpose == "observation"]
    assert told == [message.content for message in whole.sink.payloads(Message) if message.purpose == "observation"]


async def test_address_in_an_output_is_no_divergence(lab: Lab) -> None:
    script = coded("print(object())", "FINAL('done')")
    whole = await lab.run(script)
    second = next(e.seq for e in whole.sink.events if isinstance(e.payload, SpanStarted) and e.payload.path == "2")
    _, sink = await go_on(lab, whole.sink.events[:second], ScriptedProvider(script))
    assert not divergences(sink.events)


async def test_call_with_other_words_than_on_record_is_made_and_told(lab: Lab) -> None:
    whole = await lab.run(coded("print(llm_query('a'))", "FINAL('done')"))
    events = [event.model_copy(update={"payload": changed(event.payload)}) for event in whole.sink.events[:-4]]
    provider = ScriptedProvider(coded("print(llm_query('a'))", "FINAL('done')"))
    outcome, sink = await go_on(lab, events, provider)
    assert outcome.answer == "done"
    assert divergences(sink.events)[0] == "Divergence at 1/1/0: another llm_query is asked for than is on record"
    check_stream(sink.events)


def changed(payload: Any) -> Any:
    """Give recorded sub-calls another question."""
    if isinstance(payload, SpanStarted) and payload.kind == "sub_call":
        return payload.model_copy(update={"data": {**payload.data, "request_hash": "of something else"}})
    return payload


async def test_pause_waits_for_the_call_and_leaves_the_run_open(lab: Lab) -> None:
    token = CancelToken()

    async def slow(request: ChatRequest) -> Say:
        token.pause()
        await asyncio.sleep(0.2)
        return coded("print(llm_query('a'))", "FINAL('done')")(request)

    provider = ScriptedProvider(slow)
    outcome, sink = await go_on(lab, [], provider, cancel=token)
    assert (outcome.status, outcome.finish_reason, outcome.answer) == ("paused", None, None)
    assert paid(sink.events) == 1
    ended = {start.path for start in sink.payloads(SpanStarted)} - {""}
    assert {end.status for end in sink.payloads(SpanFinished) if end.kind != "model_call"} == {"interrupted"}
    assert {"1", "1/m"} <= ended
    assert isinstance(sink.events[-1].payload, Log)
    went_on, after = await go_on(lab, sink.events, ScriptedProvider(coded("print(llm_query('a'))", "FINAL('done')")))
    assert went_on.answer == "done"
    check_stream(after.events)
    assert paid(after.events) == 3


async def test_shared_beginning_costs_nothing_and_reads_like_the_other_run(lab: Lab) -> None:
    script = coded("x = llm_query('a')\nprint(x)", "y = llm_query('b')\nprint(y)", "FINAL([x, y])")
    whole = await lab.run(script)
    third = next(e.seq for e in whole.sink.events if isinstance(e.payload, SpanStarted) and e.payload.path == "3")
    shared = beginning(whole.sink.events, third - 1)
    provider = ScriptedProvider(script)
    edit = Edit("3", "FINAL([x, y, 'mine'])")
    outcome, sink = await go_on(lab, [], provider, shared=shared, run_id=OTHER, edit=edit)
    assert outcome.answer == ["A", "B", "mine"]
    assert provider.requests == []
    assert (outcome.totals.cost_usd, outcome.totals.model_calls, outcome.totals.steps) == (0.0, 0, 1)
    check_stream(sink.events)
    assert [message.purpose for message in sink.payloads(Message)].count("task") == 1
    for cut in range(1, len(sink.events)):
        if cut <= len(shared):
            continue  # told in one go, stored in one batch
        provider = ScriptedProvider(script)
        again, stream = await go_on(lab, sink.events[:cut], provider, run_id=OTHER, edit=edit)
        assert (again.answer, provider.requests) == (["A", "B", "mine"], []), cut
        assert not divergences(stream.events), cut
        check_stream(stream.events)


async def test_renewed_prompt_stands_in_the_shared_beginning(lab: Lab) -> None:
    script = coded("print(1)", "FINAL(2)")
    whole = await lab.run(script)
    second = next(e.seq for e in whole.sink.events if isinstance(e.payload, SpanStarted) and e.payload.path == "2")
    provider = ScriptedProvider(script)
    own = 'You have a REPL. Set answer["content"].'
    await go_on(
        lab,
        [],
        provider,
        shared=beginning(whole.sink.events, second - 1),
        run_id=OTHER,
        system_prompt=own,
        renewed_prompt=True,
    )
    assert provider.requests[0].messages[0].content.startswith(own)


async def test_what_went_wrong_in_the_last_step_is_done_anew_and_the_rest_is_kept(lab: Lab) -> None:
    broken = [True]

    def answer(request: ChatRequest) -> Say:
        last = request.messages[-1].content
        if last == "c" and broken[0]:
            raise ProviderUnavailable("down")
        if 'answer["content"]' in request.messages[0].content and len(request.messages) > 5 and broken[0]:
            raise ProviderUnavailable("down")
        return coded("print(llm_query('a'))", "r = llm_query_batched(['b', 'c'])\nprint(r)", "FINAL(r)")(request)

    failed = await lab.run(answer)
    assert failed.outcome.finish_reason == "error"
    broken[0] = False
    shared = salvage(beginning(failed.sink.events, failed.sink.events[-1].seq))
    provider = ScriptedProvider(answer)
    outcome, sink = await go_on(lab, [], provider, shared=shared, run_id=OTHER)
    assert outcome.status == "succeeded"
    assert len(provider.requests) == 1
    check_stream(sink.events)
