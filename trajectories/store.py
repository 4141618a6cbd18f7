"""Writes a run's events together with everything that is computed from them, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from rlmlab import scoping
from rlmlab.engine.errors import LostLease
from rlmlab.engine.events import Event as EngineEvent
from rlmlab.engine.events import Failure, FinishReason
from rlmlab.engine.projection import Projection, Saved, SpanRow
from rlmlab.engine.types import STATUS_OF, Totals
from trajectories import rows
from trajectories.models import Run
from trajectories.models.runs import RunQuerySet

# Locked in the order of their ids, as the heartbeat does it: who locks several runs must not wait for each other.
_LOCK_HELD: Final = """
SELECT run.id, run.last_seq FROM trajectories_run AS run
JOIN unnest(%s::uuid[], %s::text[], %s::bigint[]) AS given (id, owner, fence)
    ON run.id = given.id AND run.lease_owner = given.owner AND run.fence = given.fence
WHERE run.organization_id = %s AND run.status = 'running'
ORDER BY run.id FOR NO KEY UPDATE OF run
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who may write to a run: the owner of its lease, under the fence of its claim."""

    run_id: UUID
    organization_id: UUID
    owner: str
    fence: int

    def rows(self) -> RunQuerySet:
        """Find the run where it still is the holder's."""
        return Run.objects.for_org(self.organization_id).filter(id=self.run_id).held(owner=self.owner, fence=self.fence)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, from its stream's last event."""

    at: datetime
    reason: FinishReason
    answer: Any
    error: Failure | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive events with the spans and totals they lead to."""

    events: Sequence[EngineEvent]
    spans: Sequence[SpanRow]
    totals: Totals
    saved: Saved
    ending: Ending | None = None

    @property
    def before(self) -> int:
        """The number of the event before the first."""
        return self.events[0].seq - 1

    @property
    def last(self) -> int:
        """The number of the last event."""
        return self.events[-1].seq


def take(projection: Projection, events: Sequence[EngineEvent]) -> Batch:
    """Fold events into the projection and return what is to be written."""
    for event in events:
        projection.apply(event)
    ending = None
    if projection.finish_reason is not None:
        at = events[-1].at
        ending = Ending(at, projection.finish_reason, projection.answer, projection.error)
    return Batch(events, projection.take_changed(), projection.totals, projection.saved, ending)


def append(holder: Holder, batch: Batch) -> None:
    """Store a batch for the holder of the run's lease.

    A batch whose commit was not heard of may be stored again: it is there already, and nothing happens.

    Raises:
        LostLease: the run belongs to somebody else now, or has ended.
    """
    (lost,) = append_all([(holder, batch)])
    if lost is not None:
        raise lost


def append_all(given: Sequence[tuple[Holder, Batch]]) -> list[LostLease | None]:
    """Store batches of different runs of one organization in one transaction; return, for each, why it was not.

    Each run has its own fence: one that was lost leaves the others as they are.
    """
    organization_id = given[0][0].organization_id
    with scoping.organization(organization_id):
        standing = _lock_held(organization_id, [holder for holder, _ in given])
        fit = [(holder, batch) for holder, batch in given if standing.get(holder.run_id) == batch.before]
        _write(fit)
        stored = {holder.run_id for holder, _ in fit}
        return [None if holder.run_id in stored else _problem(holder, batch) for holder, batch in given]


def _lock_held(organization_id: UUID, holders: Sequence[Holder]) -> dict[UUID, int]:
    """Lock the runs that are still their holders', and return the number of each one's last event."""
    ids, owners, fences = zip(*((holder.run_id, holder.owner, holder.fence) for holder in holders), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_HELD, [list(ids), list(owners), list(fences), organization_id])
        return dict(cursor.fetchall())


def _write(fit: Sequence[tuple[Holder, Batch]]) -> None:
    for holder, batch in fit:
        if batch.ending is not None:
            holder.rows().update(**run_columns(batch))
    rows.write(
        [_key(holder) | run_columns(batch) for holder, batch in fit if batch.ending is None],
        [(_owned(holder), batch.events) for holder, batch in fit],
        [(_owned(holder), batch.spans) for holder, batch in fit],
    )


def _problem(holder: Holder, batch: Batch) -> LostLease | None:
    """Say why a batch was not stored; None: it had been stored before."""
    mine = Run.objects.for_org(holder.organization_id).filter(id=holder.run_id, fence=holder.fence)
    if mine.filter(last_seq=batch.last).exists():
        return None
    return LostLease(f"run {holder.run_id} is not held under fence {holder.fence} any more")


def _owned(holder: Holder) -> rows.Owned:
    return holder.run_id, holder.organization_id


def _key(holder: Holder) -> dict[str, Any]:
    return {"id": holder.run_id, "organization_id": holder.organization_id}


def run_columns(batch: Batch) -> dict[str, Any]:
    """Return the columns of the run that a batch sets."""
    totals = batch.totals
    columns: dict[str, Any] = {
        "last_seq": batch.last,
        "input_tokens": totals.input_tokens,
        "output_tokens": totals.output_tokens,
        "cached_tokens": totals.cached_tokens,
        "cache_write_tokens": totals.cache_write_tokens,
        "reasoning_tokens": totals.reasoning_tokens,
        "cost_usd": totals.cost_usd,
        "model_calls": totals.model_calls,
        "sub_calls": totals.sub_calls,
        "cached_sub_calls": batch.saved.sub_calls,
        "saved_usd": batch.saved.cost_usd,
        "steps": totals.steps,
        "reached_depth": totals.max_depth,
        "seconds": totals.seconds,
    }
    if batch.ending is not None:
        error = batch.ending.error
        columns |= {
            "status": STATUS_OF[batch.ending.reason],
            "finish_reason": batch.ending.reason,
            "answer": batch.ending.answer,
            "error_code": error.code if error else "",
            "error_message": error.message if error else "",
            "finished_at": batch.ending.at,
            "lease_owner": "",
            "lease_until": None,
        }
    return columns


def insert(run_id: UUID, organization_id: UUID, batch: Batch) -> None:
    """Insert the events and write the spans, those that are there already over themselves."""
    rows.write([], [((run_id, organization_id), batch.events)], [((run_id, organization_id), batch.spans)])


def write_spans(run_id: UUID, organization_id: UUID, spans: Sequence[SpanRow]) -> None:
    """Insert or replace span rows."""
    rows.write([], [], [((run_id, organization_id), spans)])
