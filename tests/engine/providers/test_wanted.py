"""Tool calls, put together of the pieces that different servers send."""

from typing import Any

import pytest

from rlmlab.engine.providers.base import ChatMessage, ChatRequest, ToolCall
from rlmlab.engine.providers.sse import StreamReader
from rlmlab.engine.providers.wanted import MOST_CALLS, WantedTools


def piece(index: int | None = None, call_id: str = "", name: str = "", arguments: Any = "") -> dict[str, Any]:
    made: dict[str, Any] = {"function": {"name": name or None, "arguments": arguments}}
    return made | ({"index": index} if index is not None else {}) | ({"id": call_id} if call_id else {})


def assembled(*pieces: dict[str, Any]) -> tuple[ToolCall, ...]:
    wanted = WantedTools()
    for one in pieces:
        wanted.add([one])
    return wanted.calls()


GREP, NOW = ToolCall("a", "grep", '{"x": 1}'), ToolCall("b", "now", "{}")


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        # OpenAI: numbered, named once, in any order
        (
            [
                piece(0, "a", "grep"),
                piece(1, "b", "now"),
                piece(0, arguments='{"x"'),
                piece(1, arguments="{}"),
                piece(0, arguments=": 1}"),
            ],
            (GREP, NOW),
        ),
        # vLLM: the id with every piece
        ([piece(0, "a", "grep", '{"x"'), piece(0, "a", "", ": 1}")], (GREP,)),
        # Ollama: whole calls, all numbered 0
        ([piece(0, "a", "grep", '{"x": 1}'), piece(0, "b", "now", "{}")], (GREP, NOW)),
        # Gemini: no numbers
        ([piece(None, "a", "grep", '{"x": 1}'), piece(None, "b", "now", "{}")], (GREP, NOW)),
        # no ids: a name begins a call
        (
            [piece(0, "", "grep", '{"x": 1}'), piece(0, "", "now")],
            (ToolCall("call_0", "grep", '{"x": 1}'), ToolCall("call_1", "now", "{}")),
        ),
        # arguments as an object
        ([piece(0, "a", "grep", {"x": 1})], (GREP,)),
        ([], ()),
    ],
)
def test_pieces_become_calls(pieces: list[dict[str, Any]], calls: tuple[ToolCall, ...]):
    assert assembled(*pieces) == calls


def test_more_calls_than_anybody_asks_for_break_the_answer():
    wanted = WantedTools()
    wanted.add([piece(n, f"id{n}", "now") for n in range(MOST_CALLS)])
    with pytest.raises(ValueError, match="too many"):
        wanted.add([piece(MOST_CALLS, "one more", "now")])


REQUEST = ChatRequest("openai/x", (ChatMessage("user", "hi"),), 100)


def test_stop_with_tool_calls_means_tool_calls():
    reader = StreamReader()
    reader.add(None, [piece(0, "a", "now")], "stop")
    assert reader.completed(REQUEST, 1).finish_reason == "tool_calls"


def test_old_word_for_tool_calls_is_known():
    reader = StreamReader()
    reader.add("x", None, "function_call")
    assert reader.completed(REQUEST, 2).finish_reason == "tool_calls"


def test_done_ends_an_answer_that_never_said_why():
    reader = StreamReader()
    reader.add("words", None, None)
    reader.end()
    done = reader.completed(REQUEST, 1)
    assert (done.text, done.finish_reason) == ("words", "stop")


def test_done_without_anything_is_a_cut_stream():
    reader = StreamReader()
    reader.end()
    with pytest.raises(Exception, match="ended before the answer did"):
        reader.completed(REQUEST, 1)
