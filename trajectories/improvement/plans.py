"""Plans an experiment: everything is checked and frozen before the first run."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from django.db.models import Avg, Count

from rlmlab import scoping
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy.fields import clean_text
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories.improvement.datasets import dataset_by_name
from trajectories.improvement.prompts import version_for_run
from trajectories.improvement.statistics import ALPHA
from trajectories.models import Dataset, Item, PromptVersion, Run
from trajectories.models.datasets import Split
from trajectories.models.experiments import Arm
from trajectories.models.runs import FinishReason, RunStatus
from trajectories.requests import Checks, RunPlan, RunRequest, plan

MOST_ITEMS: Final = 200
PAST_RUNS: Final = 50


@dataclass(frozen=True, slots=True)
class ExperimentRequest:
    """An experiment as it is asked for; empty texts and None mean the default, as for a run.

    `baseline` and `candidate` name versions as a run's `prompt` does; an empty one is what `production` points at.
    `budget` holds for each run.
    """

    dataset: str
    candidate: str = ""
    candidate_examples: bool = False
    baseline: str = ""
    baseline_examples: bool = False
    split: str = Split.HOLDOUT
    name: str = ""
    model: str = ""
    sub_model: str = ""
    environment: str = ""
    budget: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedArm:
    """A prompt version, with or without examples."""

    version: PromptVersion
    examples: bool

    def frozen(self) -> dict[str, Any]:
        """Describe it in the plan."""
        return {
            "prompt": self.version.prompt.name,
            "version": self.version.number,
            "version_id": str(self.version.id),
            "examples": self.examples,
        }


@dataclass(frozen=True, slots=True)
class ExperimentPlan:
    """The request with every default filled in; `run` is what all its runs have in common."""

    name: str
    dataset: Dataset
    split: str
    items: Sequence[Item]
    arms: Mapping[Arm, PlannedArm]
    run: RunPlan

    def frozen(self) -> dict[str, Any]:
        """Return the plan as it is kept."""
        return {
            "dataset": self.dataset.name,
            "split": self.split,
            "checker": self.dataset.checker,
            "items": [{"id": str(item.id), "number": item.number, "input": item.input_hash} for item in self.items],
            "arms": {arm.value: planned.frozen() for arm, planned in self.arms.items()},
            "model": self.run.model,
            "sub_model": self.run.sub_model,
            "environment": self.run.environment.name,
            "budget": asdict(self.run.budget),
            "seed": self.run.seed,
            "test": {"name": "exact one-sided McNemar", "alpha": ALPHA},
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an experiment would take. The upper bound is the sum of the budgets, None where cost is not limited.

    The typical figures are what the project's latest `past_runs` with this model took on average, None without any.
    """

    items: int
    runs: int
    highest_cost_usd: float | None
    past_runs: int
    typical_cost_usd: float | None
    typical_seconds: float | None


def plan_experiment(by: Principal, project: Project, request: ExperimentRequest) -> ExperimentPlan:
    """Fill in the defaults and check every field; within a scope.

    Raises:
        Invalid: naming every wrong field.
    """
    checks = Checks()
    dataset = checks.run(lambda: _dataset(by, project, request.dataset), None)
    items: list[Item] = checks.run(lambda: _items(dataset, request.split), []) if dataset is not None else []
    baseline = checks.run(lambda: _version(project, "baseline", request.baseline), None)
    candidate = checks.run(lambda: _version(project, "candidate", request.candidate), None)
    same = (baseline, request.baseline_examples) == (candidate, request.candidate_examples)
    checks.run(lambda: _refuse_same(is_same=same and candidate is not None), None)
    name = checks.run(lambda: clean_text("name", request.name, blank=True), "")
    run = checks.run(lambda: plan(_run_request(request), organization=by.organization, project=project), None)
    checks.refuse()
    if dataset is None or baseline is None or candidate is None or run is None:
        raise AssertionError("what is missing was refused")
    arms = {
        Arm.BASELINE: PlannedArm(baseline, request.baseline_examples),
        Arm.CANDIDATE: PlannedArm(candidate, request.candidate_examples),
    }
    name = name or f"v{candidate.number} against v{baseline.number} on {dataset.name}"
    return ExperimentPlan(name, dataset, request.split, items, arms, run)


def estimate_of(by: Principal, project: Project, request: ExperimentRequest) -> Estimate:
    """Say what an experiment would take, before anybody starts it.

    Raises:
        Invalid: naming every wrong field.
    """
    by.require("experiment.run")
    with scoping.organization(by.organization):
        planned = plan_experiment(by, project, request)
        of_model = Run.objects.for_org(by.organization).filter(project=project, model=planned.run.model)
        ended = of_model.filter(status__in=(RunStatus.SUCCEEDED, RunStatus.FAILED)).exclude(
            finish_reason=FinishReason.ERROR
        )
        latest = ended.order_by("-created_at")[:PAST_RUNS]
        past = latest.aggregate(count=Count("id"), cost=Avg("cost_usd"), seconds=Avg("seconds"))
    runs = len(planned.items) * len(planned.arms)
    limit = planned.run.budget.max_cost_usd
    return Estimate(
        items=len(planned.items),
        runs=runs,
        highest_cost_usd=None if limit is None else runs * limit,
        past_runs=past["count"],
        typical_cost_usd=None if past["cost"] is None else runs * past["cost"],
        typical_seconds=past["seconds"],
    )


def hash_of_plan(frozen: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a plan as JSON with sorted keys."""
    text = json.dumps(frozen, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _dataset(by: Principal, project: Project, name: str) -> Dataset:
    try:
        return dataset_by_name(by, project, name).dataset
    except NotFound:
        raise Invalid.field("dataset", f'there is no dataset "{name[:50]}"' if name else "must be chosen") from None


def _items(dataset: Dataset, split: str) -> list[Item]:
    if split not in Split.values:
        raise Invalid.field("split", f"must be one of {', '.join(Split.values)}")
    found = Item.objects.for_org(dataset.organization_id).filter(dataset=dataset, split=split, retired_at=None)
    items = list(found.select_related("blob").order_by("number")[: MOST_ITEMS + 1])
    if not items:
        raise Invalid.field("split", f"the dataset has no items of the split {split}")
    if len(items) > MOST_ITEMS:
        raise Invalid.field("split", f"has more than {MOST_ITEMS} items; an experiment takes at most {MOST_ITEMS}")
    return items


def _version(project: Project, name: str, reference: str) -> PromptVersion:
    try:
        return version_for_run(project, reference)
    except Invalid as error:
        raise Invalid.field(name, error.errors[0].message) from None


def _refuse_same(*, is_same: bool) -> None:
    if is_same:
        raise Invalid.field("candidate", "is the same as the baseline: choose another version, or change its examples")


def _run_request(request: ExperimentRequest) -> RunRequest:
    """Return what is asked of every run, for the checks that all of them share; the tasks were checked as items.

    There are no fallback models: an answer of another model would say nothing about the prompt.
    """
    return RunRequest(
        task="-",
        model=request.model,
        sub_model=request.sub_model,
        fallback_models=(),
        environment=request.environment,
        budget=request.budget,
        seed=request.seed,
    )
