"""What the table says."""

import uuid
from typing import Any

import pytest

from trajectories.benchmark.outcomes import Outcome, document, rows_of, table
from trajectories.improvement.evaluation import Grade
from trajectories.improvement.statistics import proportion_interval

RUN = uuid.UUID(int=7)


def outcome(grade: Grade = Grade.RIGHT, *, family: str = "code", arm: str = "repl", **fields: Any) -> Outcome:
    values = {"score": float(grade == Grade.RIGHT), "cost_usd": 0.5, "tokens": 10, "seconds": 2.0, "sub_calls": 3}
    return Outcome(family, arm, 0, RUN, "succeeded", "", grade, **values | fields)


def test_rows_sum_up_what_says_something():
    found = [outcome(), outcome(Grade.WRONG, score=0.5, seconds=4.0), outcome(Grade.MISSING, seconds=9.0)]
    (row,) = rows_of(found)
    assert (row.right, row.of, row.missing, row.score) == (1, 2, 1, 0.75)
    assert (row.cost_usd, row.tokens, row.seconds, row.sub_calls) == (1.5, 30, 4.0, 9)
    assert row.interval == pytest.approx((0.0945, 0.9055), abs=1e-4)


def test_one_unknown_price_makes_the_sum_unknown():
    assert rows_of([outcome(), outcome(cost_usd=None)])[0].cost_usd is None


def test_rows_stand_by_family_as_they_came_then_by_arm():
    found = [outcome(family="s-niah", arm="rlm1"), outcome(), outcome(family="s-niah", arm="direct")]
    assert [(row.family, row.arm) for row in rows_of(found)] == [
        ("s-niah", "direct"),
        ("s-niah", "rlm1"),
        ("code", "repl"),
    ]


def test_table_says_what_is_unknown_and_missing():
    lines = table([outcome(cost_usd=None), outcome(Grade.MISSING, arm="rlm1")]).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["code", "repl", "1/1", "21%-100%", "1.00", "-", "unknown", "10", "2.0", "3"],
        ["code", "rlm1", "0/0", "-", "-", "1", "0.5000", "10", "2.0", "3"],
    ]
    assert len({len(line) for line in lines}) == 1


def test_document_holds_runs_and_rows():
    found = document([outcome(), outcome(arm="direct")], seed=4)
    assert (found["seed"], found["runs"][0]["run_id"], found["rows"][1]["right"]) == (4, str(RUN), 1)


@pytest.mark.parametrize(
    ("right", "of", "interval"),
    [
        (0, 0, (0.0, 1.0)),
        (0, 10, (0.0, 0.2775)),
        (10, 10, (0.7225, 1.0)),
        (81, 263, (0.2553, 0.3662)),  # Newcombe 1998, Statistics in Medicine 17, table I
        (15, 148, (0.0624, 0.1605)),  # likewise
    ],
)
def test_interval_of_a_share_is_wilsons(right: int, of: int, interval: tuple[float, float]):
    assert proportion_interval(right, of) == pytest.approx(interval, abs=1e-4)
