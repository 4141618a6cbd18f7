"""The stream, its spans, and what it makes of text that cannot be stored."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from rlmlab.engine import normalise
from rlmlab.engine.errors import LostLease, RateLimited
from rlmlab.engine.events import Answer, Failure, Log, Message, Output, SpanFinished, SpanStarted, Usage
from rlmlab.engine.spans import OpenSpan, Spans, SpanStart, failure_of
from rlmlab.engine.stream import Delta, EventStream, span_id_of
from sandbox.errors import EnvironmentUnavailable, Refused, SandboxError
from tests.engine.fakes.sink import MemorySink

RUN_ID = UUID("00000000-0000-4000-8000-00000000000a")


class TickingClock:
    """A clock that goes one second further each time it is read."""

    def __init__(self) -> None:
        self.ticks = 0

    def now(self) -> datetime:
        self.ticks += 1
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.ticks)

    def monotonic(self) -> float:
        self.ticks += 1
        return float(self.ticks)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def made(last_seq: int = 0) -> tuple[EventStream, MemorySink, MemorySink]:
    sinks = MemorySink(), MemorySink()
    return EventStream(RUN_ID, sinks, TickingClock(), last_seq), *sinks


def test_events_are_numbered_without_gaps_and_go_to_every_sink() -> None:
    stream, one, other = made()
    for level in ("info", "warning"):
        stream.emit(Log(level=level, message="m"), span_id="s", parent_span_id="p", depth=2)
    assert [event.seq for event in one.events] == [1, 2]
    assert one.events == other.events
    first = one.events[0]
    assert (first.span_id, first.parent_span_id, first.depth, first.type) == ("s", "p", 2, "log")
    assert first.at == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_stream_goes_on_where_another_stopped() -> None:
    stream, sink, _ = made(last_seq=41)
    stream.emit(Log(level="info", message="m"), span_id="s", parent_span_id=None, depth=0)
    assert (sink.events[0].seq, stream.last_seq) == (42, 42)


@pytest.mark.parametrize(
    ("value", "storable"),
    [
        ({"a": [1, 2.5, True, None, "é", {"b": "c"}]}, True),
        ("a\x00b", False),
        ("\ud800", False),
        (float("inf"), False),
        ([[float("nan")]], False),
        ({"k\x00": 1}, False),
        ({1: "a key that is no text"}, False),
        ((1, 2), False),
        (object(), False),
    ],
)
def test_what_needs_no_mending_is_told_and_mending_leaves_it_as_it_is(value: object, storable: bool) -> None:
    assert normalise.is_storable(value) is storable
    if storable:
        assert normalise.data(value) == value


def test_what_is_nested_too_deep_needs_mending() -> None:
    value: list[object] = []
    for _ in range(normalise.DEEPEST):
        value = [value]
    assert not normalise.is_storable(value)
    assert normalise.is_storable(value[0])
    assert normalise.data(value[0]) == value[0]


@pytest.mark.parametrize(
    ("payload", "clean"),
    [
        (Message(role="user", content="a\x00b"), Message(role="user", content="a\ufffdb")),
        (Output(channel="stdout", text="\ud800"), Output(channel="stdout", text="\ufffd")),
        (
            Answer(content={"k\x00": [float("nan"), "\udfff"]}, dialect="FINAL"),
            Answer(content={"k\ufffd": ["nan", "\ufffd"]}, dialect="FINAL"),
        ),
        (
            SpanFinished(kind="step", status="error", seconds=1, failure=Failure(code="c", message="\x00")),
            SpanFinished(kind="step", status="error", seconds=1, failure=Failure(code="c", message="\ufffd")),
        ),
        (
            SpanFinished(kind="step", status="ok", seconds=1, usage=Usage(input_tokens=3), result="é"),
            SpanFinished(kind="step", status="ok", seconds=1, usage=Usage(input_tokens=3), result="é"),
        ),
        (
            SpanStarted(kind="run", name="n", path="", data={"task": "\x00"}),
            SpanStarted(kind="run", name="n", path="", data={"task": "\ufffd"}),
        ),
    ],
)
def test_what_cannot_be_stored_is_normalised_before_it_is_an_event(payload: object, clean: object) -> None:
    stream, sink, _ = made()
    event = stream.emit(payload, span_id="s", parent_span_id=None, depth=0)
    assert event.payload == clean
    assert sink.events[0].payload.model_dump_json() == clean.model_dump_json()


def test_clean_payload_is_not_copied() -> None:
    stream, _, _ = made()
    payload = Message(role="user", content="plain")
    assert stream.emit(payload, span_id="s", parent_span_id=None, depth=0).payload is payload


def test_deep_answer_is_cut_to_its_text() -> None:
    deep: object = 1
    for _ in range(600):
        deep = [deep]
    clean = normalise.data(deep)
    stored = Answer(content=clean, dialect="FINAL").model_dump_json()
    assert stored.count("[") == 600
    for _ in range(normalise.DEEPEST):
        clean = clean[0]
    assert isinstance(clean, str)


def test_value_that_json_cannot_write_says_so() -> None:
    loop: list[object] = []
    loop.append(loop)
    text = str(normalise.data(loop))
    assert "(nested too deep to show)" in text


def test_offsets_survive_normalising() -> None:
    assert len(normalise.text("a\x00\ud800é")) == 4
    assert normalise.data((1, True, None, 2.5, "x")) == [1, True, None, 2.5, "x"]


def test_deltas_are_normalised_and_not_stored() -> None:
    stream, sink, _ = made()
    stream.delta("s", 3, "x\x00")
    assert sink.deltas == [Delta("s", 3, "x\ufffd")]
    assert (sink.events, stream.last_seq) == ([], 0)


async def test_commit_waits_for_every_sink() -> None:
    stream, one, other = made()
    stream.emit(Log(level="info", message="m"), span_id="s", parent_span_id=None, depth=0)
    await stream.commit()
    assert (one.committed, other.committed) == (1, 1)


async def test_nothing_is_written_after_the_lease_was_lost() -> None:
    sink = MemorySink(lose_after=0)
    stream = EventStream(RUN_ID, [sink], TickingClock())
    with pytest.raises(LostLease):
        await stream.commit()
    stream.emit(Log(level="info", message="m"), span_id="s", parent_span_id=None, depth=0)
    assert (sink.events, stream.last_seq) == ([], 0)


def test_span_id_names_run_path_and_attempt() -> None:
    ids = {span_id_of(run, path, n) for run in (RUN_ID, UUID(int=1)) for path in ("", "1", "1/1/0") for n in (1, 2)}
    assert len(ids) == 12
    assert all(len(span_id) == 16 and int(span_id, 16) >= 0 for span_id in ids)
    assert span_id_of(RUN_ID, "1", 1) == span_id_of(RUN_ID, "1", 1)


def spans() -> tuple[Spans, MemorySink]:
    sink, clock = MemorySink(), TickingClock()
    return Spans(EventStream(RUN_ID, [sink], clock), clock), sink


def start(path: str = "1") -> SpanStart:
    return SpanStart("step", "step 1", path, 1, {"number": 1})


def test_span_opens_and_closes_around_its_block() -> None:
    opener, sink = spans()
    with opener.open(start(), None) as outer, opener.open(start("1/m"), outer) as inner:
        inner.emit(Log(level="info", message="inside"))
        inner.data = {"a": 1}
        inner.result = "r"
    assert [event.type for event in sink.events] == [
        "span_started",
        "span_started",
        "log",
        "span_finished",
        "span_finished",
    ]
    assert sink.events[1].parent_span_id == outer.span_id == span_id_of(RUN_ID, "1", 1)
    finished = sink.events[3].payload
    assert (finished.status, finished.result, finished.data) == ("ok", "r", {"a": 1})
    assert finished.seconds > 0


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (asyncio.CancelledError(), "cancelled", None),
        (RateLimited("slow down"), "error", "rate_limited"),
        (SandboxError("broken"), "error", "sandbox_error"),
        (ValueError("a detail"), "error", "internal_error"),
    ],
)
def test_exception_closes_the_span_and_goes_on(error: BaseException, status: str, code: str | None) -> None:
    opener, sink = spans()
    with pytest.raises(type(error)), opener.open(start(), None):
        raise error
    finished = sink.events[-1].payload
    assert finished.status == status
    assert (finished.failure.code if finished.failure else None) == code


def test_reason_that_was_given_is_kept() -> None:
    opener, sink = spans()

    def fail(span: OpenSpan) -> None:
        span.fail(Failure(code="budget", message="m"), status="refused")
        raise Refused("BudgetExceeded", "m")

    with pytest.raises(Refused), opener.open(start(), None) as span:
        fail(span)
    assert (sink.events[-1].payload.status, sink.events[-1].payload.failure.code) == ("refused", "budget")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (EnvironmentUnavailable("no seccomp"), "environment_unavailable", "no seccomp"),
        (Refused("SubCallError", "m"), "sub_call_failed", "m"),
        (Refused("TypeError", "m"), "refused", "m"),
        (KeyError("secret"), "internal_error", "An unforeseen KeyError in the engine"),
    ],
)
def test_failures_are_named_for_people(error: Exception, code: str, message: str) -> None:
    assert failure_of(error) == Failure(code=code, message=message)
