"""Requests in OpenAI's form: cache hints, strict schemas, media."""

from typing import Any

import pytest

from rlmlab.engine.media import token_bound
from rlmlab.engine.providers.base import ChatMessage, ChatRequest, Media, ModelInfo, ToolCall
from rlmlab.engine.providers.estimates import estimate_messages
from rlmlab.engine.providers.lean import Endpoint, body_of
from rlmlab.engine.providers.messages import cache_key, is_strict, messages_of

SYSTEM, TASK = ChatMessage("system", "You use a REPL."), ChatMessage("user", "How many?")
REPLY, OUTPUT = ChatMessage("assistant", "I look."), ChatMessage("user", "3")
MARK = {"type": "ephemeral"}


def ask(*messages: ChatMessage, stable: int = 0, model: str = "openrouter/anthropic/claude-x") -> ChatRequest:
    return ChatRequest(model, messages, 100, stable_messages=stable)


def marked(request: ChatRequest) -> list[int]:
    """The numbers of the messages that carry a mark."""
    documents = messages_of(request, marked=True)
    return [n for n, document in enumerate(documents) if "cache_control" in str(document["content"])]


@pytest.mark.parametrize(("stable", "numbers"), [(0, []), (1, [0]), (2, [0, 1]), (3, [0, 2]), (4, [0, 3]), (9, [0, 3])])
def test_end_of_the_system_prompt_and_of_what_is_stable_are_marked(stable: int, numbers: list[int]):
    assert marked(ask(SYSTEM, TASK, REPLY, OUTPUT, stable=stable)) == numbers


def test_mark_stands_at_the_last_part():
    image = ChatMessage("user", "look", media=(Media("image/png", b"x", "0"),))
    first, second = messages_of(ask(SYSTEM, image, stable=2), marked=True)
    assert first["content"] == [{"type": "text", "text": "You use a REPL.", "cache_control": MARK}]
    assert [part.get("cache_control") for part in second["content"]] == [None, MARK]


def test_message_without_text_carries_no_mark():
    asked = ChatMessage("assistant", "", tool_calls=(ToolCall("a", "now", "{}"),))
    assert messages_of(ask(TASK, asked, stable=2), marked=True)[1]["content"] is None


def test_model_is_marked_for_only_where_its_cache_wants_it():
    request = ask(SYSTEM, TASK, stable=2)
    endpoint = Endpoint("https://openrouter.ai/api/v1", provider="openrouter")
    plain = body_of(request, endpoint, ModelInfo(request.model, None))
    assert plain["messages"][0]["content"] == "You use a REPL."
    told = body_of(request, endpoint, ModelInfo(request.model, None, cache_marks=True))
    assert told["messages"][1]["content"][0]["cache_control"] == MARK
    assert "prompt_cache_key" not in told


def test_openai_is_told_which_calls_begin_alike():
    endpoint = Endpoint("https://api.openai.com/v1", takes_cache_key=True)
    info = ModelInfo("openai/gpt-5-mini", None)
    first = body_of(ask(SYSTEM, TASK, stable=1), endpoint, info)["prompt_cache_key"]
    later = body_of(ask(SYSTEM, TASK, REPLY, OUTPUT, stable=4), endpoint, info)["prompt_cache_key"]
    assert first == later == cache_key(ask(SYSTEM, TASK, stable=2))
    assert len(first) == 32
    assert body_of(ask(SYSTEM, OUTPUT, stable=2), endpoint, info)["prompt_cache_key"] != first
    assert "prompt_cache_key" not in body_of(ask(SYSTEM, TASK), endpoint, info)


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "string"}, True),
        ({"type": "object", "properties": {}, "additionalProperties": False}, True),
        ({"type": "object"}, False),
        ({"properties": {"a": {}}, "required": ["a"]}, False),
        ({"properties": {"a": {}}, "required": [], "additionalProperties": False}, False),
        ({"type": "array", "items": {"type": "object"}}, False),
        ({"anyOf": [{"type": "null"}, {"type": "object"}]}, False),
        ({"enum": [{"type": "object"}]}, True),
    ],
)
def test_schema_is_strict_where_every_object_is_closed_and_whole(schema: dict[str, Any], strict: bool):
    assert is_strict(schema) is strict


@pytest.mark.parametrize(
    ("media_type", "form"),
    [("audio/wav", "wav"), ("audio/x-wav", "wav"), ("audio/mpeg", "mp3"), ("audio/flac", "flac"), ("audio/mp4", "m4a")],
)
def test_sound_is_named_as_openai_does(media_type: str, form: str):
    message = ChatMessage("user", "", media=(Media(media_type, b"x", "0"),))
    assert messages_of(ask(message))[0]["content"][0]["input_audio"] == {"data": "eA==", "format": form}


def test_media_and_tool_calls_are_bounded():
    media = (Media("image/png", b"x", "0"), Media("audio/wav", b"x" * 101, "0"))
    counted = token_bound(media[0]) + token_bound(media[1])
    assert counted > 4_000
    asked = ChatMessage("assistant", "", tool_calls=(ToolCall("a", "now", "{}"),))
    assert estimate_messages((asked, ChatMessage("user", "abc", media=media))) == 2 + 8 + 1 + 8 + counted
