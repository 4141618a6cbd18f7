"""How a conversation becomes a task and an input."""

import base64
from typing import Any
from uuid import UUID

import pytest

from rlmlab.errors import Invalid
from trajectories.conversations import LONG_CHARACTERS, Passage, Turn, decoded_file, run_request
from trajectories.requests import RunRequest

LONG = "Report of the bees.\n" + "They are busy. " * 400 + "\nHow many are there?"
OTHER = "Report of the wasps. " * 300
FILE = UUID("0198c0de-0000-7000-8000-000000000000")


def said(role: Any, *texts: str) -> Turn:
    return Turn(role, tuple(Passage(text) for text in texts))


def made(*turns: Turn, **given: Any) -> RunRequest:
    return run_request(turns, given=RunRequest(**{"task": ""} | given))


def test_a_short_message_is_the_task_as_it_is() -> None:
    request = made(said("user", "Say hello."), model="openai/x", tags=["a"])
    assert (request.task, request.context, request.model, request.tags) == ("Say hello.", None, "openai/x", ["a"])


def test_a_text_is_long_from_one_character_on() -> None:
    assert made(said("user", "x" * LONG_CHARACTERS)).context is None
    assert made(said("user", "x" * (LONG_CHARACTERS + 1))).context == "x" * (LONG_CHARACTERS + 1)


def test_instructions_and_what_was_said_stand_before_the_question() -> None:
    request = made(
        said("system", "Be brief."), said("user", "Who?"), said("assistant", "Ada."), said("user", "Why", "her?")
    )
    assert request.task == (
        "Be brief.\n\nThe conversation so far:\n\nUser: Who?\n\nAssistant: Ada.\n\nThe user now says:\n\nWhy\n\nher?"
    )
    assert request.context is None


def test_a_long_part_beside_a_question_is_the_context() -> None:
    request = made(said("user", "How many?", LONG))
    assert request.context == LONG
    assert request.task == f"How many?\n\n(A text of {len(LONG):,} characters lies in context.)"


def test_a_message_that_is_nothing_but_long_is_shown_at_both_ends() -> None:
    request = made(said("system", "Be brief."), said("user", LONG))
    assert request.context == LONG
    assert request.task.startswith(f"Be brief.\n\n(A text of {len(LONG):,} characters lies in context.)\n\nIt begins:")
    assert "Report of the bees." in request.task
    assert "How many are there?" in request.task
    assert len(request.task) < 1500


def test_several_documents_are_a_dict_by_name() -> None:
    request = made(
        said("system", OTHER), said("user", LONG), said("assistant", "Read."), said("user", "Compare.", LONG)
    )
    assert request.context == {"message_1": OTHER, "message_2": LONG, "message_4_part_2": LONG}
    for name in request.context:
        assert f"lies in context['{name}'].)" in request.task
    assert "User: (A text of" in request.task
    assert LONG not in request.task


def test_a_long_chat_of_short_messages_becomes_one_document() -> None:
    turns = [said("user" if at % 2 == 0 else "assistant", f"Line {at}. " * 20) for at in range(40)]
    request = made(*turns, said("user", "What was the first line?"))
    assert request.context.startswith("User: Line 0.")
    assert "Assistant: Line 39." in request.context
    assert request.task == (
        "(The conversation so far lies in context.)\n\nThe user now says:\n\nWhat was the first line?"
    )


def test_files_are_documents_however_short_they_are() -> None:
    turn = Turn("user", (Passage("Which?"), Passage("a", "a.txt"), Passage("b", "a.txt")))
    request = run_request([turn], given=RunRequest(task=""))
    assert request.context == {"a.txt": "a", "a.txt (2)": "b"}
    assert "(The file a.txt lies in context['a.txt'].)" in request.task


def test_beside_files_of_the_project_the_documents_lie_under_context() -> None:
    turn = Turn("user", (Passage("Which?"), Passage(LONG)), (FILE,))
    request = run_request([turn], given=RunRequest(task="", files=()))
    assert request.files == [FILE]
    assert request.task.endswith('lies in context["context"].)')


def test_a_task_of_its_own_makes_the_conversation_the_input() -> None:
    assert made(said("user", "short"), task="Count.").context == "short"
    request = made(said("system", "s"), said("user", "a", "b"), task="Count.")
    assert request.task == "Count."
    assert request.context == [{"role": "system", "content": "s"}, {"role": "user", "content": "a\n\nb"}]


def test_a_context_of_its_own_is_kept_beside_short_messages_only() -> None:
    assert made(said("user", "How many?"), context=["a"]).context == ["a"]
    with pytest.raises(Invalid, match=r"rlm\.context"):
        made(said("user", LONG), context="a")


def test_the_wanted_length_is_told() -> None:
    request = run_request([said("user", "Hi.")], given=RunRequest(task=""), answer_tokens=2000)
    assert request.task == "Hi.\n\n(The answer is to have at most about 2,000 tokens.)"


@pytest.mark.parametrize("turns", [[], [said("assistant", "x")], [said("user", "x"), said("system", "y")]])
def test_the_user_has_the_last_word(turns: list[Turn]) -> None:
    with pytest.raises(Invalid, match="messages"):
        run_request(turns, given=RunRequest(task=""))


@pytest.mark.parametrize("head", ["data:text/csv;base64,", "data:application/json;base64,", ""])
def test_a_file_is_read(head: str) -> None:
    data = head + base64.b64encode("größer".encode()).decode()
    assert decoded_file(data, name="a.csv", place="p") == Passage("größer", "a.csv")


@pytest.mark.parametrize(
    "data", ["data:application/pdf;base64,aaaa", "data:text/plain;base64,!", "data:text/plain;base64,//8=", "x"]
)
def test_a_file_that_is_no_text_is_refused_by_its_place(data: str) -> None:
    with pytest.raises(Invalid) as caught:
        decoded_file(data, name="", place="messages.0.content.1")
    assert caught.value.errors[0].field == "messages.0.content.1"
