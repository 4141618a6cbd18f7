"""What came of an experiment, computed from its runs whenever it is read: there is no second truth."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from statistics import median
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Left

from rlmlab import scoping
from rlmlab.errors import Invalid, NotFound
from rlmlab.scoping.pages import DEFAULT_LIMIT, Page, newest_first
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories.improvement.checking import is_right
from trajectories.improvement.statistics import Verdict, difference_interval, p_value, pairs_needed, verdict_of
from trajectories.models import Experiment, ExperimentRun
from trajectories.models.experiments import Arm
from trajectories.models.runs import TERMINAL, RunStatus

TASK_SHOWN: Final = 300
COMPARED_AT_ONCE: Final = 50
"""Experiments on a page: each reads its runs, 400 at most."""

NOT_THE_ARMS_DOING: Final = frozenset(
    {
        "worker_lost", "internal_error", "engine_error", "environment_unavailable", "memory_unavailable", "bad_prices",
        "unpriced_model", "unknown_model", "missing_credentials", "rejected_credentials", "rate_limited",
        "provider_error", "provider_unavailable", "provider_timeout", "input_too_large", "unsupported_media",
    }
)  # fmt: skip
"""Codes of failures that say nothing about a prompt: they make the pair a missing one."""


class Grade(StrEnum):
    """What a run says of its arm."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"
    OPEN = "open"


