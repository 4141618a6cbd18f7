"""What a paired comparison of two arms shows: exact, pure, and the same every time.

A pair is one item that both arms answered. A win is a pair that only the candidate got right, a loss one that only the
baseline got right; the others say nothing about a difference.
"""

import math
import random
from enum import StrEnum
from functools import cache
from typing import Final

ALPHA: Final = 0.05
POWER: Final = 0.8
LEAST_PAIRS: Final = 20
LEAST_DISCORDANT: Final = 6
MOST_PAIRS: Final = 2_000
RESAMPLES: Final = 2_000
_INVERSE_ALPHA: Final = 20
# standard normal quantiles at 1 - ALPHA, at POWER and at 1 - ALPHA / 2
_Z_ALPHA: Final = 1.645
_Z_POWER: Final = 0.842
_Z_BOTH_SIDES: Final = 1.96


class Verdict(StrEnum):
    """What may be said of the candidate."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference shown"
    INSUFFICIENT = "insufficient"


def p_value(wins: int, losses: int) -> float:
    """Return the exact one-sided McNemar p: how often chance alone gives at least so many wins.

    Σ_{k≥W} C(W+L, k) / 2^{W+L}, in whole numbers up to the last division (McNemar 1947, Psychometrika 12).
    """
    discordant = wins + losses
    term = total = math.comb(discordant, wins)
    for k in range(wins, discordant):
        term = term * (discordant - k) // (k + 1)
        total += term
    return total / (1 << discordant)


def verdict_of(*, pairs: int, wins: int, losses: int) -> Verdict:
    """Say which arm is better where chance explains the difference in at most one case of twenty."""
    if pairs < LEAST_PAIRS or wins + losses < LEAST_DISCORDANT:
        return Verdict.INSUFFICIENT
    if p_value(wins, losses) <= ALPHA:
        return Verdict.BETTER
    return Verdict.WORSE if p_value(losses, wins) <= ALPHA else Verdict.NO_DIFFERENCE


@cache
def pairs_needed(*, pairs: int, wins: int, losses: int) -> int | None:
    """Return the smallest number of pairs that would show the candidate better with a power of 80 %.

    It takes the rates of wins and losses that were seen for the true ones. None where they promise nothing: no more
    wins than losses, or more than MOST_PAIRS are needed.
    """
    if wins <= losses:
        return None
    discordance, advantage = (wins + losses) / pairs, (wins - losses) / pairs
    spread = math.sqrt(max(0.0, discordance - advantage**2))
    guess = ((_Z_ALPHA * math.sqrt(discordance) + _Z_POWER * spread) / advantage) ** 2
    # the exact test needs more than the normal approximation; half of that is below any answer
    start = max(LEAST_PAIRS, int(guess / 2))
    if start > MOST_PAIRS:
        return None
    tails = _tails(wins / (wins + losses))
    found = (n for n in range(start, MOST_PAIRS + 1) if _power(n, discordance, tails) >= POWER)
    return next(found, None)


def difference_interval(*, pairs: int, wins: int, losses: int, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the difference in the share of right answers, by a paired bootstrap.

    Pairs are drawn anew RESAMPLES times with a seed of their own, so that the same result has the same interval.
    """
    if pairs == 0:
        return (0.0, 0.0)
    return _interval(pairs, wins, losses, seed)


def proportion_interval(right: int, of: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share, which keeps within 0 and 1 and holds for few cases too.

    (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) (Wilson 1927, JASA 22). Nothing is known of no cases.
    """
    if of == 0:
        return (0.0, 1.0)
    share, extra = right / of, _Z_BOTH_SIDES**2 / of
    middle = share + extra / 2
    half = _Z_BOTH_SIDES * math.sqrt(share * (1 - share) / of + extra / (4 * of))
    return (max(0.0, (middle - half) / (1 + extra)), min(1.0, (middle + half) / (1 + extra)))


@cache
def _interval(pairs: int, wins: int, losses: int, seed: int) -> tuple[float, float]:
    chance = random.Random(seed)  # noqa: S311  a simulation, no secret
    weights = (wins, losses, pairs - wins - losses)
    means = sorted(sum(chance.choices((1, -1, 0), weights, k=pairs)) / pairs for _ in range(RESAMPLES))
    edge = RESAMPLES // 40
    return (means[edge], means[-edge - 1])


@cache
def _critical_wins() -> tuple[int, ...]:
    """List, for each number of discordant pairs, the fewest wins whose p is at most ALPHA.

    With T(d, c) = Σ_{k≥c} C(d, k): T(d+1, c) = 2·T(d, c) + C(d, c-1), and the fewest wins of d+1 are those of d or one
    more.
    """
    critical, tail, found = 1, 0, [1]
    for discordant in range(MOST_PAIRS):
        tail = 2 * tail + math.comb(discordant, critical - 1)
        while tail * _INVERSE_ALPHA > 1 << (discordant + 1):
            tail -= math.comb(discordant + 1, critical)
            critical += 1
        found.append(critical)
    return tuple(found)


def _tails(share: float) -> list[float]:
    """List, for each number of discordant pairs, how probably their wins suffice, each a win with chance `share`.

    With P(d, c) the chance of at least c wins of d: P(d+1, c) = P(d, c) + share · B(d, c-1).
    """
    critical, tail, found = 1, 0.0, [0.0]
    for discordant, needed in enumerate(_critical_wins()[1:]):
        tail += share * _binomial(discordant, critical - 1, share)
        if needed > critical:
            tail -= _binomial(discordant + 1, critical, share)
            critical = needed
        found.append(tail if discordant + 1 >= LEAST_DISCORDANT else 0.0)
    return found


def _power(pairs: int, discordance: float, tails: list[float]) -> float:
    """Sum over the numbers of discordant pairs: how probable each is, times how probably its wins suffice."""
    middle, width = pairs * discordance, 8 * math.sqrt(pairs * discordance) + 8
    window = range(max(0, int(middle - width)), min(pairs, int(middle + width)) + 1)
    return sum(_binomial(pairs, d, discordance) * tails[d] for d in window)


def _binomial(trials: int, successes: int, chance: float) -> float:
    if successes > trials or chance >= 1:
        return float(successes == trials)
    logarithm = math.lgamma(trials + 1) - math.lgamma(successes + 1) - math.lgamma(trials - successes + 1)
    return math.exp(logarithm + successes * math.log(chance) + (trials - successes) * math.log1p(-chance))
