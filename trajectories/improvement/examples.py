"""Few-shot examples: which a run gets, and reads of them.

Selection beats count: eight fixed examples scored .22 where eight nearest neighbours scored .76, and corrections of
failed runs are what moves the answers; so the best fitting ones are taken, half of them corrections where there are.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from rlmlab import scoping
from rlmlab.engine.types import Example as EngineExample
from rlmlab.errors import NotFound
from rlmlab.scoping.fulltext import words_of
from rlmlab.scoping.pages import DEFAULT_LIMIT, Page, newest_first
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories.models import Example, Rating, Run, RunExample
from trajectories.models.examples import ExampleKind
from trajectories.models.ratings import Dimension, RaterKind
from trajectories.ratings import BAD_BELOW, GOOD_FROM

MOST: Final = 8
MOST_BYTES: Final = 6_000  # 2,000 tokens, by the bound of three bytes a token
CONSIDERED: Final = 50


@dataclass(frozen=True, slots=True)
class Chosen:
    """An example for a run: how well its task fits, and why it was taken."""

    example: Example
    score: float
    reason: str


def select_examples(project: Project, task: str, *, exclude_hashes: Collection[str] = ()) -> list[Chosen]:
    """Return the examples for a task, the most similar last; at most eight and 2,000 tokens. Within a scope.

    Ranked by shared words with the example's task (PostgreSQL's `ts_rank` over English stems). Half of the places are
    kept for corrected runs, where enough of them fit. What fits not at all is not taken, nor what was rated otherwise
    since.
    """
    wanted = words_of(task)
    if wanted is None:
        return []
    rows = _trusted(project).exclude(input_hash__in=list(exclude_hashes)).filter(search=wanted.either)
    ranked = rows.annotate(score=wanted.rank()).order_by("-score", "-created_at")[:CONSIDERED]
    scores = {example.id: example.score for example in ranked}
    taken = enumerate(_within(_fair(list(ranked))), start=1)
    return [Chosen(found, scores[found.id], reason_of(found, place)) for place, found in reversed(list(taken))]


def reason_of(example: Example, place: int) -> str:
    """Say why an example was taken, for people."""
    kind = "a correction" if example.kind == ExampleKind.CORRECTED else "a run rated correct"
    return f"{kind}; number {place} by shared words of the task"


def _fair(ranked: Sequence[Example]) -> list[Example]:
    """Take the best eight, and corrected runs for at least half of them, as far as there are; best first."""
    corrected = [example for example in ranked if example.kind == ExampleKind.CORRECTED][: MOST // 2]
    rest = [example for example in ranked if example not in corrected][: MOST - len(corrected)]
    taken = {example.id for example in (*corrected, *rest)}
    return [example for example in ranked if example.id in taken]


def _within(best_first: Sequence[Example]) -> list[Example]:
    """Keep what fits into the bytes, skipping a long one where a shorter one still fits."""
    kept, left = [], MOST_BYTES
    for example in best_first:
        size = len(example.text.encode("utf-8", "surrogatepass"))
        if size <= left:
            kept.append(example)
            left -= size
    return kept


def attach_examples(run: Run, chosen: Sequence[Chosen]) -> list[RunExample]:
    """Record which examples a run gets, and why; in the order in which it reads them."""
    return RunExample.objects.bulk_create(
        RunExample(
            organization_id=run.organization_id,
            run=run,
            example=item.example,
            position=position,
            score=item.score,
            reason=item.reason,
        )
        for position, item in enumerate(chosen, start=1)
    )


def examples_of(run: Run) -> list[RunExample]:
    """Return what a run was given, in order, with the examples; opens its scope."""
    with scoping.organization(run.organization_id):
        rows = RunExample.objects.for_org(run.organization_id).filter(run=run).select_related("example")
        return list(rows.order_by("position"))


def engine_examples(run: Run) -> tuple[EngineExample, ...]:
    """Return a run's examples in the engine's words."""
    return tuple(EngineExample(str(item.example_id), item.example.text) for item in examples_of(run))


def examples_page(
    principal: Principal,
    project: Project,
    *,
    query: str = "",
    retired: bool = False,
    cursor: str = "",
    limit: int = DEFAULT_LIMIT,
) -> Page[Example]:
    """List a project's examples, newest first, each with the number of runs that `used` it.

    A query keeps those whose task shares words with it.

    Raises:
        Invalid: the cursor cannot be read.
    """
    principal.require("example.view")
    condition = Q(project=project, retired_at__isnull=not retired)
    if (wanted := words_of(query)) is not None:
        condition &= Q(search=wanted.either)
    with scoping.organization(principal.organization):
        return newest_first(_shown(principal).filter(condition), cursor=cursor, limit=limit)


def example_for(principal: Principal, example_id: UUID) -> Example:
    """Return an example of the principal's organization.

    Raises:
        NotFound: it has no such example.
    """
    principal.require("example.view")
    with scoping.organization(principal.organization):
        example = _shown(principal).filter(pk=example_id).first()
    if example is None:
        raise NotFound(f"There is no example {example_id}.")
    return example


def example_of(principal: Principal, run: Run) -> Example | None:
    """Return the active example that was made of a run; None where there is none."""
    with scoping.organization(principal.organization):
        return _shown(principal).filter(run=run, retired_at=None).first()


def counts_of(principal: Principal, project: Project) -> dict[str, int]:
    """Count a project's examples: those that runs may get, and the retired ones."""
    principal.require("example.view")
    with scoping.organization(principal.organization):
        rows = Example.objects.for_org(principal.organization).filter(project=project)
        retired = Count("id", filter=Q(retired_at__isnull=False))
        found = rows.aggregate(active=Count("id", filter=Q(retired_at=None)), retired=retired)
    return {"active": found["active"], "retired": found["retired"]}


