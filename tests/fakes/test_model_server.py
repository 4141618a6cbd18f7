"""The scripted model server itself: scripts, behaviours, records, and its process form."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from rlmlab.modelserver.scripted.tokens import count_tokens
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import Reply, behaviour_of, submit, turns

LEVEL = {"role": "system", "content": 'You use a REPL and set answer["content"].'}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def post(base_url: str, model: str, *texts: str, level: bool = True, **body: Any) -> httpx.Response:
    messages = [LEVEL] if level else []
    roles = ("user", "assistant")
    messages += [{"role": roles[number % 2], "content": text} for number, text in enumerate(texts or ("hi",))]
    url = f"{base_url}/chat/completions"
    return httpx.post(url, json={"model": model, "messages": messages, **body}, timeout=10, trust_env=False)


def text_of(response: httpx.Response) -> str:
    return str(response.json()["choices"][0]["message"]["content"])


def test_level_is_told_from_a_plain_call(server: ModelServer):
    assert text_of(post(server.base_url, "submit")) == submit("42")
    assert text_of(post(server.base_url, "submit", "what is it?", level=False)) == "echo: what is it?"
    assert [call.is_level for call in server.calls] == [True, False]
    assert (len(server.level_calls), len(server.plain_calls)) == (1, 1)


def test_script_is_used_in_order_and_then_used_up(server: ModelServer):
    server.script("mine", "one", Reply("two", finish_reason="length"))
    assert [text_of(post(server.base_url, "openai/mine")) for _ in range(2)] == ["one", "two"]
    used_up = post(server.base_url, "mine")
    assert (used_up.status_code, used_up.json()["error"]["code"]) == (400, "script_used_up")


def test_behaviour_may_depend_on_the_turn(server: ModelServer):
    server.behave("mine", turns("first", "later"))
    assert text_of(post(server.base_url, "mine", "task")) == "first"
    assert text_of(post(server.base_url, "mine", "task", "first", "more")) == "later"
    assert text_of(post(server.base_url, "mine", "task", "a", "b", "c", "d")) == "later"


def test_attempts_are_counted_by_conversation(server: ModelServer):
    statuses = [post(server.base_url, "rate-limited-1", task).status_code for task in ("a", "b", "a", "b", "a")]
    assert statuses == [429, 429, 200, 200, 429]


def test_recursion_goes_down_to_its_depth(server: ModelServer):
    assert 'rlm_query("DEPTH 1/2")' in text_of(post(server.base_url, "deep-2", "Task: x"))
    assert 'rlm_query("DEPTH 2/2")' in text_of(post(server.base_url, "deep-2", "Task: DEPTH 1/2"))
    assert text_of(post(server.base_url, "deep-2", "Task: DEPTH 2/2")) == submit("leaf")


def test_never_gives_words_to_the_fallback_only(server: ModelServer):
    assert "print" in text_of(post(server.base_url, "never", "task", "code", "output"))
    assert text_of(post(server.base_url, "never", "task", "code", "Reply with the best answer")) == "best so far"


def test_unknown_name_is_no_behaviour(server: ModelServer):
    assert behaviour_of("batch-x") is None
    assert behaviour_of("nothing-3") is None
    assert post(server.base_url, "nothing").status_code == 404
    assert httpx.get(server.base_url.replace("/v1", "/v2"), trust_env=False).status_code == 404


def test_output_is_cut_at_max_tokens(server: ModelServer):
    choice = post(server.base_url, "huge-text", max_tokens=5).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("x" * 20, "length")
    assert count_tokens("x" * 21) == 6


def test_models_are_listed(server: ModelServer):
    server.script("mine", "x")
    names = [model["id"] for model in httpx.get(f"{server.base_url}/models", trust_env=False).json()["data"]]
    assert {"mine", "submit", "deep-3"} <= set(names)


def test_wait_for_calls_gives_up(server: ModelServer):
    post(server.base_url, "submit")
    server.wait_for_calls(1, outcome="answered")
    with pytest.raises(TimeoutError, match="answered"):
        server.wait_for_calls(2, timeout_seconds=0.05)


def test_process_form_is_controlled_over_http():
    command = [sys.executable, "-m", "tests.fakes.model_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        control = base_url.replace("/v1", "/control")
        script = {"model": "mine", "replies": ["one", {"text": "two", "finish_reason": "length"}]}
        httpx.post(f"{control}/script", json=script, trust_env=False).raise_for_status()
        assert text_of(post(base_url, "mine")) == "one"
        calls = httpx.get(f"{control}/calls", trust_env=False).json()
        assert [(call["model"], call["outcome"], call["is_level"]) for call in calls] == [("mine", "answered", True)]
        assert httpx.post(f"{control}/reset", trust_env=False).json() == []
        process.terminate()
