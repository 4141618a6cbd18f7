"""What came of a benchmark's runs, by family and arm."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any
from uuid import UUID

from trajectories.benchmark.tasks.families import FAMILIES
from trajectories.improvement.evaluation import Grade
from trajectories.improvement.statistics import proportion_interval


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that has ended; `run_id` None: none was made, because the arm cannot be given a text of this size.

    `score` is 0 to 1, see `trajectories.benchmark.scoring`; `cost_usd` None: not known.
    """

    family: str
    arm: str
    number: int
    run_id: UUID | None
    status: str
    error_code: str
    grade: Grade
    score: float = 0.0
    cost_usd: float | None = 0.0
    tokens: int = 0
    seconds: float = 0.0
    steps: int = 0
    sub_calls: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A family's runs in one arm.

    `of` counts those that say something: a run that was cancelled, or whose provider failed, is `missing`. The interval
    is Wilson's at 95 %. `cost_usd`, `tokens` and `sub_calls` are sums over all runs; `seconds` is their median.
    """

    family: str
    arm: str
    right: int
    of: int
    missing: int
    interval: tuple[float, float]
    score: float | None
    cost_usd: float | None
    tokens: int
    seconds: float
    sub_calls: int


def rows_of(outcomes: Sequence[Outcome]) -> list[Row]:
    """Sum up, in the order of the families and the arms' names."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.family, outcome.arm), []).append(outcome)
    order = {family: at for at, family in enumerate(FAMILIES)}
    return [_row(*key, groups[key]) for key in sorted(groups, key=lambda key: (order[key[0]], key[1]))]


def document(outcomes: Sequence[Outcome], **about: Any) -> dict[str, Any]:
    """Return everything as JSON."""
    runs = [asdict(outcome) | {"run_id": outcome.run_id and str(outcome.run_id)} for outcome in outcomes]
    return about | {"rows": [asdict(row) for row in rows_of(outcomes)], "runs": runs}


def table(outcomes: Sequence[Outcome]) -> str:
    """Write the rows for people."""
    heads = ("family", "arm", "right", "95 %", "score", "missing", "USD", "tokens", "seconds", "sub-calls")
    lines = [heads, *(_cells(row) for row in rows_of(outcomes))]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    return "\n".join(_aligned(line, widths) for line in lines)


def _row(family: str, arm: str, outcomes: Sequence[Outcome]) -> Row:
    graded = [outcome for outcome in outcomes if outcome.grade != Grade.MISSING]
    right = sum(outcome.grade == Grade.RIGHT for outcome in graded)
    costs = [outcome.cost_usd for outcome in outcomes]
    known = [cost for cost in costs if cost is not None]
    return Row(
        family=family,
        arm=arm,
        right=right,
        of=len(graded),
        missing=len(outcomes) - len(graded),
        interval=proportion_interval(right, len(graded)),
        score=fmean(outcome.score for outcome in graded) if graded else None,
        cost_usd=sum(known) if len(known) == len(costs) else None,
        tokens=sum(outcome.tokens for outcome in outcomes),
        seconds=median(outcome.seconds for outcome in outcomes),
        sub_calls=sum(outcome.sub_calls for outcome in outcomes),
    )


def _cells(row: Row) -> tuple[str, ...]:
    low, high = row.interval
    return (
        row.family,
        row.arm,
        f"{row.right}/{row.of}",
        f"{low:.0%}-{high:.0%}" if row.of else "-",
        "-" if row.score is None else f"{row.score:.2f}",
        str(row.missing) if row.missing else "-",
        "unknown" if row.cost_usd is None else f"{row.cost_usd:.4f}",
        f"{row.tokens:,}",
        f"{row.seconds:.1f}",
        f"{row.sub_calls:,}",
    )


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    """Put words to the left, figures to the right."""
    words, figures = line[:2], line[2:]
    left = [word.ljust(width) for word, width in zip(words, widths[:2], strict=True)]
    right = [figure.rjust(width) for figure, width in zip(figures, widths[2:], strict=True)]
    return "  ".join([*left, *right])
