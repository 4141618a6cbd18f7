"""How `auto` chooses: by size, and by what was measured."""

import pytest

from trajectories.modes import Choice, Record, Situation, choose

WIDE = 100_000


def record(judged: int, good: int, cost_usd: float = 0.1) -> Record:
    return Record(judged, good, judged, judged * cost_usd)


@pytest.mark.parametrize(
    ("tokens", "room", "needs_repl", "mode", "words"),
    [
        (0, WIDE, False, "direct", "at most 0 tokens, few enough"),
        (16_384, WIDE, False, "direct", "16,384 tokens, few enough"),
        (16_385, WIDE, False, "rlm", "too many for a plain call"),
        (200_000, WIDE, False, "rlm", "more than the model's window"),
        (5_000, 4_000, False, "rlm", "more than the model's window"),
        (5_000, None, False, "direct", "few enough"),
        (20_000, None, False, "rlm", "more than the model's window"),
        (100, WIDE, True, "rlm", "needs a REPL"),
    ],
)
def test_size_chooses_where_nothing_was_measured(
    tokens: int, room: int | None, needs_repl: bool, mode: str, words: str
) -> None:
    choice = choose(Situation(tokens, room, needs_repl=needs_repl))
    assert choice.mode == mode
    assert words in choice.reason


def test_three_good_runs_decide_nothing() -> None:
    choice = choose(Situation(100, WIDE, records={"rlm": record(3, 3), "direct": record(3, 1)}))
    assert choice.mode == "direct"
    assert choice.reason.endswith("the judged runs of this project show no other mode to be better")


def test_mode_that_is_better_beyond_chance_is_taken() -> None:
    choice = choose(Situation(100, WIDE, records={"rlm": record(30, 29), "direct": record(30, 12)}))
    assert choice == Choice(
        "rlm",
        "it went better here: 29 of 30 good (83% to 99%), $0.1000 each, "
        "against 12 of 30 good (25% to 58%), $0.1000 each in the mode direct",
    )


def test_best_of_several_better_modes_is_taken() -> None:
    records = {"direct": record(50, 5), "repl": record(50, 30), "rlm": record(50, 45)}
    assert choose(Situation(100, WIDE, records=records)).mode == "rlm"


def test_mode_never_tried_is_no_reason_to_leave_the_usual_one() -> None:
    assert choose(Situation(100, WIDE, records={"direct": record(40, 2)})).mode == "direct"
    assert choose(Situation(100, WIDE, records={"repl": record(40, 39)})).mode == "direct"


def test_mode_as_good_at_half_the_cost_is_taken() -> None:
    records = {"rlm": record(40, 36, 0.2), "repl": record(200, 184, 0.1)}
    choice = choose(Situation(50_000, WIDE, records=records))
    assert choice.mode == "repl"
    assert choice.reason.startswith("it is as good and cheaper here: 184 of 200 good")


@pytest.mark.parametrize(
    "other",
    [
        record(200, 184, 0.11),  # not cheap enough
        record(19, 19, 0.01),  # too few
        record(200, 160, 0.01),  # not as good
        Record(200, 184, 0, 0.0),  # no price
    ],
)
def test_cheaper_mode_must_be_shown_to_be_as_good(other: Record) -> None:
    assert choose(Situation(50_000, WIDE, records={"rlm": record(40, 36, 0.2), "repl": other})).mode == "rlm"


def test_mode_that_cannot_take_the_input_is_never_chosen() -> None:
    records = {"direct": record(50, 50), "rlm": record(50, 5), "repl": record(50, 4)}
    assert choose(Situation(200_000, WIDE, records=records)).mode == "rlm"
    assert choose(Situation(100, WIDE, needs_repl=True, records=records)).mode == "rlm"


@pytest.mark.parametrize(
    ("judged", "good", "low", "high"),
    [(0, 0, 0.0, 1.0), (3, 3, 0.4385, 1.0), (10, 0, 0.0, 0.2775), (100, 80, 0.7112, 0.8666)],
)
def test_interval_is_wilsons(judged: int, good: int, low: float, high: float) -> None:
    found = record(judged, good).interval()
    assert found == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_record_counts_runs_with_and_without_a_price() -> None:
    found = Record().with_run(good=True, cost_usd=0.2).with_run(good=False, cost_usd=None)
    assert (found.judged, found.good, found.share, found.mean_cost_usd) == (2, 1, 0.5, 0.2)
    assert str(Record().with_run(good=False, cost_usd=None)) == "0 of 1 good (0% to 79%)"
