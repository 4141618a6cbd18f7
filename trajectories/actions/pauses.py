"""Pausing runs and letting them go on."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from django.utils import timezone

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.engine.types import Budget
from rlmlab.errors import Conflict, NotFound
from rlmlab.tenancy.limits import checked_budget
from rlmlab.tenancy.principals import Principal
from trajectories import queue
from trajectories.actions.forks import continue_run
from trajectories.models import Run
from trajectories.models.runs import RunStatus

LIMITS: Final = tuple(limit.name for limit in fields(Budget))
RESUMED: Final = (*LIMITS, "cost_limit_given", "pause_requested", "status", "queued_at", "enqueued_at")


def pause_run(*, by: Principal, run: Run) -> Run:
    """Let a run stand still: one that waits at once, one that works when its open calls are answered.

    Raises:
        Conflict: it has ended, or is being stopped.
    """
    by.require("run.cancel")
    with scoping.organization(by.organization):
        locked = _locked(by, run)
        if locked.status == RunStatus.PAUSED or locked.pause_requested:
            return locked
        if locked.is_terminal or locked.cancel_requested:
            raise Conflict(f"The run cannot be paused: it {'has ended' if locked.is_terminal else 'is being stopped'}.")
        if locked.status == RunStatus.QUEUED:
            locked.status = RunStatus.PAUSED
        else:
            locked.pause_requested = True
            queue.ask_to_pause(run_id=locked.id)
        locked.save(update_fields=["status", "pause_requested"])
        _note(by, locked, "run.pause")
    return locked


def resume_run(*, by: Principal, run: Run, budget: Mapping[str, Any]) -> Run:
    """Let a paused run go on, under other limits where some are given; one that a limit stopped goes on as a new run.

    Raises:
        Conflict: it is neither.
        Invalid: naming every wrong limit.
    """
    by.require("run.create")
    if run.is_terminal:
        return continue_run(by=by, run=run, budget=budget)
    with scoping.organization(by.organization):
        locked = _locked(by, run)
        if locked.status != RunStatus.PAUSED and not locked.pause_requested:
            raise Conflict(f"Only a paused run goes on; this one is {locked.status}.")
        _set_limits(by, locked, budget)
        locked.pause_requested = False
        if locked.status == RunStatus.PAUSED:
            locked.status = RunStatus.QUEUED
            locked.queued_at = locked.enqueued_at = timezone.now()
            queue.enqueue(run_id=locked.id, organization_id=locked.organization_id)
        locked.save(
            update_fields=[*LIMITS, "cost_limit_given", "pause_requested", "status", "queued_at", "enqueued_at"]
        )
        _note(by, locked, "run.resume")
    return locked


def _locked(by: Principal, run: Run) -> Run:
    found = Run.objects.for_org(by.organization).shown().select_for_update(of=("self",)).filter(id=run.id).first()
    if found is None:
        raise NotFound(f"There is no run {run.id}.")
    return found


def _set_limits(by: Principal, run: Run, wanted: Mapping[str, Any]) -> None:
    """Change the limits that are given; the others stay."""
    given = {name: value for name, value in wanted.items() if value is not None}
    if not given:
        return
    limits = {name: value for name in LIMITS if (value := getattr(run, name)) is not None}
    run.cost_limit_given = run.cost_limit_given or "max_cost_usd" in given
    for name, value in asdict(checked_budget(limits | given, by.organization)).items():
        setattr(run, name, value)


def _note(by: Principal, run: Run, action: str) -> None:
    record(
        organization_id=by.organization_id,
        actor=by.actor,
        action=action,
        object_type="run",
        object_id=run.id,
        changes={"title": run.title},
    )
