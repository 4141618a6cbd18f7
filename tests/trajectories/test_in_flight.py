"""Text in flight as it stands."""

import pytest

from trajectories.in_flight import TextsInFlight


def filled(*pieces: tuple[int, str]) -> TextsInFlight:
    texts = TextsInFlight()
    for offset, piece in pieces:
        texts.add("a", offset, piece)
    return texts


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([(0, "one"), (3, " two")], (0, "one two")),
        ([(0, "one"), (0, "again")], (0, "again")),
        ([(0, "one"), (0, "")], (0, "")),
        ([(0, "one"), (9, "nine")], (9, "nine")),
        ([(5, "five"), (9, "nine")], (5, "fivenine")),
        ([(0, "one"), (1, "ne"), (3, "!")], (0, "one!")),
        ([(0, "\U0001f989"), (1, "owl")], (0, "\U0001f989owl")),
    ],
)
def test_pieces_become_a_text(pieces: list[tuple[int, str]], found: tuple[int, str]) -> None:
    assert list(filled(*pieces)) == [("a", *found)]


def test_a_text_goes_on_after_it_was_read() -> None:
    texts = filled((0, "one"))
    assert list(texts) == list(texts) == [("a", 0, "one")]
    texts.add("a", 3, " two")
    assert list(texts) == [("a", 0, "one two")]


def test_texts_of_spans_stand_apart_until_they_are_dropped() -> None:
    texts = filled((0, "one"))
    texts.add("b", 0, "two")
    assert list(texts) == [("a", 0, "one"), ("b", 0, "two")]
    texts.drop("a")
    texts.drop("never there")
    assert list(texts) == [("b", 0, "two")]
    assert texts
    texts.drop("b")
    assert not texts


@pytest.mark.parametrize(
    ("texts", "whole", "lacks"),
    [
        (TextsInFlight(), "one", True),
        (filled((2, "e")), "one", True),
        (filled((0, "on")), "one", True),
        (filled((0, "one")), "one", False),
        (filled((0, "one two")), "one", False),
    ],
)
def test_what_a_whole_text_says_more(texts: TextsInFlight, whole: str, lacks: bool) -> None:
    assert texts.lacks("a", whole) is lacks
