"""Writes a run's events together with everything that is computed from them, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from rlmlab import scoping
from rlmlab.engine.errors import LostLease
from rlmlab.engine.events import Event as EngineEvent
from rlmlab.engine.events import Failure, FinishReason
from rlmlab.engine.projection import Projection, Saved, SpanRow
from rlmlab.engine.types import STATUS_OF, Totals
from trajectories.models import Event, Run, Span
from trajectories.models.runs import RunQuerySet

SPAN_COLUMNS: Final = (
    "parent_span_id", "kind", "name", "path", "attempt", "depth", "status", "started_at", "first_seq", "seconds",
    "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "cost_usd", "preview",
    "coverage",
)  # fmt: skip
NAME_CHARACTERS: Final = 255


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
    with scoping.organization(holder.organization_id):
        changed = holder.rows().filter(last_seq=batch.before).update(**run_columns(batch))
        if changed:
            insert(holder.run_id, holder.organization_id, batch)
        elif (
            not Run.objects.for_org(holder.organization_id)
            .filter(id=holder.run_id, fence=holder.fence, last_seq=batch.last)
            .exists()
        ):
            raise LostLease(f"run {holder.run_id} is not held under fence {holder.fence} any more")


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
    Event.objects.bulk_create([_event_row(run_id, organization_id, event) for event in batch.events])
    write_spans(run_id, organization_id, batch.spans)


def write_spans(run_id: UUID, organization_id: UUID, spans: Sequence[SpanRow]) -> None:
    """Insert or replace span rows."""
    if spans:
        Span.objects.bulk_create(
            [_span_row(run_id, organization_id, span) for span in spans],
            update_conflicts=True,
            unique_fields=["run", "span_id"],
            update_fields=SPAN_COLUMNS,
        )


def _event_row(run_id: UUID, organization_id: UUID, event: EngineEvent) -> Event:
    return Event(
        organization_id=organization_id,
        run_id=run_id,
        seq=event.seq,
        at=event.at,
        span_id=event.span_id,
        parent_span_id=event.parent_span_id or "",
        depth=event.depth,
        type=event.type,
        payload=event.payload.model_dump(mode="json", exclude={"type"}),
    )


def _span_row(run_id: UUID, organization_id: UUID, row: SpanRow) -> Span:
    values = {name: getattr(row, name) for name in SPAN_COLUMNS}
    values["parent_span_id"] = row.parent_span_id or ""
    values["name"] = row.name[:NAME_CHARACTERS]
    values["coverage"] = list(row.coverage)
    return Span(organization_id=organization_id, run_id=run_id, span_id=row.span_id, **values)
