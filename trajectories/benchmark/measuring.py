"""Gives a benchmark's tasks to real runs and grades what comes back."""

import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Final
from uuid import UUID

from rlmlab import scoping
from rlmlab.errors import Conflict, Invalid
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories.actions.benchmarks import start_benchmark_run
from trajectories.actions.runs import cancel_run
from trajectories.benchmark.arms import Arm
from trajectories.benchmark.outcomes import Outcome
from trajectories.benchmark.plans import Plan
from trajectories.benchmark.scoring import score
from trajectories.benchmark.tasks.base import Task
from trajectories.improvement.evaluation import Grade, grade_of
from trajectories.models import Run
from trajectories.models.runs import TERMINAL

POLL_SECONDS: Final = 0.1
REFUSED: Final = "refused"
"""Stands for the status of a run that was never made."""


def measure(*, by: Principal, project: Project, plan: Plan) -> Generator[Outcome, None, None]:
    """Yield what came of each run as it ends; runs that are still open when the caller leaves are cancelled.

    Raises:
        Invalid: a run of the plan is not accepted.
    """
    waiting = ((task, arm) for task in plan.all_tasks() for arm in plan.arms)
    open_runs = _OpenRuns(by, project, plan)
    more = True
    try:
        while more or open_runs.count:
            found = list(open_runs.ended())
            while more and open_runs.count < plan.at_once:
                given = next(waiting, None)
                more = given is not None
                if given is not None and (refused := open_runs.start(*given)) is not None:
                    found.append(refused)
            yield from found
            if not found:
                time.sleep(POLL_SECONDS)
    finally:
        open_runs.cancel()


class _OpenRuns:
    """The runs that have not ended, each with the task and the arm that it was made for."""

    def __init__(self, by: Principal, project: Project, plan: Plan) -> None:
        self._by = by
        self._project = project
        self._plan = plan
        self._runs: dict[UUID, tuple[Task, Arm]] = {}

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._runs)

    def start(self, task: Task, arm: Arm) -> Outcome | None:
        """Start a run; where its mode cannot take a text of this size, say that instead.

        Raises:
            Invalid: it is not accepted for another reason.
        """
        try:
            run = start_benchmark_run(by=self._by, project=self._project, task=task, arm=arm, plan=self._plan)
        except Invalid as refusal:
            if {error.field for error in refusal.errors} != {"mode"}:
                raise
            return Outcome(task.family, arm.name, task.number, None, REFUSED, "input_too_large", Grade.WRONG)
        self._runs[run.id] = (task, arm)
        return None

    def ended(self) -> Iterator[Outcome]:
        """Yield what came of those that have ended since, and forget them."""
        with scoping.organization(self._by.organization):
            found = Run.objects.for_org(self._by.organization).filter(id__in=self._runs, status__in=TERMINAL)
            runs = list(found.defer("task").order_by("finished_at"))
        for run in runs:
            yield _outcome(run, *self._runs.pop(run.id))

    def cancel(self) -> None:
        """Stop them all."""
        with scoping.organization(self._by.organization):
            runs = list(Run.objects.for_org(self._by.organization).filter(id__in=self._runs))
        for run in runs:
            with suppress(Conflict):  # it ended meanwhile
                cancel_run(by=self._by, run=run)


def _outcome(run: Run, task: Task, arm: Arm) -> Outcome:
    reached = score(task, run.answer) if run.status == "succeeded" else 0.0
    return Outcome(
        family=task.family,
        arm=arm.name,
        number=task.number,
        run_id=run.id,
        status=run.status,
        error_code=run.error_code,
        grade=grade_of(run.status, run.error_code, lambda: reached == 1.0),
        score=reached,
        cost_usd=run.cost_usd,
        tokens=run.input_tokens + run.output_tokens,
        seconds=run.seconds,
        steps=run.steps,
        sub_calls=run.sub_calls,
    )
