"""The fold of events into spans and totals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from rlmlab.engine.clock import SystemClock
from rlmlab.engine.events import Answer, Code, Event, Failure, Message, SpanFinished, SpanStarted, Usage
from rlmlab.engine.interrupted import WORKER_LOST, close_interrupted
from rlmlab.engine.projection import Projection, add_cost, one_line
from rlmlab.engine.stream import EventStream
from rlmlab.engine.types import Totals
from tests.engine.conftest import Lab
from tests.engine.fakes.provider import by_level, turns
from tests.engine.fakes.sink import MemorySink, check_stream

START = datetime(2026, 1, 1, tzinfo=UTC)


def event(seq: int, span: str, parent: str | None, payload: object, depth: int = 0) -> Event:
    at = START + timedelta(seconds=seq)
    return Event(seq=seq, at=at, span_id=span, parent_span_id=parent, depth=depth, payload=payload)


def started(kind: str, path: str, attempt: int = 1, **data: object) -> SpanStarted:
    return SpanStarted(kind=kind, name=f"{kind} name", path=path, attempt=attempt, data=data)


def folded(*events: Event) -> Projection:
    projection = Projection()
    for item in events:
        projection.apply(item)
    return projection


def call(seq: int, span: str, parent: str, cost: float | None) -> list[Event]:
    usage = Usage(
        input_tokens=10, output_tokens=4, cached_tokens=5, cache_write_tokens=3, reasoning_tokens=1, cost_usd=cost
    )
    finished = SpanFinished(kind="model_call", status="ok", seconds=0.5, usage=usage)
    return [event(seq, span, parent, started("model_call", span)), event(seq + 1, span, parent, finished)]


def test_usage_is_summed_up_to_the_root() -> None:
    projection = folded(
        event(1, "r", None, started("run", "", task="Find it")),
        event(2, "s", "r", started("step", "1", number=1)),
        *call(3, "m", "s", 0.25),
        event(5, "x", "s", started("execution", "1/c1")),
        event(6, "q", "x", started("sub_call", "1/1/0", prompt="Read\nthis"), depth=1),
        *call(7, "n", "q", 0.5),
    )
    sums = {span_id: (row.input_tokens, row.output_tokens, row.cost_usd) for span_id, row in projection.spans.items()}
    assert sums == {
        "r": (20, 8, 0.75),
        "s": (20, 8, 0.75),
        "m": (10, 4, 0.25),
        "x": (10, 4, 0.5),
        "q": (10, 4, 0.5),
        "n": (10, 4, 0.5),
    }
    totals = Totals(20, 8, 0.75, model_calls=2, sub_calls=1, steps=1, max_depth=1, seconds=7.0)
    assert projection.totals == replace(totals, cached_tokens=10, cache_write_tokens=6, reasoning_tokens=2)
    parts = [(row.cached_tokens, row.cache_write_tokens, row.reasoning_tokens) for row in projection.spans.values()]
    assert parts == [(10, 6, 2), (10, 6, 2), (5, 3, 1), (5, 3, 1), (5, 3, 1), (5, 3, 1)]
    assert projection.status == "running"
    assert projection.spans["q"].preview == "Read this"
    assert projection.spans["r"].preview == "Find it"


def test_unknown_price_makes_sums_above_it_unknown() -> None:
    projection = folded(
        event(1, "r", None, started("run", "")),
        event(2, "s", "r", started("step", "1")),
        *call(3, "m", "s", 0.25),
        *call(5, "n", "r", None),
    )
    assert projection.spans["s"].cost_usd == 0.25
    assert projection.spans["r"].cost_usd is None
    assert projection.totals.cost_usd is None


def test_refused_sub_call_does_not_count() -> None:
    projection = folded(
        event(1, "r", None, started("run", "")),
        event(2, "q", "r", started("sub_call", "1/1/0")),
        event(3, "q", "r", SpanFinished(kind="sub_call", status="refused", seconds=0.0)),
    )
    assert projection.totals.sub_calls == 0
    assert projection.spans["q"].status == "refused"


def test_second_attempt_of_a_step_counts_once_but_its_call_twice() -> None:
    projection = folded(
        event(1, "r", None, started("run", "")),
        event(2, "s1", "r", started("step", "1")),
        event(3, "m1", "s1", started("model_call", "1/m")),
        event(4, "m1", "s1", SpanFinished(kind="model_call", status="interrupted", seconds=1.0)),
        event(5, "s1", "r", SpanFinished(kind="step", status="interrupted", seconds=1.0)),
        event(6, "s2", "r", started("step", "1", attempt=2)),
        event(7, "m2", "s2", started("model_call", "1/m", attempt=2)),
    )
    assert (projection.totals.steps, projection.totals.model_calls) == (1, 2)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("submitted", "succeeded"),
        ("fallback", "succeeded"),
        ("budget", "failed"),
        ("timeout", "failed"),
        ("error", "failed"),
        ("cancelled", "cancelled"),
    ],
)
def test_root_end_gives_the_run_its_status(reason: str, status: str) -> None:
    failure = Failure(code="c", message="m") if status == "failed" else None
    end = SpanFinished(kind="run", status="ok", seconds=9.5, failure=failure, data={"finish_reason": reason})
    projection = folded(
        event(1, "r", None, started("run", "")),
        event(2, "r", None, Answer(content=[1], dialect="FINAL")),
        event(3, "r", None, end),
    )
    assert (projection.status, projection.finish_reason, projection.answer) == (status, reason, [1])
    assert projection.error == failure
    assert projection.totals.seconds == 9.5
    assert projection.spans["r"].seconds == 9.5


def test_childs_answer_is_not_the_runs() -> None:
    projection = folded(event(1, "r", None, started("run", "")), event(2, "q", "r", started("sub_call", "1/1/0")))
    projection.apply(event(3, "q", "r", Answer(content="child", dialect="FINAL")))
    assert projection.answer is None


def test_event_folded_twice_changes_nothing() -> None:
    events = [event(1, "r", None, started("run", "")), *call(2, "m", "r", 1.0)]
    once, twice = folded(*events), folded(*events, *events)
    assert (twice.totals, twice.spans) == (once.totals, once.spans)


def test_previews_show_code_and_reply() -> None:
    projection = folded(
        event(1, "r", None, started("run", "")),
        event(2, "s", "r", started("step", "1")),
        event(3, "m", "s", started("model_call", "1/m")),
        event(4, "m", "s", Message(role="assistant", content="I look.\n```")),
        event(5, "x", "s", started("execution", "1/c1")),
        event(6, "x", "s", Code(cell=1, code="print(\n1)")),
        event(7, "x", "s", Code(cell=1, code="later")),
    )
    previews = {span_id: row.preview for span_id, row in projection.spans.items()}
    assert previews == {"r": "", "s": "print( 1)", "m": "I look. ```", "x": "print( 1)"}


def test_preview_is_one_short_line() -> None:
    assert one_line("a\n\t b ") == "a b"
    assert one_line("x" * 300) == "x" * 199 + "…"
    assert one_line("x" * 200) == "x" * 200


def test_changed_rows_are_handed_out_once_in_order() -> None:
    projection = folded(
        event(1, "r", None, started("run", "")),
        event(2, "s", "r", started("step", "1")),
        *call(3, "m", "s", 0.1),
    )
    assert [row.span_id for row in projection.take_changed()] == ["r", "s", "m"]
    assert projection.take_changed() == []
    projection.apply(event(5, "s", "r", SpanFinished(kind="step", status="ok", seconds=2.0)))
    assert [(row.span_id, row.status, row.seconds) for row in projection.take_changed()] == [("s", "ok", 2.0)]


def test_costs_add_and_unknown_stays_unknown() -> None:
    assert add_cost(1.0, 0.5) == 1.5
    assert add_cost(None, 0.5) is None
    assert add_cost(1.0, None) is None


async def test_rebuilt_projection_equals_the_live_one_at_every_prefix(lab: Lab) -> None:
    root = turns("```repl\nFINAL(rlm_query_batched(['Child', 'Child']) + [llm_query('x')])\n```")
    script = by_level({"Root": root, "Child": turns("prose", "```repl\nFINAL('c')\n```"), "plain": turns("p")})
    ran = await lab.run(script)
    live = Projection()
    for number, item in enumerate(ran.sink.events, start=1):
        live.apply(item)
        stored = [Event.model_validate_json(kept.model_dump_json()) for kept in ran.sink.events[:number]]
        rebuilt = folded(*stored) if number % 9 == 0 or number == len(ran.sink.events) else live
        assert (rebuilt.spans, rebuilt.totals) == (live.spans, live.totals)
    assert live.totals == ran.outcome.totals
    assert {row.status for row in live.spans.values()} == {"ok"}


@pytest.mark.parametrize("kept", [0, 1, 6, 12])
async def test_dead_workers_run_is_closed_innermost_first(lab: Lab, kept: int) -> None:
    root = turns("```repl\nFINAL(llm_query('x'))\n```")
    ran = await lab.run(by_level({"Root": root, "plain": turns("p")}))
    sink = MemorySink(events=list(ran.sink.events[:kept]))
    before = sink.projection()
    open_spans = [row for row in before.spans.values() if row.status == "running"]
    stream = EventStream(UUID(int=1), [sink], SystemClock(), last_seq=kept)
    now = datetime.now(UTC)
    outcome = close_interrupted(open_spans, totals=before.totals, stream=stream, now=now, model="big")
    check_stream(sink.events)
    after = sink.projection()
    assert (outcome.status, outcome.finish_reason, outcome.error) == ("failed", "error", WORKER_LOST)
    assert (after.status, after.error, after.totals) == ("failed", WORKER_LOST, outcome.totals)
    statuses = [row.status for row in after.spans.values()]
    assert statuses[0] == "error"
    assert statuses.count("interrupted") == max(0, len(open_spans) - 1)
    assert outcome.totals.seconds >= 0
