"""What held-out items say for a move of a label, from one version to exactly one other."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import F

from rlmlab import scoping
from rlmlab.errors import Invalid
from rlmlab.scoping.models import OrgQuerySet
from rlmlab.tenancy.principals import Principal
from trajectories.improvement.evaluation import Comparison, comparison_of, comparisons_of
from trajectories.improvement.statistics import Verdict
from trajectories.models import Experiment, PromptVersion
from trajectories.models.datasets import Split

LOOKED_AT: Final = 10
"""Experiments of a pair, newest first, among which the latest finished one is looked for."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """An experiment that compared two versions on held-out items, and what came of it."""

    experiment: Experiment
    comparison: Comparison

    @property
    def supports(self) -> bool:
        """Whether it shows the later version to be better, by the verdict that the experiment's own page gives."""
        return self.comparison.verdict == Verdict.BETTER

    def snapshot(self) -> dict[str, Any]:
        """Return it as it is kept with a promotion."""
        kept = {"name": self.experiment.name, "dataset": self.experiment.dataset.name, "model": self.experiment.model}
        return kept | {"split": self.experiment.split} | self.comparison.evidence()


def latest_evidence(principal: Principal, before: PromptVersion, after: PromptVersion) -> Evidence | None:
    """Return the latest finished experiment that compared two versions on held-out items; None where there is none.

    The latest and not the best one: who may choose among several finds one that pleases him by chance.
    """
    with scoping.organization(principal.organization):
        newest = list(_of_pair(before, after).order_by("-created_at", "-id")[:LOOKED_AT])
        compared = comparisons_of(newest)
    return next((Evidence(row, compared[row.id]) for row in newest if compared[row.id].done), None)


def chosen_evidence(experiment_id: UUID, before: PromptVersion, after: PromptVersion) -> Evidence:
    """Return an experiment that somebody names as the evidence of a move, finished or not; within a scope.

    Raises:
        Invalid: there is none of this id that compared the two versions on held-out items.
    """
    experiment = _of_pair(before, after).filter(id=experiment_id).first()
    if experiment is None:
        detail = f"did not compare v{before.number} with v{after.number} on held-out items, both with the same examples"
        raise Invalid.field("experiment", detail)
    return Evidence(experiment, comparison_of(experiment))


def _of_pair(before: PromptVersion, after: PromptVersion) -> OrgQuerySet[Experiment]:
    """Keep experiments whose arms differ in the prompt alone: with examples on one side, those might have won."""
    found = Experiment.objects.for_org(before.organization_id).filter(
        baseline=before, candidate=after, split=Split.HOLDOUT, candidate_examples=F("baseline_examples")
    )
    return found.select_related("dataset")
