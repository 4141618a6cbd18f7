"""Making runs that go on from another one: forks, retries, and what goes on where a run was exhausted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.engine.types import Budget
from rlmlab.errors import Conflict, Invalid, NotFound
from rlmlab.scoping.ids import uuid7
from rlmlab.tenancy.principals import Principal
from trajectories import queue
from trajectories.actions.idempotency import IdempotentRequest, earlier_run, remember
from trajectories.actions.runs import new_run
from trajectories.improvement.prompts import version_for_run
from trajectories.models import Run, RunExample, RunInput, Span
from trajectories.models.runs import FinishReason, Mode, Origin, RunStatus
from trajectories.requests import Checks, RunRequest, clean_text, plan

CODE_CHARACTERS: Final = 100_000
EXHAUSTED: Final = (FinishReason.BUDGET, FinishReason.TIMEOUT, FinishReason.FALLBACK)
"""How a run ends that a limit stopped, with an answer or without."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different in the new run; None: as in the other one.

    `budget` maps limits to numbers; those left out stay. `code` is run in place of the reply of the first step that is
    not shared. `prompt` is read as that of a new run.
    """

    model: str | None = None
    sub_model: str | None = None
    depth_models: Sequence[str] | None = None
    fallback_models: Sequence[str] | None = None
    environment: str | None = None
    prompt: str | None = None
    code: str | None = None
    budget: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    tags: Sequence[str] | None = None
    title: str | None = None


def fork_run(
    *, by: Principal, run: Run, at_seq: int, changes: Changes, idempotent: IdempotentRequest | None = None
) -> Run:
    """Make a run that shares another one's events up to a number and goes its own way from there.

    A number inside a step that has no reply yet means the end of what came before that step.

    Raises:
        Invalid: naming every wrong field.
        Conflict: the idempotency key was used for another request.
    """
    by.require("run.create")
    if not 0 <= at_seq <= run.last_seq:
        raise Invalid.field("at_seq", f"must be between 0 and {run.last_seq}, the last event of the run")
    with scoping.organization(by.organization):
        at_seq = _before_the_step(run, at_seq)
    origin = _From(Origin.FORK, at_seq)
    return _derived(by, run, origin, changes, idempotent, lambda made: _note(by, made, "run.fork"))


def retry_run(
    *, by: Principal, run: Run, changes: Changes | None = None, idempotent: IdempotentRequest | None = None
) -> Run:
    """Make a run that goes on from the last good step of one that failed or was stopped.

    Raises:
        Conflict: it did neither.
        Invalid: naming every wrong field.
    """
    by.require("run.create")
    if run.status not in {RunStatus.FAILED, RunStatus.CANCELLED}:
        raise Conflict(f"Only a run that failed or was stopped can be retried; this one is {run.status}. Fork it.")
    origin = _From(Origin.RETRY, run.last_seq)
    return _derived(by, run, origin, changes or Changes(), idempotent, lambda made: _note(by, made, "run.retry"))


def continue_run(
    *, by: Principal, run: Run, budget: Mapping[str, Any], idempotent: IdempotentRequest | None = None
) -> Run:
    """Make a run that goes on, under limits that count anew, where another one was exhausted.

    Raises:
        Conflict: no limit stopped it.
        Invalid: naming every wrong limit.
    """
    by.require("run.create")
    if run.finish_reason not in EXHAUSTED:
        raise Conflict(f"Only a run that is paused, or that a limit stopped, goes on; this one is {run.status}.")
    origin = _From(Origin.CONTINUE, run.last_seq)
    changes = Changes(budget=budget)
    return _derived(by, run, origin, changes, idempotent, lambda made: _note(by, made, "run.continue"))


@dataclass(frozen=True, slots=True)
class _From:
    """How a new run comes from the other one, and up to which event."""

    kind: Origin
    seq: int


def _derived(
    by: Principal,
    run: Run,
    origin: _From,
    changes: Changes,
    idempotent: IdempotentRequest | None,
    note: Callable[[Run], None],
) -> Run:
    """Store the new run with the other's inputs, and wake a worker for it."""
    if run.organization_id != by.organization_id:
        raise NotFound(f"There is no run {run.id}.")
    with scoping.organization(by.organization):
        if idempotent is not None:
            earlier = earlier_run(by=by, project=run.project, request=idempotent)
            if earlier is not None:
                return earlier
        made = _made(by, run, changes)
        made.origin, made.origin_run_id, made.origin_seq = origin.kind, run.id, origin.seq
        made.save(force_insert=True)
        _copy_what_it_reads(run, made)
        if idempotent is not None:
            remember(by=by, run=made, request=idempotent)
        note(made)
        queue.enqueue(run_id=made.id, organization_id=by.organization_id)
    return made


