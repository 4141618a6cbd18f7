"""Ends a run that no worker has, as if one had: with the last events of its stream, or the only two."""

from rlmlab.engine.clock import SystemClock
from rlmlab.engine.events import Event, FinishReason, SpanFinished, SpanStarted
from rlmlab.engine.interrupted import CANCELLED, close_interrupted
from rlmlab.engine.projection import Projection
from rlmlab.engine.stream import Delta, EventStream, span_id_of
from trajectories import store
from trajectories.models import Run
from trajectories.specs import root_data
from trajectories.stored import stored_events


class Collected:
    """A sink that keeps the events in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def write(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    async def commit(self) -> None:
        """Return: nothing here outlives the process."""

    def delta(self, delta: Delta) -> None:
        """Ignore text in flight."""


def close_waiting(run: Run) -> None:
    """End a queued or paused run as cancelled, in the caller's transaction, which has locked its row."""
    projection = Projection()
    for event in stored_events(run):
        projection.apply(event)
    projection.take_changed()
    collected = Collected()
    stream = EventStream(run.id, [collected], SystemClock(), projection.last_seq)
    if projection.last_seq:
        running = [row for row in projection.spans.values() if row.status == "running"]
        close_interrupted(
            running,
            totals=projection.totals,
            stream=stream,
            now=SystemClock().now(),
            model=run.model,
            verdict=CANCELLED,
        )
    else:
        _tell_all(run, stream)
    batch = store.take(projection, collected.events)
    store.insert(run.id, run.organization_id, batch)
    for name, value in store.run_columns(batch).items():
        setattr(run, name, value)
    run.save()


def _tell_all(run: Run, stream: EventStream) -> None:
    """Open and close the root span of a run that never began."""
    root = span_id_of(run.id, "", 1)
    reason: FinishReason = "cancelled"
    started = SpanStarted(kind="run", name=run.model, path="", data=root_data(run))
    finished = SpanFinished(kind="run", status="cancelled", seconds=0.0, data={"finish_reason": reason})
    for payload in (started, finished):
        stream.emit(payload, span_id=root, parent_span_id=None, depth=0)