def uses_of(principal: Principal, example: Example) -> list[RunExample]:
    """List the runs that were given an example, newest first; at most a hundred."""
    principal.require("example.view")
    with scoping.organization(principal.organization):
        rows = RunExample.objects.for_org(principal.organization).filter(example=example).select_related("run")
        return list(rows.order_by("-run__created_at", "-run__id")[:DEFAULT_LIMIT])


def preview_examples(principal: Principal, project: Project, task: str) -> list[Chosen]:
    """Return the examples that a run with this task would get if it were started now, in the order of reading."""
    principal.require("example.view")
    with scoping.organization(principal.organization):
        return select_examples(project, task)


def _trusted(project: Project) -> QuerySet[Example]:
    """Keep examples whose run is judged now as when they were made: people change their minds.

    Of a corrected run, the same correction must still stand; of a good one, somebody's good word and nobody's bad one.
    Neither may have failed in safety.
    """
    ratings = Rating.objects.for_org(project.organization_id).filter(run=OuterRef("run"), current=True, span_id="")
    correct = ratings.filter(dimension=Dimension.CORRECT)
    good = correct.filter(value__gte=GOOD_FROM, rater_kind__in=(RaterKind.HUMAN, RaterKind.CHECKER))
    bad = correct.filter(value__lt=BAD_BELOW, rater_kind=RaterKind.HUMAN)
    still_good = Q(kind=ExampleKind.GOOD) & Exists(good) & ~Exists(bad)
    same = ratings.filter(correction=OuterRef("rating__correction"))
    still_corrected = Q(kind=ExampleKind.CORRECTED) & Exists(same)
    unsafe = ratings.filter(dimension=Dimension.SAFETY, value__lt=BAD_BELOW)
    return _active(project).filter(still_good | still_corrected).exclude(Exists(unsafe))


def _active(project: Project) -> QuerySet[Example]:
    return Example.objects.for_org(project.organization_id).filter(project=project, retired_at=None).defer("search")


def _shown(principal: Principal) -> QuerySet[Example]:
    rows = Example.objects.for_org(principal.organization).select_related("project", "run", "rating").defer("search")
    uses = RunExample.objects.for_org(principal.organization).filter(example=OuterRef("pk"))
    counted = uses.order_by().values("example").annotate(count=Count("id")).values("count")
    return rows.annotate(used=Coalesce(Subquery(counted), 0))
