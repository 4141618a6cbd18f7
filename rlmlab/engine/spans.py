"""Opens spans and sees to it that each is closed, inside its parent, whatever happens in between.

Where a run is taken up again, a span that is on record is walked through once more without a word: what it says is
there already. It speaks again, as a further attempt, as soon as something happens in it that is not on record.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from rlmlab.engine.clock import Clock
from rlmlab.engine.errors import EngineError
from rlmlab.engine.events import (
    AnyPayload,
    Failure,
    Log,
    Message,
    SpanFinished,
    SpanKind,
    SpanStarted,
    SpanStatus,
    Usage,
)
from rlmlab.engine.record import Record, RecordedSpan
from rlmlab.engine.stream import EventStream, span_id_of
from sandbox.base import JSON
from sandbox.errors import EnvironmentUnavailable, Refused, SandboxError

REFUSALS = {"BudgetExceeded": "budget", "SubCallError": "sub_call_failed"}
ANSWERED = frozenset({"sub_call", "tool_call"})  # what is answered whole from the record


class OnRecord(Exception):
    """Opening a span found what it would lead to: `result`, or what the cell got raised instead."""

    def __init__(self, span: RecordedSpan) -> None:
        super().__init__(span.started.path)
        self._finished = span.finished
        self._shared = span.shared

    def result(self) -> JSON:
        """Return what was answered.

        Raises:
            Refused: as it was.
        """
        finished = self._finished
        if finished is None:
            raise EngineError("A span that never ended has no result")
        if finished.status == "ok":
            return finished.result
        kind, message = finished.data.get("raised", ("SubCallError", finished.failure and finished.failure.message))
        raise Refused(kind, message)

    @property
    def limit(self) -> str | None:
        """Name the limit of this run that it was refused for."""
        return None if self._finished is None or self._shared else self._finished.data.get("limit")


@dataclass(frozen=True, slots=True)
class SpanStart:
    """What a span is opened with."""

    kind: SpanKind
    name: str
    path: str
    depth: int
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paid:
    """One answered model call inside a span; `whole`: the reply came to its own end."""

    model: str
    usage: Usage
    whole: bool


@dataclass(slots=True, eq=False)
class OpenSpan:
    """A running span; what it ends with is set on it before its block is left.

    `recorded`: it is walked through as it is on record, and says nothing. `told` are messages on record that its level
    has not come to yet.
    """

    stream: EventStream
    start: SpanStart
    parent: "OpenSpan | None"
    clock: Clock
    attempt: int = 1
    recorded: RecordedSpan | None = None
    told: deque[Message] = field(default_factory=deque)
    span_id: str = ""
    since: float = 0.0
    status: SpanStatus = "ok"
    usage: Usage | None = None
    failure: Failure | None = None
    result: Any = None
    seconds: float | None = None  # None: as measured
    left_open: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    paid: list[Paid] = field(default_factory=list)

    @property
    def kind(self) -> SpanKind:
        """Its kind."""
        return self.start.kind

    @property
    def path(self) -> str:
        """Its call path."""
        return self.start.path

    @property
    def depth(self) -> int:
        """The depth of its level."""
        return self.start.depth

    @property
    def parent_span_id(self) -> str | None:
        """The span that it stands in."""
        return None if self.parent is None else self.parent.span_id

    @property
    def fresh(self) -> bool:
        """Tell whether this is the first time that the run comes here, so that it counts."""
        return self.recorded is None and (self.attempt == 1 or bool(self.start.data.get("first")))

    def emit(self, payload: AnyPayload) -> None:
        """Append an event inside this span."""
        if self.recorded is None:
            self._append(payload)

    def say(self, message: Message) -> Message:
        """Append a message, unless one stands on record in its place; return what stands there."""
        if self.told:
            return self.told.popleft()
        self.speak()
        self._append(message)
        return message

    def speak(self) -> None:
        """Open it anew, as a further attempt, where it was only walked through: something new happens in it."""
        if self.recorded is not None:
            self.open(self.recorded.started.attempt + 1)

    def open(self, attempt: int) -> None:
        """Append its start, and before it those of the spans around it that did not speak yet."""
        if self.parent is not None:
            self.parent.speak()
        self.adopt(attempt)
        self.recorded = None
        start = self.start
        self._append(
            SpanStarted(kind=start.kind, name=start.name, path=start.path, attempt=self.attempt, data=start.data)
        )

    def adopt(self, attempt: int) -> None:
        """Become this attempt, without a word."""
        self.attempt = attempt
        self.span_id = span_id_of(self.stream.run_id, self.path, attempt)
        self.since = self.clock.monotonic()

    def close(self) -> None:
        """Append its end, unless it only stood on record or is to be gone on with later."""
        if self.left_open:
            return
        self.emit(
            SpanFinished(
                kind=self.kind,
                status=self.status,
                seconds=self.clock.monotonic() - self.since if self.seconds is None else self.seconds,
                usage=self.usage,
                failure=self.failure,
                result=self.result,
                data=self.data,
            )
        )

    def fail(self, failure: Failure, status: SpanStatus = "error") -> None:
        """End badly, with a reason."""
        self.status = status
        self.failure = failure

    def tell_divergence(self, what: str, path: str) -> None:
        """Note, in the next span around that speaks, that something happened otherwise than it is on record."""
        speaking = self
        while speaking.recorded is not None and speaking.parent is not None:
            speaking = speaking.parent
        message = f"Divergence at {path}: {what}"
        speaking.emit(Log(level="warning", message=message, data={"code": "divergence", "path": path, "what": what}))

    def _append(self, payload: AnyPayload) -> None:
        self.stream.emit(payload, span_id=self.span_id, parent_span_id=self.parent_span_id, depth=self.depth)


class Spans:
    """Opens the spans of one run; `record`: what is on record of it."""

    def __init__(self, stream: EventStream, clock: Clock, record: Record | None = None) -> None:
        self.record = record or Record()
        self.stopped_as: SpanStatus = "cancelled"  # what becomes of spans whose work is stopped from outside
        self._stream = stream
        self._clock = clock

    @contextmanager
    def open(
        self, start: SpanStart, parent: OpenSpan | None, same: Callable[[RecordedSpan], bool] | None = None
    ) -> Iterator[OpenSpan]:
        """Open a span for the length of a block. An exception closes it too: `cancelled` or `error`, and goes on.

        `same` tells whether what is on record at its path is what shall happen now; by default the hashes of the
        requests are compared.

        Raises:
            OnRecord: it is a call that is answered already.
        """
        span = self._opened(start, parent, same or _alike(start))
        try:
            yield span
        except asyncio.CancelledError:
            span.status = self.stopped_as
            raise
        except Exception as error:
            if span.failure is None:
                span.fail(failure_of(error))
            if isinstance(error, Refused):
                span.data = {**span.data, "raised": [error.kind, error.message]}
            raise
        finally:
            span.close()

    def _opened(self, start: SpanStart, parent: OpenSpan | None, same: Callable[[RecordedSpan], bool]) -> OpenSpan:
        span = OpenSpan(self._stream, start, parent, self._clock)
        span.told = deque(self.record.messages(start.path))
        found = self.record.span(start.path)
        if found is None:
            span.open(1)
        elif parent is None:  # the run itself is never closed before it ends
            span.adopt(found.started.attempt)
        elif not found.settled:
            if found.shared:  # what another run had begun is this run's own to do
                span.start = replace(start, data={**start.data, "first": True})
            span.open(found.started.attempt + 1)
        elif same(found):
            if start.kind in ANSWERED:
                raise OnRecord(found)
            span.adopt(found.started.attempt)
            span.recorded = found
        else:
            span.told.clear()
            if start.kind in ANSWERED:
                parent.tell_divergence(f"another {start.name} is asked for than is on record", span.path)
            span.open(found.started.attempt + 1)
        return span


def _alike(start: SpanStart) -> Callable[[RecordedSpan], bool]:
    """Compare a start with what is on record; a model's reply is looked up before its call is prepared."""

    def same(found: RecordedSpan) -> bool:
        if start.kind == "step":
            return found.finished is not None and found.finished.status == "ok"
        if start.kind not in ANSWERED or (found.started.kind, found.started.name) != (start.kind, start.name):
            return False
        if found.shared:  # made with another run's models: the same question counts
            return found.started.data.get("prompt") == start.data.get("prompt")
        return found.started.data.get("request_hash") == start.data.get("request_hash")

    return same


def failure_of(error: Exception) -> Failure:
    """Name a failure for people; the text of one that nobody foresaw stays in the worker's log."""
    match error:
        case EngineError():
            return Failure(code=error.code, message=str(error))
        case EnvironmentUnavailable():
            return Failure(code="environment_unavailable", message=str(error))
        case SandboxError():
            return Failure(code="sandbox_error", message=str(error))
        case Refused():
            return Failure(code=REFUSALS.get(error.kind, "refused"), message=error.message)
        case _:
            return Failure(code="internal_error", message=f"An unforeseen {type(error).__name__} in the engine")
