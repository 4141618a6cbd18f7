"""Reads of ratings: those of a run, and what they come to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from rlmlab import scoping
from rlmlab.scoping.pages import DEFAULT_LIMIT, Page, newest_first
from rlmlab.tenancy.principals import Principal
from trajectories.models import Rating, Run
from trajectories.models.ratings import Dimension, RaterKind

GOOD_FROM: Final = 0.8
"""From here on a run counts as right, as something to learn from."""
BAD_BELOW: Final = 0.5
"""Below, somebody found it wrong."""
PREFERRED: Final = (RaterKind.HUMAN, RaterKind.CHECKER, RaterKind.JUDGE, RaterKind.IMPLICIT)
DISPUTED_FROM: Final = 0.5
"""Half the scale: two raters who are further apart than this do not agree."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run's ratings say: the mean by dimension of its most trusted kind of raters, and how many rated it.

    `disputed`: two raters of that kind are more than .5 apart. `corrected`: somebody said what the answer should be.
    """

    values: dict[str, float]
    raters: int
    disputed: bool
    corrected: bool

    @property
    def correct(self) -> float | None:
        """The mean in the dimension `correct`; None where nobody judged it."""
        return self.values.get(Dimension.CORRECT)


def verdict_of(ratings: Sequence[Rating]) -> Verdict | None:
    """Sum up the current ratings of one run as a whole; None where there are none.

    Aggregates prefer people, then checkers, then judges.
    """
    whole = [rating for rating in ratings if rating.current and not rating.span_id]
    if not whole:
        return None
    values: dict[str, float] = {}
    disputed = False
    for dimension in dict.fromkeys(rating.dimension for rating in whole):
        judged = [rating for rating in whole if rating.dimension == dimension]
        kind = next(kind for kind in PREFERRED if any(rating.rater_kind == kind for rating in judged))
        found = [rating.value for rating in judged if rating.rater_kind == kind]
        values[dimension] = sum(found) / len(found)
        disputed |= max(found) - min(found) > DISPUTED_FROM
    raters = {(rating.rater_kind, rating.rater_actor, rating.rater_id) for rating in whole}
    return Verdict(values, len(raters), disputed, any(rating.correction is not None for rating in whole))


def verdicts_of(principal: Principal, runs: Iterable[Run]) -> dict[UUID, Verdict]:
    """Sum up the ratings of a page of runs, in one query; runs without any are left out."""
    with scoping.organization(principal.organization):
        return verdicts_in(principal.organization_id, runs)


def verdicts_in(organization_id: UUID, runs: Iterable[Run]) -> dict[UUID, Verdict]:
    """Sum up as `verdicts_of` does; within a scope."""
    found: dict[UUID, list[Rating]] = {}
    ids = [run.id for run in runs]
    for rating in Rating.objects.for_org(organization_id).filter(run_id__in=ids, current=True, span_id=""):
        found.setdefault(rating.run_id, []).append(rating)
    summed = {run_id: verdict_of(ratings) for run_id, ratings in found.items()}
    return {run_id: verdict for run_id, verdict in summed.items() if verdict is not None}


def ratings_page(
    principal: Principal, run: Run, *, history: bool = False, cursor: str = "", limit: int = DEFAULT_LIMIT
) -> Page[Rating]:
    """List a run's ratings, newest first; with `history` also those that were changed or withdrawn.

    Raises:
        Invalid: the cursor cannot be read.
    """
    principal.require("run.view")
    with scoping.organization(principal.organization):
        rows = Rating.objects.for_org(principal.organization).filter(run=run)
        if not history:
            rows = rows.filter(current=True)
        return newest_first(rows, cursor=cursor, limit=limit)


def current_ratings(run: Run) -> list[Rating]:
    """Return the judgements on a run that count, oldest first; within a scope."""
    rows = Rating.objects.for_org(run.organization_id).filter(run=run, current=True)
    return list(rows.order_by("created_at", "id"))
