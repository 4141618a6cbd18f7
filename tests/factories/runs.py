"""Runs and their events, made by the same code as in production."""

from collections.abc import Sequence
from typing import Any

from rlmlab import scoping
from rlmlab.engine.clock import SystemClock
from rlmlab.engine.events import AnyPayload, Event, Message, SpanFinished, SpanStarted, Usage
from rlmlab.engine.projection import Projection
from rlmlab.engine.stream import EventStream, span_id_of
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories import leases, store
from trajectories.actions.runs import start_run
from trajectories.closing import Collected
from trajectories.models import Run
from trajectories.requests import RunRequest

MODEL = "local/gemma-3-270m"
OWNER = "tests:1:0"


def make_run(by: Principal, project: Project, **fields: Any) -> Run:
    """Start a run."""
    return start_run(by=by, project=project, request=RunRequest(**{"task": "Count.", "model": MODEL} | fields))


def steps(run: Run, count: int = 1, *, finish_reason: str = "submitted", answer: Any = "42") -> list[Event]:
    """Return the events of a whole run with `count` steps of one model call each."""
    collected = Collected()
    stream = EventStream(run.id, [collected], SystemClock())
    root = span_id_of(run.id, "", 1)

    def emit(payload: AnyPayload, span_id: str, parent: str | None) -> None:
        stream.emit(payload, span_id=span_id, parent_span_id=parent, depth=0)

    emit(SpanStarted(kind="run", name=run.model, path="", data={"task": run.task}), root, None)
    for number in range(1, count + 1):
        step, call = span_id_of(run.id, f"{number}", 1), span_id_of(run.id, f"{number}/m", 1)
        emit(SpanStarted(kind="step", name=f"Step {number}", path=f"{number}"), step, root)
        emit(SpanStarted(kind="model_call", name=run.model, path=f"{number}/m"), call, step)
        emit(Message(role="assistant", content=f"Turn {number}"), call, step)
        usage = Usage(
            input_tokens=100,
            cached_tokens=40,
            cache_write_tokens=25,
            output_tokens=10,
            reasoning_tokens=4,
            cost_usd=0.001,
        )
        emit(SpanFinished(kind="model_call", status="ok", seconds=0.5, usage=usage), call, step)
        emit(SpanFinished(kind="step", status="ok", seconds=0.6), step, root)
    data = {"finish_reason": finish_reason}
    emit(SpanFinished(kind="run", status="ok", seconds=1.0, result=answer, data=data), root, None)
    return collected.events


def hold(run: Run) -> store.Holder:
    """Claim a run as a worker would."""
    holder = leases.claim(run_id=run.id, organization_id=run.organization_id, owner=OWNER)
    assert holder is not None
    return holder


def record(run: Run, events: Sequence[Event], *, holder: store.Holder | None = None) -> store.Holder:
    """Store events in one batch under a lease."""
    holder = holder or hold(run)
    store.append(holder, store.take(Projection(), events))
    return holder


def finished_run(by: Principal, project: Project, count: int = 1, **fields: Any) -> Run:
    """Return a run that has ended, with its events and spans; a worker that is about never sees it waiting."""
    with scoping.organization(by.organization):
        run = make_run(by, project, **fields)
        record(run, steps(run, count))
    return reload(run)


def reload(run: Run) -> Run:
    """Read a run again."""
    with scoping.organization(run.organization_id):
        return Run.objects.for_org(run.organization_id).shown().get(id=run.id)
