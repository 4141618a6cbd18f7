"""Ends a run that never began, as if it had: with a stream of two events."""

from rlmlab.engine.clock import SystemClock
from rlmlab.engine.events import Event, FinishReason, SpanFinished, SpanStarted
from rlmlab.engine.projection import Projection
from rlmlab.engine.stream import Delta, EventStream, span_id_of
from trajectories import store
from trajectories.models import Run
from trajectories.specs import root_data


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


def close_unstarted(run: Run) -> None:
    """End a queued run as cancelled, in the caller's transaction, which has locked its row."""
    collected = Collected()
    stream = EventStream(run.id, [collected], SystemClock())
    root = span_id_of(run.id, "", 1)
    reason: FinishReason = "cancelled"
    started = SpanStarted(kind="run", name=run.model, path="", data=root_data(run))
    finished = SpanFinished(kind="run", status="cancelled", seconds=0.0, data={"finish_reason": reason})
    for payload in (started, finished):
        stream.emit(payload, span_id=root, parent_span_id=None, depth=0)
    batch = store.take(Projection(), collected.events)
    store.insert(run.id, run.organization_id, batch)
    for name, value in store.run_columns(batch).items():
        setattr(run, name, value)
    run.save()
