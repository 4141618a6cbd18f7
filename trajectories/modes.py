"""Chooses how a run works that leaves it to us: by the size of its input, and by how this project's runs went before.

The rule, in order:

1. One plain call is possible where the input fits the model's window beside the answer, and nothing was asked for that
   needs a REPL. Up to 2^14 tokens it is the usual choice, above it the whole tree: up to there a plain call answers at
   least as well, beyond it the recursive model does (Zhang, Kraska, Khattab, arXiv 2512.24601, section 3).
2. Another mode takes the usual one's place where this project's runs of the same model over inputs of similar size
   show that it is better: the lower end of its 95 % interval lies above the upper end of the usual one's.
3. Or where they show that it is as good and costs at most half: with twenty judged runs each, the lower end lies at
   most a tenth below the usual one's share. The margin is that of a test of non-inferiority.

The intervals are Wilson's (1927, JASA 22), which hold for few runs and for shares near 0 and 1: three runs decide
nothing. Judged runs are not drawn at random, so that this is a rule of thumb with a record, and no experiment.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

ChosenMode = Literal["direct", "repl", "rlm"]
SMALL_TOKENS: Final = 1 << 14
LEAST_JUDGED: Final = 20
MARGIN: Final = 0.1
CHEAP: Final = 0.5
_Z: Final = 1.96  # standard normal quantile of a two-sided 95 % interval


@dataclass(frozen=True, slots=True)
class Record:
    """How runs in one mode went: how many were judged, how many of them good, what those with a price cost together."""

    judged: int = 0
    good: int = 0
    priced: int = 0
    cost_usd: float = 0.0

    @property
    def share(self) -> float:
        """The share of good ones; 0 where none was judged."""
        return self.good / self.judged if self.judged else 0.0

    @property
    def mean_cost_usd(self) -> float | None:
        """What one cost; None where no price is known."""
        return self.cost_usd / self.priced if self.priced else None

    def with_run(self, *, good: bool, cost_usd: float | None) -> "Record":
        """Return the record with one judged run more."""
        priced = cost_usd is not None
        return Record(self.judged + 1, self.good + good, self.priced + priced, self.cost_usd + (cost_usd or 0.0))

    def interval(self) -> tuple[float, float]:
        """Return Wilson's 95 % interval of the share; everything is possible where none was judged."""
        if not self.judged:
            return 0.0, 1.0
        n, share, z2 = self.judged, self.share, _Z * _Z
        centre = share + z2 / (2 * n)
        spread = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
        scale = 1 + z2 / n
        return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)

    def __str__(self) -> str:
        low, high = self.interval()
        cost = self.mean_cost_usd
        price = "" if cost is None else f", ${cost:.4f} each"
        return f"{self.good} of {self.judged} good ({low:.0%} to {high:.0%}){price}"


@dataclass(frozen=True, slots=True)
class Situation:
    """What a choice depends on: an upper bound of the input's tokens, the room for them (None: not known), the past.

    `needs_repl`: something was asked for that only a REPL has, such as memory.
    """

    tokens: int
    room: int | None
    needs_repl: bool = False
    records: Mapping[str, Record] | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The mode, and why, in words."""

    mode: ChosenMode
    reason: str


def choose(situation: Situation) -> Choice:
    """Choose by the rule at the head of this module."""
    usual = _usual(situation)
    records = situation.records or {}
    own = records.get(usual.mode, Record())
    others = [mode for mode in _possible(situation) if mode != usual.mode]
    better = [mode for mode in others if records.get(mode, Record()).interval()[0] > own.interval()[1]]
    if better:
        best = max(better, key=lambda mode: records[mode].interval()[0])
        return Choice(best, f"it went better here: {records[best]}, against {own} in the mode {usual.mode}")
    cheaper = [mode for mode in others if _as_good_and_cheaper(records.get(mode, Record()), own)]
    if cheaper:
        best = min(cheaper, key=lambda mode: records[mode].mean_cost_usd or 0.0)
        return Choice(best, f"it is as good and cheaper here: {records[best]}, against {own} in the mode {usual.mode}")
    if own.judged or any(records.get(mode, Record()).judged for mode in others):
        return Choice(usual.mode, f"{usual.reason}; the judged runs of this project show no other mode to be better")
    return usual


def _possible(situation: Situation) -> tuple[ChosenMode, ...]:
    """Name the modes that the run can work in."""
    return ("direct", "repl", "rlm") if _fits(situation) else ("repl", "rlm")


def _fits(situation: Situation) -> bool:
    room = SMALL_TOKENS if situation.room is None else situation.room
    return not situation.needs_repl and situation.tokens <= room


def _usual(situation: Situation) -> Choice:
    """Choose by size alone."""
    size = f"the input has at most {situation.tokens:,} tokens"
    if situation.needs_repl:
        return Choice("rlm", "what was asked for needs a REPL")
    if not _fits(situation):
        return Choice("rlm", f"{size}, more than the model's window takes")
    if situation.tokens <= SMALL_TOKENS:
        return Choice("direct", f"{size}, few enough for one plain call")
    return Choice("rlm", f"{size}, too many for a plain call to find what matters in all of them")


def _as_good_and_cheaper(other: Record, own: Record) -> bool:
    if min(other.judged, own.judged) < LEAST_JUDGED or other.mean_cost_usd is None or own.mean_cost_usd is None:
        return False
    return other.interval()[0] >= own.share - MARGIN and other.mean_cost_usd <= own.mean_cost_usd * CHEAP