class Kind(StrEnum):
    """What an item says of the difference between the arms."""

    WIN = "win"
    LOSS = "loss"
    BOTH_RIGHT = "both_right"
    BOTH_WRONG = "both_wrong"
    MISSING = "missing"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run of an experiment, graded; `run_id` None: the run was purged."""

    run_id: UUID | None
    status: str
    error_code: str
    answer: Any
    grade: Grade
    cost_usd: float | None
    tokens: int
    seconds: float

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self.status in TERMINAL


PURGED: Final = Outcome(None, "", "", None, Grade.MISSING, 0.0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class Row:
    """An item with what both arms made of it."""

    item_id: UUID
    number: int
    task: str
    expected: Any
    baseline: Outcome
    candidate: Outcome

    @property
    def kind(self) -> Kind:
        """What it says of the difference; it says nothing before both runs have ended, or where one is missing."""
        grades = (self.baseline.grade, self.candidate.grade)
        if Grade.OPEN in grades:
            return Kind.OPEN
        if Grade.MISSING in grades:
            return Kind.MISSING
        return _KINDS[grades]


_KINDS: Final = {
    (Grade.WRONG, Grade.RIGHT): Kind.WIN,
    (Grade.RIGHT, Grade.WRONG): Kind.LOSS,
    (Grade.RIGHT, Grade.RIGHT): Kind.BOTH_RIGHT,
    (Grade.WRONG, Grade.WRONG): Kind.BOTH_WRONG,
}


@dataclass(frozen=True)
class Comparison:
    """The two arms of an experiment, pair by pair.

    A pair is an item of which both runs ended by what their arm did. It is a win where only the candidate is right, a
    loss where only the baseline is. A run that gave no answer, or failed by its budget, by its time, in its sandbox, or
    because the provider refused what it was sent, is wrong. A run that was cancelled, or failed for a reason of
    NOT_THE_ARMS_DOING, makes its pair a missing one. `items` counts those of the plan.
    """

    items: int
    rows: Sequence[Row]
    seed: int = 0

    def of_kind(self, kind: str) -> list[Row]:
        """Return the rows of a kind; all of them for an empty one.

        Raises:
            Invalid: there is no such kind.
        """
        if kind and kind not in list(Kind):
            raise Invalid.field("kind", f"must be one of {', '.join(Kind)}")
        return [row for row in self.rows if not kind or row.kind == kind]

    def count(self, kind: Kind) -> int:
        """Count the items of a kind."""
        return sum(row.kind == kind for row in self.rows)

    @cached_property
    def wins(self) -> int:
        """Items that only the candidate got right."""
        return self.count(Kind.WIN)

    @cached_property
    def losses(self) -> int:
        """Items that only the baseline got right."""
        return self.count(Kind.LOSS)

    @cached_property
    def ties(self) -> int:
        """Items that both got right, or both wrong."""
        return self.count(Kind.BOTH_RIGHT) + self.count(Kind.BOTH_WRONG)

    @property
    def pairs(self) -> int:
        """Items that both arms answered, rightly or not."""
        return self.wins + self.losses + self.ties

    @cached_property
    def missing(self) -> int:
        """Items that cannot be compared, those whose runs were purged among them."""
        return self.items - self.pairs - self.count(Kind.OPEN)

    @property
    def runs(self) -> int:
        """How many runs were planned."""
        return self.items * len(Arm)

    @cached_property
    def finished(self) -> int:
        """How many runs have ended."""
        return self.runs - sum(outcome.grade == Grade.OPEN for row in self.rows for outcome in _both(row))

    @property
    def done(self) -> bool:
        """Whether all runs have ended."""
        return self.finished == self.runs

    @cached_property
    def p_value(self) -> float:
        """The exact one-sided McNemar p for the candidate being better."""
        return p_value(self.wins, self.losses)

    @property
    def verdict(self) -> Verdict | None:
        """What may be said; None before all runs have ended, since who stops at a good moment finds what he likes."""
        return verdict_of(pairs=self.pairs, wins=self.wins, losses=self.losses) if self.done else None

    @property
    def more_needed(self) -> int | None:
        """About how many more items would decide it, at the rates seen; None where nothing can be said."""
        needed = pairs_needed(pairs=self.pairs, wins=self.wins, losses=self.losses)
        return None if needed is None else max(0, needed - self.pairs)

    @property
    def difference(self) -> float:
        """How much larger the candidate's share of right answers is."""
        return (self.wins - self.losses) / self.pairs if self.pairs else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the difference."""
        return difference_interval(pairs=self.pairs, wins=self.wins, losses=self.losses, seed=self.seed)

    @property
    def baseline_correct(self) -> int:
        """How many pairs the baseline got right."""
        return self.losses + self.count(Kind.BOTH_RIGHT)

    @property
    def candidate_correct(self) -> int:
        """How many pairs the candidate got right."""
        return self.wins + self.count(Kind.BOTH_RIGHT)

    @cached_property
    def baseline(self) -> "ArmTotals":
        """What the baseline's runs used."""
        return _totals([row.baseline for row in self.rows], self.baseline_correct)

    @cached_property
    def candidate(self) -> "ArmTotals":
        """What the candidate's runs used."""
        return _totals([row.candidate for row in self.rows], self.candidate_correct)

    def evidence(self) -> dict[str, Any]:
        """Return the figures as they are kept with a decision that rests on them."""
        figures = {name: getattr(self, name) for name in EVIDENCE}
        return figures | {
            "verdict": self.verdict.value if self.verdict is not None else None,
            "interval": list(self.interval),
            "baseline_cost_usd": self.baseline.cost_usd,
            "candidate_cost_usd": self.candidate.cost_usd,
        }


