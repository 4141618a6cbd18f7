"""Starting a benchmark's runs, and keeping its tasks as a dataset."""

from collections.abc import Sequence

from rlmlab import scoping
from rlmlab.errors import Invalid
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories.actions.datasets import add_items, create_dataset
from trajectories.actions.runs import start_run
from trajectories.benchmark.arms import Arm
from trajectories.benchmark.plans import Plan
from trajectories.benchmark.scoring import checker_of
from trajectories.benchmark.tasks.base import Task
from trajectories.benchmark.tasks.families import FAMILIES
from trajectories.improvement.items import NewItem
from trajectories.models import Dataset, Run
from trajectories.models.runs import Purpose
from trajectories.requests import RunRequest


def start_benchmark_run(*, by: Principal, project: Project, task: Task, arm: Arm, plan: Plan) -> Run:
    """Start a run of one arm on one task; like those of experiments, it is kept out of lists, examples and memory.

    Raises:
        Invalid: the model or the budget is not accepted.
    """
    request = RunRequest(
        task=task.question,
        title=f"Benchmark: {task.family} {task.number + 1}, {arm.name}",
        context=task.context(),
        model=plan.model_of(arm),
        sub_model=plan.sub_model,
        mode=arm.mode,
        budget={**plan.budget, **arm.limits},
        seed=plan.seed,
        tags=("benchmark", task.family, arm.name),
    )
    return start_run(by=by, project=project, request=request, purpose=Purpose.EVALUATION)


def store_tasks(*, by: Principal, project: Project, name: str, split: str, tasks: Sequence[Task]) -> list[Dataset]:
    """Keep tasks as items, all or none: a dataset for each family, since a dataset compares all its answers in one way.

    One family's dataset has the name as it is, several have the family's behind it.

    Raises:
        Invalid: a name is taken, or something is no item.
    """
    families = list(dict.fromkeys(task.family for task in tasks))
    if not families:
        raise Invalid.field("tasks", "must be at least one")
    with scoping.organization(by.organization):
        return [
            _store(by, project, name if len(families) == 1 else f"{name}-{family}", split, own)
            for family in families
            if (own := [task for task in tasks if task.family == family])
        ]


def _store(by: Principal, project: Project, name: str, split: str, tasks: Sequence[Task]) -> Dataset:
    title = f"Benchmark: {FAMILIES[tasks[0].family].title}"
    dataset = create_dataset(by=by, project=project, name=name, description=title, checker=checker_of(tasks[0]))
    items = [NewItem(task.question, task.gold, split=split, context=task.context()) for task in tasks]
    add_items(by=by, dataset=dataset, items=items)
    return dataset
