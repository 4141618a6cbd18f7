"""Starting and stopping experiments."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.errors import Conflict, NotFound
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories import queue
from trajectories.actions.files import refuse_foreign
from trajectories.actions.runs import new_run, stop
from trajectories.improvement.examples import Chosen, attach_examples, select_examples
from trajectories.improvement.plans import ExperimentPlan, ExperimentRequest, hash_of_plan, plan_experiment
from trajectories.models import Experiment, ExperimentRun, Item, Run, RunInput
from trajectories.models.experiments import Arm
from trajectories.models.runs import TERMINAL, Purpose
from trajectories.requests import title_of

PRIORITY: Final = -5  # people who wait for their own runs go first


@dataclass(frozen=True, slots=True)
class _Made:
    """A run that is not stored yet, of one arm on one item, with the examples that it gets."""

    run: Run
    arm: Arm
    item: Item
    examples: list[Chosen]


def create_experiment(*, by: Principal, project: Project, request: ExperimentRequest) -> Experiment:
    """Freeze the plan of an experiment and start its runs: two for each item, one of each arm.

    What start_run checks of a run is checked once for all of them. They are stored together, so that hundreds take
    seconds, and each item's two stand next to each other in the queue: what changes over time meets both arms alike.

    Raises:
        Invalid: naming every wrong field; nothing is stored.
        NotFound: the project is another organization's.
    """
    by.require("experiment.run")
    by.require("run.create")
    refuse_foreign(by, project)
    with scoping.organization(by.organization):
        planned = plan_experiment(by, project, request)
        experiment = _store(by, project, planned)
        made = list(_runs(by, project, planned))
        Run.objects.bulk_create(entry.run for entry in made)
        RunInput.objects.bulk_create(_input(entry) for entry in made if entry.item.blob is not None)
        for entry in made:
            if entry.examples:
                attach_examples(entry.run, entry.examples)
        ExperimentRun.objects.bulk_create(
            ExperimentRun(
                organization=by.organization, experiment=experiment, item=entry.item, arm=entry.arm, run=entry.run
            )
            for entry in made
        )
        arms = {arm.value: f"v{planned.arms[arm].version.number}" for arm in planned.arms}
        changes = {"name": experiment.name, "dataset": planned.dataset.name, "runs": len(made), **arms}
        _record(by, experiment, "experiment.create", changes | {"plan": experiment.plan_hash})
        for entry in made:
            queue.enqueue(run_id=entry.run.id, organization_id=by.organization_id)
    return experiment


def cancel_experiment(*, by: Principal, experiment: Experiment) -> Experiment:
    """Stop all runs of an experiment that have not ended; asking again changes nothing.

    Raises:
        Conflict: all of them have ended already.
        NotFound: the experiment is another organization's.
    """
    by.require("experiment.run")
    by.require("run.cancel")
    if experiment.organization_id != by.organization_id:
        raise NotFound(f"There is no experiment {experiment.id}.")
    with scoping.organization(by.organization):
        of_experiment = Run.objects.for_org(by.organization).filter(experiment_run__experiment=experiment)
        unfinished = of_experiment.exclude(status__in=TERMINAL).order_by("id")
        runs = list(unfinished.select_related("project").select_for_update(of=("self",)))
        if not runs:
            raise Conflict("The experiment has already ended.")
        going = [run for run in runs if not run.cancel_requested]
        for run in going:
            stop(run)
        if going:
            _record(by, experiment, "experiment.cancel", {"name": experiment.name, "runs": len(going)})
    return experiment


def _store(by: Principal, project: Project, planned: ExperimentPlan) -> Experiment:
    frozen = planned.frozen()
    baseline, candidate = planned.arms[Arm.BASELINE], planned.arms[Arm.CANDIDATE]
    return Experiment.objects.create(
        organization=by.organization,
        project=project,
        dataset=planned.dataset,
        split=planned.split,
        name=planned.name,
        baseline=baseline.version,
        baseline_examples=baseline.examples,
        candidate=candidate.version,
        candidate_examples=candidate.examples,
        model=planned.run.model,
        sub_model=planned.run.sub_model,
        environment=planned.run.environment.name,
        plan=frozen,
        plan_hash=hash_of_plan(frozen),
        created_by_kind=by.actor.kind,
        created_by_id=by.actor.id,
    )


def _runs(by: Principal, project: Project, planned: ExperimentPlan) -> Iterator[_Made]:
    """Make the runs of all items, the arms taking turns at being first."""
    with_examples = any(arm.examples for arm in planned.arms.values())
    for at, item in enumerate(planned.items):
        chosen = select_examples(project, item.task, exclude_hashes={item.input_hash}) if with_examples else []
        for arm in list(Arm) if at % 2 == 0 else reversed(Arm):
            of_arm = planned.arms[arm]
            run = new_run(by, project, planned.run)
            run.purpose, run.priority = Purpose.EVALUATION, PRIORITY
            run.task, run.title = item.task, title_of(item.task)
            run.prompt_version, run.use_examples = of_arm.version, of_arm.examples
            run.context_kind = item.context_kind
            run.context_size = item.blob.size if item.blob is not None else 0
            yield _Made(run, arm, item, chosen if of_arm.examples else [])


def _input(entry: _Made) -> RunInput:
    return RunInput(organization_id=entry.run.organization_id, run=entry.run, position=0, blob=entry.item.blob)


def _record(by: Principal, experiment: Experiment, action: str, changes: dict[str, object]) -> None:
    record(
        organization_id=by.organization_id,
        actor=by.actor,
        action=action,
        object_type="experiment",
        object_id=experiment.id,
        changes=changes,
    )
