"""Stored events as the engine knows them: of a run, and of the run that it goes on from."""

from rlmlab import scoping
from rlmlab.engine.events import PAYLOAD
from rlmlab.engine.events import Event as EngineEvent
from rlmlab.engine.places import join
from rlmlab.engine.sharing import beginning, salvage
from rlmlab.engine.types import Edit
from trajectories.models import Event, Run, Span
from trajectories.models.runs import Origin
from trajectories.specs import Shared


def stored_events(run: Run) -> list[EngineEvent]:
    """Return a run's events."""
    rows = Event.objects.for_org(run.organization_id).filter(run=run).order_by("seq")
    return [
        EngineEvent(
            seq=row.seq,
            at=row.at,
            span_id=row.span_id,
            parent_span_id=row.parent_span_id or None,
            depth=row.depth,
            payload=PAYLOAD.validate_python({"type": row.type, **row.payload}),
        )
        for row in rows.iterator(chunk_size=1000)
    ]


def shared_with(run: Run, *, begun: bool) -> Shared:
    """Return what a run has from another one, without the events where they are its own already.

    Nothing is left of one that was purged since.
    """
    if run.origin_run_id is None:
        return Shared()
    with scoping.organization(run.organization_id):
        origin = Run.objects.for_org(run.organization_id).filter(id=run.origin_run_id).first()
        if origin is None:
            return Shared()
        edit = Edit(next_step(origin, run.origin_seq), run.edited_code) if run.edited_code else None
        if begun:
            return Shared(edit=edit)
        events = beginning(stored_events(origin), run.origin_seq)
        if run.origin != Origin.FORK:
            events = salvage(events)
        return Shared(events, edit, renewed_prompt=run.prompt_version_id != origin.prompt_version_id)


def next_step(run: Run, seq: int) -> str:
    """Name the call path of the first step that begins behind an event, at whatever depth; else the root's next one."""
    steps = Span.objects.for_org(run.organization_id).filter(run=run, kind="step")
    found = steps.filter(first_seq__gt=seq).order_by("first_seq").values_list("path", flat=True).first()
    return found or join("", steps.filter(depth=0, attempt=1).count() + 1)
