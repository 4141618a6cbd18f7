"""How answers are scored."""

from typing import Any

import pytest

from trajectories.benchmark.scoring import checker_of, f1, score
from trajectories.benchmark.tasks.base import Task
from trajectories.benchmark.tasks.families import FAMILIES, make_task


def task(check: Any, gold: Any, item: str = "") -> Task:
    return Task("code", 0, "?", gold, check, {}, lambda: iter([""]), item)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (["u001 u002", "u001 u003"], 1.0),
        ([["u001", "u002"], ["u001", "u003"]], 1.0),
        ("They are (u001, u003) and (u001, u002).", 1.0),
        (["u001 u002"], 2 / 3),
        (["u001 u002", "u001 u003", "u002 u003"], 4 / 5),
        (["u002 u003"], 0.0),
        ("none", 0.0),
        (None, 0.0),
    ],
)
def test_sets_are_scored_by_f1_in_any_form(answer: Any, expected: float):
    assert score(task("f1", ["u001 u002", "u001 u003"], r"u\d{3}\W+u\d{3}"), answer) == pytest.approx(expected)


def test_empty_sets_agree():
    assert f1(set(), set()) == 1.0
    assert f1(set(), {"a"}) == 0.0


@pytest.mark.parametrize(
    ("check", "gold", "answer", "expected"),
    [
        ("number", 12, "It is 12.", 1.0),
        ("number", 12, 13, 0.0),
        ("exact", "May", " may. ", 1.0),
        ("exact", "May", "June", 0.0),
        ("exact", "May", None, 0.0),
    ],
)
def test_other_answers_are_right_or_wrong_as_datasets_compare(check: Any, gold: Any, answer: Any, expected: float):
    assert score(task(check, gold), answer) == expected


def test_gold_is_right_by_its_own_checker():
    for family in FAMILIES:
        made = make_task(family, number=0, size=5_000, seed=1)
        assert score(made, made.gold) == 1.0
        assert checker_of(made) in {"exact", "number", "json"}