EVIDENCE: Final = (
    "items", "pairs", "wins", "losses", "ties", "missing", "finished", "p_value", "difference", "baseline_correct",
    "candidate_correct",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArmTotals:
    """What the ended runs of an arm used.

    `cost_usd` None: a price is unknown. `median_seconds` None: none has ended.
    """

    correct: int
    cost_usd: float | None
    tokens: int
    median_seconds: float | None


def _both(row: Row) -> tuple[Outcome, Outcome]:
    return (row.baseline, row.candidate)


def _totals(outcomes: Sequence[Outcome], correct: int) -> ArmTotals:
    ended = [outcome for outcome in outcomes if outcome.ended]
    costs = [outcome.cost_usd for outcome in ended]
    known = [cost for cost in costs if cost is not None]
    return ArmTotals(
        correct=correct,
        cost_usd=sum(known) if len(known) == len(costs) else None,
        tokens=sum(outcome.tokens for outcome in ended),
        median_seconds=median(outcome.seconds for outcome in ended) if ended else None,
    )


def grade_of(status: str, error_code: str, right: Callable[[], bool]) -> Grade:
    """Grade a run; see Comparison for which failures are the arm's own."""
    if status not in TERMINAL:
        return Grade.OPEN
    if status == RunStatus.CANCELLED or error_code in NOT_THE_ARMS_DOING:
        return Grade.MISSING
    return Grade.RIGHT if status == RunStatus.SUCCEEDED and right() else Grade.WRONG


def experiment_for(principal: Principal, project: Project, experiment_id: UUID) -> Experiment:
    """Return an experiment of a project, with its dataset and both versions.

    Raises:
        NotFound: the project has none of this id.
    """
    principal.require("experiment.view")
    with scoping.organization(principal.organization):
        found = _shown(principal).filter(project=project, id=experiment_id).first()
    if found is None:
        raise NotFound(f"There is no experiment {experiment_id}.")
    return found


def experiments_page(
    principal: Principal, project: Project, *, cursor: str = "", limit: int = DEFAULT_LIMIT
) -> Page[tuple[Experiment, Comparison]]:
    """List a project's experiments with what came of them, newest first; at most COMPARED_AT_ONCE, whatever is asked.

    Raises:
        Invalid: the cursor cannot be read.
    """
    principal.require("experiment.view")
    with scoping.organization(principal.organization):
        found = _shown(principal).filter(project=project)
        page = newest_first(found, cursor=cursor, limit=min(limit, COMPARED_AT_ONCE))
    compared = comparisons_of(page.items)
    return Page([(row, compared[row.id]) for row in page.items], page.next_cursor)


def rows_page(
    principal: Principal, experiment: Experiment, *, kind: str = "", after: int = 0, limit: int = DEFAULT_LIMIT
) -> Page[Row]:
    """List the items of an experiment by number, those behind the number `after`.

    Raises:
        Invalid: there is no such kind.
    """
    principal.require("experiment.view")
    rows = [row for row in comparison_of(experiment).of_kind(kind) if row.number > after]
    return Page(rows[:limit], str(rows[limit - 1].number) if len(rows) > limit else "")


def comparison_of(experiment: Experiment) -> Comparison:
    """Compare the arms of an experiment."""
    return comparisons_of([experiment])[experiment.id]


def comparisons_of(experiments: Sequence[Experiment]) -> dict[UUID, Comparison]:
    """Compare the arms of a few experiments of one organization, with one query for all."""
    checkers = {experiment.id: experiment.plan["checker"] for experiment in experiments}
    found: dict[UUID, dict[UUID, dict[str, Any]]] = {experiment.id: {} for experiment in experiments}
    for values in _rows_of(experiments):
        (experiment_id, item_id, number, task, expected, arm, run_id, status, code, answer, *used) = values
        row = found[experiment_id].setdefault(
            item_id, {"item_id": item_id, "number": number, "task": task, "expected": expected}
        )
        checker = checkers[experiment_id]
        grade = grade_of(status, code, lambda: is_right(checker, expected=expected, answer=answer))  # noqa: B023  called at once
        cost, read, written, seconds = used
        row[arm] = Outcome(run_id, status, code, answer, grade, cost, read + written, seconds)
    absent = {arm.value: PURGED for arm in Arm}
    return {
        experiment.id: Comparison(
            items=len(experiment.plan["items"]),
            rows=[Row(**absent | row) for row in found[experiment.id].values()],
            seed=experiment.plan["seed"] or 0,
        )
        for experiment in experiments
    }


def _rows_of(experiments: Sequence[Experiment]) -> Iterable[tuple[Any, ...]]:
    if not experiments:
        return []
    organization_id = experiments[0].organization_id
    with scoping.organization(organization_id):
        rows = ExperimentRun.objects.for_org(organization_id).filter(experiment__in=experiments)
        found = rows.annotate(task=Left("item__task", TASK_SHOWN)).order_by("item__number")
        return list(
            found.values_list(
                "experiment_id", "item_id", "item__number", "task", "item__expected", "arm", "run_id", "run__status",
                "run__error_code", "run__answer", "run__cost_usd", "run__input_tokens", "run__output_tokens",
                "run__seconds",
            )
        )  # fmt: skip


def _shown(principal: Principal) -> QuerySet[Experiment]:
    found = Experiment.objects.for_org(principal.organization)
    return found.select_related("project", "dataset", "baseline__prompt", "candidate__prompt").defer(
        "baseline__text", "candidate__text"
    )
