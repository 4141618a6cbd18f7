"""Ends the run of a worker that died: what was open is closed, innermost first, and the root says why."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime

from rlmlab.engine.events import Failure, SpanFinished, SpanStarted
from rlmlab.engine.projection import SpanRow
from rlmlab.engine.stream import EventStream, span_id_of
from rlmlab.engine.types import RunOutcome, Totals

WORKER_LOST = Failure(code="worker_lost", message="The worker that ran this died; start the run again")


def close_interrupted(
    open_spans: Iterable[SpanRow], *, totals: Totals, stream: EventStream, now: datetime, model: str
) -> RunOutcome:
    """Close the spans that a dead worker left open and return how the run ended.

    `totals` are those of the stored events. A run that died before its first event gets a root span of `model`, so that
    it too ends with one.
    """
    rows = sorted(open_spans, key=lambda row: row.first_seq, reverse=True)
    roots = [row for row in rows if row.parent_span_id is None] or [_opened(stream, now, model)]
    root = roots[0]
    for row in rows:
        if row.parent_span_id is not None:
            _close(row, stream, SpanFinished(kind=row.kind, status="interrupted", seconds=_seconds(row, now)))
    totals = replace(totals, seconds=_seconds(root, now))
    _close(
        root,
        stream,
        SpanFinished(
            kind="run",
            status="error",
            seconds=totals.seconds,
            failure=WORKER_LOST,
            data={"finish_reason": "error", "totals": asdict(totals)},
        ),
    )
    return RunOutcome("failed", "error", None, WORKER_LOST, totals)


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
