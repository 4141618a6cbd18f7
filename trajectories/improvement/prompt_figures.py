"""How runs went with each version of a prompt."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Avg, Count, Q

from rlmlab import scoping
from rlmlab.tenancy.principals import Principal
from trajectories.models import PromptVersion, Rating, Run
from trajectories.models.ratings import Dimension
from trajectories.models.runs import TERMINAL, Purpose, RunStatus
from trajectories.ratings import PREFERRED


@dataclass(frozen=True, slots=True)
class Figures:
    """Runs of people and programs with a version; those of experiments are not among them.

    `correct` is the mean of the rated runs' ratings in that dimension, each run's by its most trusted raters.
    """

    runs: int = 0
    ended: int = 0
    succeeded: int = 0
    rated: int = 0
    correct: float | None = None

    @property
    def success(self) -> float | None:
        """The share of the ended runs that succeeded; None where none has ended."""
        return self.succeeded / self.ended if self.ended else None


def figures_of(principal: Principal, versions: Iterable[PromptVersion]) -> dict[UUID, Figures]:
    """Count the runs of a page of versions and sum up their ratings, in two queries for all."""
    ids = [version.id for version in versions]
    mine = Q(prompt_version__in=ids, purpose=Purpose.USER)
    with scoping.organization(principal.organization):
        rows = Run.objects.for_org(principal.organization).filter(mine).order_by().values_list("prompt_version_id")
        counted = rows.annotate(
            runs=Count("id"),
            ended=Count("id", filter=Q(status__in=TERMINAL)),
            succeeded=Count("id", filter=Q(status=RunStatus.SUCCEEDED)),
        )
        counts = {version_id: figures for version_id, *figures in counted}
        correct = _correct(principal, ids)
    return {version_id: _figures(counts.get(version_id, (0, 0, 0)), correct[version_id]) for version_id in ids}


def _figures(counts: Sequence[int], correct: Sequence[float]) -> Figures:
    runs, ended, succeeded = counts
    mean = sum(correct) / len(correct) if correct else None
    return Figures(runs, ended, succeeded, len(correct), mean)


def _correct(principal: Principal, ids: list[UUID]) -> dict[UUID, list[float]]:
    """Return by version how right its rated runs were."""
    rated = Rating.objects.for_org(principal.organization).filter(
        run__prompt_version__in=ids, run__purpose=Purpose.USER, dimension=Dimension.CORRECT, current=True, span_id=""
    )
    means = rated.order_by().values_list("run__prompt_version_id", "run_id", "rater_kind").annotate(mean=Avg("value"))
    best: dict[tuple[UUID, UUID], tuple[int, float]] = {}
    for version_id, run_id, kind, mean in means:
        place = (PREFERRED.index(kind), mean)
        best[version_id, run_id] = min(place, best.get((version_id, run_id), place))
    found: dict[UUID, list[float]] = defaultdict(list)
    for (version_id, _), (_, mean) in best.items():
        found[version_id].append(mean)
    return found
