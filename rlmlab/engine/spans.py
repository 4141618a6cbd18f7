"""Opens spans and sees to it that each is closed, inside its parent, whatever happens in between."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rlmlab.engine.clock import Clock
from rlmlab.engine.errors import EngineError
from rlmlab.engine.events import AnyPayload, Event, Failure, SpanFinished, SpanKind, SpanStarted, SpanStatus, Usage
from rlmlab.engine.stream import EventStream, span_id_of
from sandbox.errors import EnvironmentUnavailable, Refused, SandboxError

REFUSALS = {"BudgetExceeded": "budget", "SubCallError": "sub_call_failed"}


@dataclass(slots=True)
class OpenSpan:
    """A running span; what it ends with is set on it before its block is left."""

    stream: EventStream
    kind: SpanKind
    span_id: str
    parent_span_id: str | None
    path: str
    depth: int
    status: SpanStatus = "ok"
    usage: Usage | None = None
    failure: Failure | None = None
    result: Any = None
    seconds: float | None = None  # None: as measured
    data: dict[str, Any] = field(default_factory=dict)

    def emit(self, payload: AnyPayload) -> Event:
        """Append an event inside this span."""
        return self.stream.emit(payload, span_id=self.span_id, parent_span_id=self.parent_span_id, depth=self.depth)

    def fail(self, failure: Failure, status: SpanStatus = "error") -> None:
        """End badly, with a reason."""
        self.status = status
        self.failure = failure


@dataclass(frozen=True, slots=True)
class SpanStart:
    """What a span is opened with."""

    kind: SpanKind
    name: str
    path: str
    depth: int
    data: dict[str, Any] = field(default_factory=dict)


class Spans:
    """Opens the spans of one run."""

    def __init__(self, stream: EventStream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    @contextmanager
    def open(self, start: SpanStart, parent: OpenSpan | None) -> Iterator[OpenSpan]:
        """Open a span for the length of a block. An exception closes it too: `cancelled` or `error`, and goes on."""
        span = OpenSpan(
            stream=self._stream,
            kind=start.kind,
            span_id=span_id_of(self._stream.run_id, start.path, 1),
            parent_span_id=None if parent is None else parent.span_id,
            path=start.path,
            depth=start.depth,
        )
        started = self._clock.monotonic()
        span.emit(SpanStarted(kind=start.kind, name=start.name, path=start.path, data=start.data))
        try:
            yield span
        except asyncio.CancelledError:
            span.status = "cancelled"
            raise
        except Exception as error:
            if span.failure is None:
                span.fail(failure_of(error))
            raise
        finally:
            span.emit(
                SpanFinished(
                    kind=span.kind,
                    status=span.status,
                    seconds=self._clock.monotonic() - started if span.seconds is None else span.seconds,
                    usage=span.usage,
                    failure=span.failure,
                    result=span.result,
                    data=span.data,
                )
            )


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
