"""The gateway: the contract, through litellm itself."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rlmlab.engine.errors import BadRequest
from rlmlab.engine.providers.catalog import Catalog, load_catalog
from rlmlab.engine.providers.gateway import GatewayProvider, load_litellm, plain_words
from rlmlab.engine.providers.lean import Endpoint
from tests.engine.providers.contract import (
    FAST,
    TRIPPING,
    ProviderContract,
    ask,
    complete,
    dead_url,
    down_and_up_again,
    unreachable,
)
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import Reply

pytestmark = pytest.mark.filterwarnings(
    "ignore::Warning:litellm", "ignore::DeprecationWarning", "ignore:Item .* on TypedDict:UserWarning"
)


@pytest.fixture(scope="session", autouse=True)
def _imported() -> None:
    """The import takes seconds; no call's time should count it."""
    load_litellm()


@pytest.fixture
async def provider(server: ModelServer, catalog: Catalog) -> AsyncIterator[GatewayProvider]:
    made = GatewayProvider(catalog, endpoints={"openai": Endpoint(server.base_url, "sk-ada")}, policy=FAST)
    yield made
    await made.close()


class TestGateway(ProviderContract):
    pass


async def test_the_operators_key_is_struck_out_of_a_refusal(server: ModelServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOSTED_VLLM_API_BASE", server.base_url)
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", "sk-operator")
    server.script("submit", Reply(status=400, error="No such thing for sk-operator."))
    provider = GatewayProvider(load_catalog(os.environ), policy=FAST)
    with pytest.raises(BadRequest, match=r"No such thing for \[key\]") as caught:
        await complete(provider, replace(ask("submit"), model="hosted_vllm/submit"))
    assert "sk-operator" not in str(caught.value)
    await provider.close()


def test_litellm_is_loaded_without_network_and_telemetry():
    litellm = load_litellm()
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    assert os.environ["LITELLM_DISABLE_BUG_REPORT_LINK"] == "true"
    assert (litellm.telemetry, litellm.suppress_debug_info) == (False, True)


def test_importing_the_gateway_does_not_import_litellm():
    code = "import sys, rlmlab.engine.providers.routing; print('litellm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("litellm.RateLimitError: RateLimitError: OpenAIException - slow down", "slow down"),
        ("litellm.BadRequestError: OpenAIException - too long", "too long"),
        (
            "litellm.MidStreamFallbackError: APIConnectionError: OpenAIException - gone Original exception: gone",
            "gone",
        ),
        ("litellm.APIConnectionError: OpenAIException - gone\nTraceback (most recent call last):\n  File x", "gone"),
        ("plain words - with a dash", "plain words - with a dash"),
    ],
)
def test_plain_words_strips_class_names(message: str, words: str):
    assert plain_words(message) == words


async def test_warm_imports_and_a_provider_that_was_not_used_closes_at_once(catalog: Catalog):
    made = GatewayProvider(catalog, policy=FAST)
    await made.warm()
    await made.close()
    assert "litellm" in sys.modules


async def test_calls_with_different_times_left_share_a_client(provider: GatewayProvider, server: ModelServer):
    clients = load_litellm().in_memory_llm_clients_cache.cache_dict
    await complete(provider, ask("submit"))
    before = set(clients)
    for seconds in (1.5, 2.5, 3.5):
        await complete(provider, ask("submit", timeout_seconds=seconds))
    assert set(clients) == before


async def test_endpoint_that_fails_is_left_alone_for_a_while(server: ModelServer, catalog: Catalog):
    made = GatewayProvider(catalog, endpoints={"openai": Endpoint(server.base_url, "sk-ada")}, policy=TRIPPING)
    await down_and_up_again(made, server)
    await made.close()


async def test_endpoint_that_cannot_be_reached_is_left_alone_with_all_its_models(catalog: Catalog):
    made = GatewayProvider(catalog, endpoints={"openai": Endpoint(dead_url(), "sk-ada")}, policy=TRIPPING)
    await unreachable(made)
    await made.close()
