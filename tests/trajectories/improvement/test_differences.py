"""Differences of texts: every line is accounted for, words are marked, and no text makes it slow."""

import random
import time

import pytest

from trajectories.improvement.differences import Difference, Line, difference


def shown(found: Difference) -> list[str]:
    """Write a difference down as `diff -u` would, with changed words in brackets."""
    sign = {"same": " ", "gone": "-", "new": "+"}
    rows: list[str] = []
    for hunk in found.hunks:
        rows += [f"@{hunk.skipped}"] if hunk.skipped else []
        rows += [sign[line.kind] + words(line) for line in hunk.lines]
    return rows + ([f"@{found.rest}"] if found.rest else [])


def words(line: Line) -> str:
    return "".join(f"[{part.text}]" if part.changed else part.text for part in line.parts)


def test_changed_words_of_a_line_are_marked() -> None:
    found = difference("one\ntwo red cats\nthree", "one\ntwo blue cats\nthree")
    assert shown(found) == [" one", "-two [red ]cats", "+two [blue ]cats", " three"]
    assert (found.added, found.removed) == (1, 1)


def test_lines_with_little_in_common_are_not_marked() -> None:
    assert shown(difference("abc def ghi", "once upon a time")) == ["-abc def ghi", "+once upon a time"]


def test_equal_lines_away_from_changes_are_counted_not_shown() -> None:
    before = "\n".join(str(number) for number in range(20))
    found = difference(before, before.replace("10", "ten"), context=2)
    assert shown(found) == ["@8", " 8", " 9", "-10", "+ten", " 11", " 12", "@7"]
    whole = difference(before, before.replace("10", "ten"), context=None)
    assert (len(shown(whole)), whole.rest) == (21, 0)


def test_changes_close_together_share_a_hunk() -> None:
    before = "\n".join("abcdefghijklmnop")
    found = difference(before, before.replace("c", "C").replace("h", "H").replace("p", "P"))
    assert [(hunk.skipped, len(hunk.rows)) for hunk in found.hunks] == [(0, 11), (1, 4)]


def test_added_and_removed_lines_stand_alone_and_have_their_numbers() -> None:
    found = difference("a\nb\nc", "a\nc\nd")
    assert shown(found) == [" a", "-b", " c", "+d"]
    assert (found.added, found.removed) == (1, 1)
    lines = [(line.before, line.after) for hunk in found.hunks for line in hunk.lines]
    assert lines == [(1, 1), (2, None), (3, 2), (None, 3)]
    sides = [(row.left is None, row.right is None, row.changed) for row in found.hunks[0].rows]
    assert sides == [(False, False, False), (False, True, True), (False, False, False), (True, False, True)]


@pytest.mark.parametrize("context", [3, None])
def test_equal_texts_have_no_changes(context: int | None) -> None:
    found = difference("a\nb", "a\nb", context=context)
    assert (found.added, found.removed) == (0, 0)
    assert shown(found) == ([" a", " b"] if context is None else ["@2"])


def test_last_line_end_is_a_difference() -> None:
    assert shown(difference("a", "a\n")) == [" a", "+"]
    assert shown(difference("a\n", "a\nb")) == [" a", "+b"], "unless something else differs"


def test_every_line_is_there_once_whatever_the_texts() -> None:
    chance = random.Random(7)  # noqa: S311  the same texts each time
    for _ in range(200):
        before = [chance.choice("abcde ") for _ in range(chance.randrange(30))]
        after = [chance.choice("abcde ") for _ in range(chance.randrange(30))]
        lines = [
            line for hunk in difference("\n".join(before), "\n".join(after), context=None).hunks for line in hunk.lines
        ]
        plain = {
            kind: ["".join(part.text for part in line.parts) for line in lines if line.kind != kind]
            for kind in ("new", "gone")
        }
        assert plain == {"new": before or [""], "gone": after or [""]}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\n" * 99_999, "x\n" * 49_999),
        (
            "\n".join(str(number % 997) for number in range(25_000)),
            "\n".join(str(number % 991) for number in range(25_000)),
        ),
        (
            "\n".join(str(number % 40) for number in range(1_500)),
            "\n".join(str(number % 39) for number in range(1_500)),
        ),
        ("a b " * 25_000, "b a " * 25_000),
        ("ab cd ef gh\n" * 1_400, "ab gh ef cd\n" * 1_400),
    ],
    ids=["empty lines", "many lines", "repeated lines", "one line", "alike lines"],
)
def test_no_text_makes_it_slow(before: str, after: str) -> None:
    started = time.process_time()
    found = difference(before, after)
    assert found.added + found.removed > 0
    assert time.process_time() - started < 5
