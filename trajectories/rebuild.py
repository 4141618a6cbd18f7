"""Computes a run's spans, totals and end anew from its events, by the code that wrote them first."""

from collections.abc import Iterator
from uuid import UUID

from rlmlab import scoping
from rlmlab.engine.projection import Projection
from trajectories import store
from trajectories.models import Run, Span
from trajectories.stored import stored_events


def all_runs() -> Iterator[tuple[UUID, UUID]]:
    """Yield (run, organization) of every run that has events."""
    with scoping.system("list all runs to rebuild their projections"):
        rows = Run.objects.filter(last_seq__gt=0).order_by("id").values_list("id", "organization_id")
        yield from list(rows)


def rebuild(run_id: UUID, organization_id: UUID) -> int:
    """Replace a run's spans and totals by the fold of its events; return how many events there are.

    The run's row is locked, so that a worker's next batch waits.
    """
    with scoping.organization(organization_id):
        run = Run.objects.for_org(organization_id).select_for_update(no_key=True).get(id=run_id)
        events = stored_events(run)
        batch = store.take(Projection(), events)
        Run.objects.for_org(organization_id).filter(id=run_id).update(**store.run_columns(batch))
        Span.objects.for_org(organization_id).filter(run=run).delete()
        store.write_spans(run_id, organization_id, batch.spans)
    return len(events)