def _note(by: Principal, made: Run, action: str) -> None:
    """Write the audit entry of a new run."""
    changes = {"title": made.title, "from": str(made.origin_run_id), "at_seq": made.origin_seq, "model": made.model}
    record(
        organization_id=by.organization_id,
        actor=by.actor,
        action=action,
        object_type="run",
        object_id=made.id,
        changes=changes,
    )


def _made(by: Principal, run: Run, changes: Changes) -> Run:
    """Plan the new run as any other, and take over what cannot be changed."""
    checks = Checks()
    if changes.code is not None:
        if run.mode == Mode.DIRECT:
            checks.add("code", "a direct run has no steps with code")
        checks.run(lambda: clean_text("code", changes.code or "", CODE_CHARACTERS), "")
    prompt = run.prompt_version
    if changes.prompt is not None:
        prompt = checks.run(lambda: version_for_run(run.project, changes.prompt or ""), None)
    planned = checks.run(lambda: plan(_request(run, changes), organization=by.organization, project=run.project), None)
    checks.refuse()
    if planned is None:  # refused above
        raise Conflict("The run cannot be planned.")
    made = new_run(by, run.project, planned)
    for name in _KEPT:
        setattr(made, name, getattr(run, name))
    made.prompt_version = prompt
    made.edited_code = changes.code or ""
    return made


_KEPT: Final = (
    "mode", "mode_reason", "tools", "use_cache", "use_examples", "use_memory", "response_schema", "context_kind",
    "context_size", "priority",
)  # fmt: skip


def _request(run: Run, changes: Changes) -> RunRequest:
    """Ask for a run like another one, with what is to be different."""
    limits = {limit.name: getattr(run, limit.name) for limit in fields(Budget)}
    if not run.cost_limit_given:
        limits.pop("max_cost_usd")

    def chosen(name: str) -> Any:
        wanted = getattr(changes, name)
        return getattr(run, name) if wanted is None else wanted

    return RunRequest(
        task=run.task,
        model=chosen("model"),
        sub_model=chosen("sub_model"),
        depth_models=chosen("depth_models"),
        fallback_models=chosen("fallback_models"),
        mode=run.mode,
        environment=chosen("environment"),
        budget=limits | {name: value for name, value in changes.budget.items() if value is not None},
        seed=chosen("seed"),
        tags=chosen("tags"),
        title=chosen("title"),
    )


def _copy_what_it_reads(run: Run, made: Run) -> None:
    """Give the new run the other's inputs, which are stored once, and its examples."""
    inputs = list(RunInput.objects.for_org(run.organization_id).filter(run=run))
    for entry in inputs:
        entry.id, entry.run = uuid7(), made
    RunInput.objects.bulk_create(inputs)
    examples = list(RunExample.objects.for_org(run.organization_id).filter(run=run))
    for used in examples:
        used.id, used.run = uuid7(), made
    RunExample.objects.bulk_create(examples)


def _before_the_step(run: Run, at_seq: int) -> int:
    """Go back to before the innermost step that had no reply at an event."""
    spans = Span.objects.for_org(run.organization_id).filter(run=run, first_seq__lte=at_seq)
    step = spans.filter(kind="step").order_by("-first_seq").first()
    if step is None:
        return at_seq
    replied = spans.filter(parent_span_id=step.span_id, kind="model_call", status="ok").exclude(first_seq__gte=at_seq)
    return at_seq if replied.exists() else step.first_seq - 1
