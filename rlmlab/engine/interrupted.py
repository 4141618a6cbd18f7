"""Ends a run that nobody works on: what was open is closed, innermost first, and the root says why."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from rlmlab.engine.events import Failure, FinishReason, SpanFinished, SpanStarted
from rlmlab.engine.projection import SpanRow
from rlmlab.engine.stream import EventStream, span_id_of
from rlmlab.engine.types import STATUS_OF, RunOutcome, Totals

WORKER_LOST = Failure(
    code="worker_lost", message="The worker that ran this died; retry the run from its last good step"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a run is ended from outside."""

    reason: FinishReason
    failure: Failure | None = None


LOST = Verdict("error", WORKER_LOST)
CANCELLED = Verdict("cancelled")


def poisoned(workers: int) -> Verdict:
    """Say that one worker after the other died of a run."""
    message = f"{workers} workers died in a row while they worked on this, without any progress; it is not tried again"
    return Verdict("error", Failure(code="worker_lost", message=message))


def close_interrupted(
    open_spans: Iterable[SpanRow],
    *,
    totals: Totals,
    stream: EventStream,
    now: datetime,
    model: str,
    verdict: Verdict = LOST,
) -> RunOutcome:
    """Close the spans that were left open and return how the run ended.

    `totals` are those of the stored events. A run that died before its first event gets a root span of `model`, so that
    it too ends with one.
    """
    rows = sorted(open_spans, key=lambda row: row.first_seq, reverse=True)
    roots = [row for row in rows if row.parent_span_id is None] or [_opened(stream, now, model)]
    root = roots[0]
    for row in rows:
        if row.parent_span_id is not None:
            _close(row, stream, SpanFinished(kind=row.kind, status="interrupted", seconds=_seconds(row, now)))
    _close(
        root,
        stream,
        SpanFinished(
            kind="run",
            status="cancelled" if verdict.reason == "cancelled" else "error",
            seconds=totals.seconds,
            failure=verdict.failure,
            data={"finish_reason": verdict.reason, "totals": asdict(totals)},
        ),
    )
    return RunOutcome(STATUS_OF[verdict.reason], verdict.reason, None, verdict.failure, totals)


def _opened(stream: EventStream, now: datetime, model: str) -> SpanRow:
    """Open the root span of a run that never came to it."""
    span_id = span_id_of(stream.run_id, "", 1)
    started = SpanStarted(kind="run", name=model, path="")
    event = stream.emit(started, span_id=span_id, parent_span_id=None, depth=0)
    return SpanRow(span_id, None, "run", model, "", 1, 0, "running", now, event.seq)


def _close(row: SpanRow, stream: EventStream, finished: SpanFinished) -> None:
    stream.emit(finished, span_id=row.span_id, parent_span_id=row.parent_span_id, depth=row.depth)


def _seconds(row: SpanRow, now: datetime) -> float:
    return max(0.0, (now - row.started_at).total_seconds())
