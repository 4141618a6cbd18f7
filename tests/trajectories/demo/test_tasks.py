"""The demo's questions, their plain-code answers and how an answer is judged."""

import pytest

from rlmlab.engine.prompts import compact
from rlmlab.engine.providers.catalog import EMBEDDED_CONTEXT_WINDOW
from trajectories.demo import source
from trajectories.demo.source import SourceMissing, demo_text
from trajectories.demo.tasks import DEMO_TASK, TASKS, count_of, normalise, value_of

TEXT = "SMTP_PORT = 25  # the port\nNAME = 'x'\nsmtp smtplib SMTP_PORT\n"


def test_text_is_much_longer_than_the_local_models_window():
    assert len(demo_text()) > 30 * EMBEDDED_CONTEXT_WINDOW
    assert "class ArgumentParser(" in demo_text()


def test_missing_source_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(source, "MODULES", ("no_such_module.py",))
    with pytest.raises(SourceMissing, match=r"no_such_module\.py"):
        source.demo_text.__wrapped__()


def test_there_are_twenty_different_tasks_with_answers():
    assert len({task.key for task in TASKS}) == len(TASKS) == 20
    for task in TASKS:
        assert normalise(task.expected(demo_text())) not in {"", "0"}
    assert DEMO_TASK in TASKS


def test_demo_task_asks_for_the_port_of_smtp():
    assert DEMO_TASK.question == "Find the value of SMTP_PORT."
    assert DEMO_TASK.check("25", demo_text()).passed
    assert not DEMO_TASK.check("26", demo_text()).passed


def test_no_example_gives_a_task_away():
    examples = "\n".join(content for _role, content in compact.EXAMPLES)
    for task in TASKS:
        assert task.question not in examples
        assert f'"{normalise(task.expected(demo_text()))}"' not in examples


def test_value_needs_exactly_one_assignment():
    assert value_of("SMTP_PORT").expected(TEXT) == "25  # the port"
    for name in ("NONE", "x"):
        with pytest.raises(ValueError, match=f"{name} is assigned 0 times"):
            value_of(name).expected(TEXT)
    with pytest.raises(ValueError, match="2 times"):
        value_of("A").expected("A = 1\nA = 2\n")


def test_count_counts_inside_words():
    assert count_of("smtp").expected(TEXT) == "2"


@pytest.mark.parametrize("answer", ["25", 25, 25.0, " 25\n", "'25'", "25  # the port"])
def test_same_answer_in_another_form_is_right(answer: object):
    assert value_of("SMTP_PORT").check(answer, TEXT).passed


@pytest.mark.parametrize("answer", ["26", "", None, "SMTP_PORT = 25", "The answer is 25.", "25.5", [25], "…"])
def test_other_answer_is_wrong(answer: object):
    verdict = value_of("SMTP_PORT").check(answer, TEXT)
    assert (verdict.passed, verdict.expected) == (False, "25")


def test_verdict_shows_both_sides():
    verdict = value_of("NAME").check("y", TEXT)
    assert (verdict.passed, verdict.expected, verdict.got) == (False, "x", "y")


def test_hopeless_answer_is_compared_as_it_is():
    assert normalise("(" * 10_000) == "(" * 10_000
    assert normalise("...") == "..."
