"""The scripted provider of these tests behaves as a real one does."""

from collections.abc import AsyncIterator, Iterator

import pytest

from rlmlab.engine.providers.base import ChatRequest
from rlmlab.engine.providers.catalog import load_catalog
from rlmlab.engine.providers.lean import Endpoint, LeanProvider, fixed
from rlmlab.engine.providers.retries import RetryPolicy
from tests.engine.fakes.contract import RECOVERED, SUBMITTED, EngineProviderContract
from tests.engine.fakes.provider import Say, ScriptedProvider
from tests.fakes.model_server import ModelServer


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def named(request: ChatRequest) -> Say:
    replies = {
        "openai/submit": Say(SUBMITTED),
        "openai/cut-1": Say(RECOVERED, restarts=1),
        "openai/hold": Say("held", seconds=60),
    }
    return replies[request.model]


class TestScripted(EngineProviderContract):
    @pytest.fixture
    def provider(self) -> ScriptedProvider:
        return ScriptedProvider(named, dict.fromkeys(["openai/submit", "openai/cut-1", "openai/hold"]))


class TestLean(EngineProviderContract):
    @pytest.fixture
    async def provider(self, server: ModelServer) -> AsyncIterator[LeanProvider]:
        policy = RetryPolicy(attempts=3, first_wait_seconds=0.01, random=lambda: 0.0)
        catalog = load_catalog({"OPENAI_API_KEY": "sk-ada"})
        made = LeanProvider(fixed(Endpoint(server.base_url, "sk-ada")), catalog.info, policy=policy)
        yield made
        await made.close()
