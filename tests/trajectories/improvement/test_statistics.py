"""The paired comparison's figures against what counting every case gives."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trajectories.improvement.statistics import (
    LEAST_DISCORDANT,
    MOST_PAIRS,
    Verdict,
    difference_interval,
    p_value,
    pairs_needed,
    verdict_of,
)


def counted(wins: int, losses: int) -> Fraction:
    discordant = wins + losses
    return Fraction(sum(comb(discordant, k) for k in range(wins, discordant + 1)), 2**discordant)


@pytest.mark.parametrize(
    ("wins", "losses", "p"), [(0, 0, 1.0), (5, 0, 1 / 32), (18, 0, 1 / 2**18), (0, 4, 1.0), (3, 3, 42 / 64)]
)
def test_p_of_small_tables(wins: int, losses: int, p: float) -> None:
    assert p_value(wins, losses) == p


@given(st.integers(0, 60), st.integers(0, 60))
def test_p_is_exact(wins: int, losses: int) -> None:
    assert p_value(wins, losses) == float(counted(wins, losses))


def test_p_of_ten_thousand_pairs_does_not_overflow() -> None:
    assert p_value(5_100, 4_900) == pytest.approx(0.0232927, rel=1e-5)
    assert p_value(10_000, 0) == 0.0
    assert p_value(0, 10_000) == 1.0


@pytest.mark.parametrize(
    ("pairs", "wins", "losses", "verdict"),
    [
        (19, 19, 0, Verdict.INSUFFICIENT),
        (20, 5, 0, Verdict.INSUFFICIENT),
        (20, 6, 0, Verdict.BETTER),
        (20, 0, 6, Verdict.WORSE),
        (200, 7, 1, Verdict.BETTER),
        (200, 6, 1, Verdict.NO_DIFFERENCE),
        (200, 10, 10, Verdict.NO_DIFFERENCE),
        (0, 0, 0, Verdict.INSUFFICIENT),
    ],
)
def test_verdict(pairs: int, wins: int, losses: int, verdict: Verdict) -> None:
    assert verdict_of(pairs=pairs, wins=wins, losses=losses) == verdict


def power(pairs: int, win: Fraction, loss: Fraction) -> float:
    """Sum the chance of every table of `pairs` that would be called better; in whole fractions."""
    same = 1 - win - loss
    total = Fraction(0)
    for wins in range(pairs + 1):
        for losses in range(pairs + 1 - wins):
            if wins + losses >= LEAST_DISCORDANT and 20 * counted(wins, losses) <= 1:
                ways = comb(pairs, wins) * comb(pairs - wins, losses)
                total += ways * win**wins * loss**losses * same ** (pairs - wins - losses)
    return float(total)


@pytest.mark.parametrize(("pairs", "wins", "losses"), [(20, 6, 0), (20, 9, 1), (10, 5, 0), (20, 12, 3), (8, 8, 0)])
def test_pairs_needed_is_what_trying_every_number_finds(pairs: int, wins: int, losses: int) -> None:
    win, loss = Fraction(wins, pairs), Fraction(losses, pairs)
    smallest = next(n for n in range(20, 100) if power(n, win, loss) >= 0.8)
    assert pairs_needed(pairs=pairs, wins=wins, losses=losses) == smallest


def test_pairs_needed_of_a_small_advantage() -> None:
    """The normal approximation says 67 and 617; the exact test needs more."""
    assert pairs_needed(pairs=40, wins=8, losses=2) == 74
    assert pairs_needed(pairs=100, wins=6, losses=3) == 664


@pytest.mark.parametrize(("pairs", "wins", "losses"), [(30, 0, 0), (30, 4, 4), (30, 2, 5), (200, 12, 10), (0, 0, 0)])
def test_pairs_needed_says_nothing_where_the_rates_promise_nothing(pairs: int, wins: int, losses: int) -> None:
    assert pairs_needed(pairs=pairs, wins=wins, losses=losses) is None


@settings(deadline=None)  # the first call computes the table of critical values
@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 200))
def test_pairs_needed_stays_within_its_bounds(wins: int, losses: int, same: int) -> None:
    found = pairs_needed(pairs=wins + losses + same, wins=wins, losses=losses)
    assert found is None or 20 <= found <= MOST_PAIRS


def test_interval_is_the_same_every_time_and_holds_the_difference() -> None:
    low, high = difference_interval(pairs=200, wins=30, losses=12, seed=7)
    assert (low, high) == difference_interval(pairs=200, wins=30, losses=12, seed=7)
    assert low < (30 - 12) / 200 < high
    # the normal approximation of the same interval
    assert (low, high) == pytest.approx((0.09 - 0.0625, 0.09 + 0.0625), abs=0.01)


def test_interval_of_equal_or_no_pairs_is_a_point() -> None:
    assert difference_interval(pairs=50, wins=0, losses=0) == (0.0, 0.0)
    assert difference_interval(pairs=0, wins=0, losses=0) == (0.0, 0.0)
    assert difference_interval(pairs=5, wins=5, losses=0) == (1.0, 1.0)
