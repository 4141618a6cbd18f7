"""The checkers: what counts as the expected answer."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trajectories.improvement.checking import is_right, number_in, problem_of
from trajectories.models.datasets import Checker

# what RFC 8259 calls a JSON value, with numbers that survive a trip through text
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("checker", Checker.values)
def test_no_answer_is_wrong(checker: str) -> None:
    assert not is_right(checker, expected="1", answer=None)


@pytest.mark.parametrize(
    ("expected", "answer", "right"),
    [
        ("Paris", "paris", True),
        ("Paris", '  "Paris." ', True),
        ("New York", "new\n  york", True),
        ("Straße", "STRASSE", True),
        ("Paris", "Paris, France", False),
        ("Paris", "", False),
        ("?", "?", True),
        ("?", "!", False),
        ("don't", "dont", False),
        (42, "42", True),
        (42, "42.0", False),
        (True, "true", True),
        (["a", "b"], '["a", "b"]', True),
    ],
)
def test_exact_folds_case_space_and_what_stands_around(expected: Any, answer: Any, right: bool) -> None:
    assert is_right("exact", expected=expected, answer=answer) is right


@given(st.text())
def test_exact_takes_its_own_text(text: str) -> None:
    assert is_right("exact", expected=text, answer=text)


@given(st.text().filter(lambda text: any(character.isalnum() for character in text)))
def test_exact_takes_its_own_text_in_quotes(text: str) -> None:
    assert is_right("exact", expected=text, answer=f'  "{text}".\n')


@pytest.mark.parametrize(
    ("expected", "answer", "right"),
    [
        ("blue whale", "It is the  Blue\nWhale.", True),
        ("blue whale", "a blue, whale", False),
        ("7", {"count": 17}, True),
        ("blue whale", "", False),
    ],
)
def test_contains_folds_case_and_space(expected: Any, answer: Any, right: bool) -> None:
    assert is_right("contains", expected=expected, answer=answer) is right


@given(st.text(), st.text(min_size=1).filter(str.strip), st.text())
def test_contains_finds_a_text_wherever_it_stands(before: str, text: str, after: str) -> None:
    assert is_right("contains", expected=text, answer=f"{before} {text} {after}")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", 42.0),
        ("The answer is 42.", 42.0),
        ("1,234,567.5 dollars", 1234567.5),
        ("1'234", 1234.0),
        ("1\u202f234\u00a0567", 1234567.0),
        ("1_000", 1000.0),
        ("1,2345", 2345.0),
        ("-3", -3.0),
        ("\u22123.5", -3.5),
        ("10-20", 20.0),
        ("a - 5", 5.0),
        (".5", 0.5),
        ("6.02e23 atoms", 6.02e23),
        ("$3.50", 3.5),
        ("**42**", 42.0),
        ("_42_", 42.0),
        ("In 2024 there were 61", 61.0),
        ("1e999", None),
        ("12 and 1e999", 12.0),
        ("x42", None),
        ("none at all", None),
        ("", None),
        ("-", None),
        (7, 7.0),
        ({"a": 3}, 3.0),
    ],
)
def test_number_in_text(text: Any, number: float | None) -> None:
    assert number_in(text) == number


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_number_is_found_as_people_write_it(number: float) -> None:
    assert math.isclose(number_in(f"about {number:,.6f} of them") or 0.0, round(number, 6), rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("expected", "answer", "right"),
    [
        (1000000, "1,000,000.5", True),
        (1000000, "1,000,002", False),
        ("0", "0.0", True),
        ("0", "0.0000001", False),
        (5, "-5", False),
        (5, "five", False),
    ],
)
def test_number_has_a_relative_tolerance(expected: Any, answer: Any, right: bool) -> None:
    assert is_right("number", expected=expected, answer=answer) is right


@pytest.mark.parametrize(
    ("expected", "answer", "right"),
    [
        ({"a": 1, "b": [2]}, '{"b": [2.0], "a": 1.0}', True),
        ('{"a": 1}', {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ([1, 2], [2, 1], False),
        ([1, 2], [1, 2, 3], False),
        (1, True, False),
        ([False], [0], False),
        (0, None, False),
        ("plain", "plain", True),
        ("plain", '"plain"', True),
        ({"a": 1}, [1], False),
        (1, "NaN", False),
        ([], {}, False),
    ],
)
def test_json_compares_values(expected: Any, answer: Any, right: bool) -> None:
    assert is_right("json", expected=expected, answer=answer) is right


@given(JSON.filter(lambda value: value is not None))
def test_json_takes_its_own_value_as_text(value: Any) -> None:
    assert is_right("json", expected=[value], answer=json.dumps([value]))
    assert not is_right("json", expected=[value], answer=[value, value])


def test_json_that_is_nested_too_deeply_is_plain_text() -> None:
    deep = "[" * 100_000
    assert not is_right("json", expected=[1], answer=deep)
    assert is_right("json", expected=deep, answer=deep)


@pytest.mark.parametrize(
    ("checker", "expected", "problem"),
    [
        ("exact", "Paris", ""),
        ("exact", " ", "must not be empty"),
        ("contains", "", "must not be empty"),
        ("contains", None, "must not be null"),
        ("number", "about 3", ""),
        ("number", "three", "has no number, which this dataset compares"),
        ("json", "", ""),
        ("json", {"a": 1}, ""),
        ("json", None, "must not be null"),
    ],
)
def test_what_no_answer_could_match_is_refused(checker: str, expected: Any, problem: str) -> None:
    assert problem_of(checker, expected) == problem
