"""The figures of comparisons as people read them."""

from typing import Any

import pytest

from rlmlab.console.templatetags import experiments


@pytest.mark.parametrize(("value", "text"), [("a", "a"), (1.5, "1.5"), ({"ü": None}, '{"ü": null}'), (None, "null")])
def test_answer(value: Any, text: str) -> None:
    assert experiments.answer(value) == text


@pytest.mark.parametrize(("value", "whole", "text"), [(17, 20, "85 %"), (0, 3, "0 %"), (0, 0, "\N{EN DASH}")])
def test_portion(value: int, whole: int, text: str) -> None:
    assert experiments.portion(value, whole) == text


@pytest.mark.parametrize(("value", "text"), [(0.35, "+35 points"), (-0.1, "\N{MINUS SIGN}10 points"), (0, "+0 points")])
def test_points(value: float, text: str) -> None:
    assert experiments.points(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "100 % of the time"),
        (0.5, "50 % of the time"),
        (0.05, "once in 20 times"),
        (0.0005, "once in 2,000 times"),
        (1e-9, "hardly ever"),
        (0.0, "hardly ever"),
    ],
)
def test_chance(value: float, text: str) -> None:
    assert experiments.chance(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1.0000"), (0.00092, "0.0009"), (0.0001, "0.0001"), (9.5e-7, "< 0.0001")]
)
def test_p_value(value: float, text: str) -> None:
    assert experiments.p_value(value) == text
