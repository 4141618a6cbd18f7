"""What scripted models can do beside text: tools, schemas, media, caches, limits; and the ledger."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from rlmlab.modelserver.scripted.tokens import MEDIA_TOKENS, count_prompt
from tests.fakes.instances import instance_of
from tests.fakes.ledger import prompt_hash
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import Reply, ToolUse

LEVEL = {"role": "system", "content": 'You use a REPL and set answer["content"].'}
ASK = {"role": "user", "content": "How many?"}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}
    for name, parameters in {
        "grep": {"type": "object", "properties": {"pattern": {"enum": ["a.c"]}}, "required": ["pattern"]},
        "now": {"type": "object", "properties": {}},
        "more": {"type": "object", "properties": {}},
    }.items()
]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def post(server: ModelServer, model: str, *messages: dict[str, Any], **body: Any) -> httpx.Response:
    document = {"model": model, "messages": messages or (ASK,), **body}
    return httpx.post(f"{server.base_url}/chat/completions", json=document, timeout=10, trust_env=False)


def message_of(response: httpx.Response) -> dict[str, Any]:
    message: dict[str, Any] = response.json()["choices"][0]["message"]
    return message


def chunks_of(response: httpx.Response) -> list[dict[str, Any]]:
    lines = [line[6:] for line in response.text.splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def test_tools_are_asked_for_at_once_and_their_answers_told(server: ModelServer):
    first = post(server, "call-tools-2", ASK, tools=TOOLS)
    wanted = message_of(first)["tool_calls"]
    assert [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in wanted] == [
        ("call_0", "grep", '{"pattern": "a.c"}'),
        ("call_1", "now", "{}"),
    ]
    assert first.json()["choices"][0]["finish_reason"] == "tool_calls"
    asked = {"role": "assistant", "content": "I ask. ", "tool_calls": wanted}
    results = [{"role": "tool", "tool_call_id": f"call_{n}", "content": text} for n, text in enumerate(("abc", "noon"))]
    assert message_of(post(server, "call-tools-2", ASK, asked, *results))["content"] == "tools said: abc | noon"


def test_tool_calls_stream_in_pieces(server: ModelServer):
    server.script("mine", Reply("", tool_calls=(ToolUse("grep", {"pattern": "x" * 40}, id="mine"), ToolUse("now"))))
    chunks = chunks_of(post(server, "mine", ASK, stream=True))
    deltas = [delta for chunk in chunks for delta in chunk["choices"][0]["delta"].get("tool_calls", ())]
    named = [(delta["index"], delta["id"], delta["function"]["name"]) for delta in deltas if "id" in delta]
    assert named == [(0, "mine", "grep"), (1, "call_1", "now")]
    texts = ["".join(d["function"]["arguments"] for d in deltas if d["index"] == index) for index in (0, 1)]
    assert [json.loads(text) for text in texts] == [{"pattern": "x" * 40}, {}]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_schema_is_kept_to_after_the_scripted_misses(server: ModelServer):
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    assert message_of(post(server, "schema", LEVEL, ASK, response_format=wanted))["content"] == '{"n": 3}'
    said = [{"role": "assistant", "content": "{"}, ASK]
    first = message_of(post(server, "schema-after-1", ASK, response_format=wanted))["content"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(first)
    assert message_of(post(server, "schema-after-1", ASK, *said, response_format=wanted))["content"] == '{"n": 3}'
    assert message_of(post(server, "schema", ASK))["content"] == "echo: How many?"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 4}, 4),
        ({"type": "string", "default": "d"}, "d"),
        ({"enum": ["b", "a"]}, "b"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"type": ["number", "null"]}, 0),
        ({"type": "array", "items": {"type": "string", "minLength": 2}, "minItems": 2}, ["xx", "xx"]),
        ({"properties": {"a": {"type": "boolean"}, "b": {}}, "required": ["a", "c"]}, {"a": False, "c": ""}),
    ],
)
def test_instance_is_the_smallest_that_a_schema_allows(schema: dict[str, Any], value: Any):
    assert instance_of(schema) == value


def test_media_are_told_and_counted(server: ModelServer):
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "wav"}},
    ]
    message = {"role": "user", "content": parts}
    answer = post(server, "describe", message)
    assert message_of(answer)["content"] == f"saw: image/png {digest('AAAA')}, audio/wav {digest('BBBB')}"
    assert answer.json()["usage"]["prompt_tokens"] == count_prompt([message]) == 3 + 2 * MEDIA_TOKENS + 4
    assert message_of(post(server, "describe", LEVEL, message))["content"].startswith("```repl\nanswer")
    assert message_of(post(server, "submit", message))["content"] == "echo: What is it?"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("openai", {"prompt_tokens_details": {"cached_tokens": 5}}),
        ("openrouter", {"prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3}}),
        ("anthropic", {"cache_read_input_tokens": 5, "cache_creation_input_tokens": 3}),
        ("deepseek", {"prompt_cache_hit_tokens": 5, "prompt_cache_miss_tokens": 2}),
    ],
)
def test_usage_is_told_in_the_form_of_a_provider(server: ModelServer, form: Any, told: dict[str, Any]):
    server.script("mine", Reply("words", usage_form=form, cached_tokens=5, cache_write_tokens=3, reasoning_tokens=4))
    usage = post(server, "mine").json()["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (7, 6, 13)
    assert {name: usage[name] for name in told} == told


async def test_too_many_open_calls_are_refused(server: ModelServer):
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False) as client:
        asks = [client.post("/chat/completions", json={"model": "at-most-3", "messages": [ASK]}) for _ in range(5)]
        statuses = [answer.status_code for answer in await asyncio.gather(*asks)]
    assert sorted(statuses) == [200, 200, 200, 429, 429]


def test_ledger_counts_questions_answers_and_tokens(server: ModelServer):
    key = prompt_hash("cached", [ASK])
    for _ in range(2):
        post(server, "cached")
        post(server, "always-503")
    post(server, "no-usage")
    ledger = server.ledger
    assert (ledger.requests, ledger.asked[key], ledger.answered[key]) == (5, 2, 2)
    assert ledger.twice() == {key: 2}
    sums = ledger.reported
    assert (sums.calls, sums.input_tokens, sums.output_tokens) == (2, 2 * 7, 2 * (4 + 2))
    assert (sums.cached_tokens, sums.cache_write_tokens, sums.reasoning_tokens) == (10, 6, 4)
    document = httpx.get(server.base_url.replace("/v1", "/control/ledger"), trust_env=False).json()
    assert (document["requests"], document["twice"], document["reported"]["calls"]) == (5, {key: 2}, 2)


def test_ledger_leaves_out_what_was_cut(server: ModelServer):
    with pytest.raises(httpx.RemoteProtocolError):
        post(server, "always-cut", stream=True)
    assert server.ledger.requests == 1
    assert server.ledger.answered.total() == 0
    server.reset()
    assert server.ledger.requests == 0
