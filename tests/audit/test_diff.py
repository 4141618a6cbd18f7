"""Changes as people compare them."""

import pytest

from rlmlab.audit.diff import MOST_LINES, as_text, changes_of


def signs(before: object, after: object) -> list[str]:
    (change,) = changes_of({"field": {"from": before, "to": after}})
    return [f"{line.sign}{line.text}" for line in change.lines]


def test_fields_are_sorted_and_have_before_and_after() -> None:
    changes = {"z": 1, "role": {"from": "viewer", "to": "owner"}, "cap": {"from": None, "to": 5}, "d": {"to": 1}}
    assert [(change.field, change.before, change.after) for change in changes_of(changes)] == [
        ("cap", "", "5"),
        ("d", "", '{\n  "to": 1\n}'),
        ("role", "viewer", "owner"),
        ("z", "", "1"),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("a\nb", "a\nb"),
        (True, "true"),
        (0.5, "0.5"),
        ([], "[]"),
        ({"b": 1, "a": ["é"]}, '{\n  "a": [\n    "é"\n  ],\n  "b": 1\n}'),
    ],
)
def test_values_as_text(value: object, text: str) -> None:
    assert as_text(value) == text


def test_short_values_are_taken_away_and_added() -> None:
    assert signs("viewer", "owner") == ["-viewer", "+owner"]
    assert signs(None, 5) == ["+5"]
    assert signs("gone", None) == ["-gone"]
    assert signs(None, "") == []


def test_lines_around_a_change_are_kept_and_the_rest_left_out() -> None:
    before = [f"line {number}" for number in range(12)]
    after = [*before[:5], "new", *before[6:]]
    assert signs("\n".join(before), "\n".join(after)) == [
        "…", " line 3", " line 4", "-line 5", "+new", " line 6", " line 7", "…",
    ]  # fmt: skip


def test_nested_values_are_compared_line_by_line() -> None:
    assert signs({"a": 1, "b": 2}, {"a": 1, "b": 3}) == [" {", '   "a": 1,', '-  "b": 2', '+  "b": 3', " }"]


def test_what_was_only_set_has_no_signs() -> None:
    (change,) = changes_of({"text": "one\ntwo"})
    assert [(line.sign, line.text) for line in change.lines] == [(" ", "one"), (" ", "two")]


def test_more_lines_than_anybody_reads_are_cut_and_that_is_said() -> None:
    (change,) = changes_of({"text": "\n".join("x" * (MOST_LINES + 7))})
    assert len(change.lines) == MOST_LINES + 1
    assert change.lines[-1].text == "(7 more lines are not shown)"


def test_equal_texts_show_nothing() -> None:
    assert signs("same\ntext", "same\ntext") == []
