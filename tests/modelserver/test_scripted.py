"""The scripted server that engine tests of the product use; the tests' own fake is made of the same parts."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from rlmlab.modelserver.scripted.replies import RATE_LIMITED, Call, Reply
from rlmlab.modelserver.scripted.server import ScriptedServer

ASK = {"model": "openai/scripted", "messages": [{"role": "user", "content": "How many?"}]}


def behave(call: Call) -> Reply:
    """Refuse the first attempt of a conversation, cut the second, and answer the third."""
    answer = Reply(f"{call.last} {call.attempt}")
    return (RATE_LIMITED, replace(answer, cut_after_chunks=1), answer)[min(call.attempt, 2)]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(behave) as running:
        yield running


def post(server: ScriptedServer, **body: object) -> httpx.Response:
    return httpx.post(f"{server.base_url}/chat/completions", json={**ASK, **body}, timeout=10, trust_env=False)


def test_attempts_of_a_conversation_are_told_apart(server: ScriptedServer):
    assert post(server).status_code == 429
    with pytest.raises(httpx.RemoteProtocolError):
        post(server, stream=True)
    answer = post(server).json()["choices"][0]["message"]["content"]
    assert (answer, server.calls) == ("How many? 2", 3)
    assert post(server, messages=[{"role": "user", "content": "What else?"}]).status_code == 429


def test_other_addresses_are_not_there(server: ScriptedServer):
    response = httpx.get(f"{server.base_url}/models", trust_env=False)
    assert (response.status_code, response.json()["error"]["message"]) == (404, "no route /v1/models")
