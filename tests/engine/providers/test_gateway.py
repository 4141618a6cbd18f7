"""The gateway: the contract, through litellm itself."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from rlmlab.engine.providers.catalog import Catalog
from rlmlab.engine.providers.gateway import GatewayProvider, load_litellm, plain_words
from rlmlab.engine.providers.lean import Endpoint
from tests.engine.providers.contract import FAST, ProviderContract
from tests.fakes.model_server import ModelServer

pytestmark = pytest.mark.filterwarnings("ignore::Warning:litellm", "ignore::DeprecationWarning")


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


def test_litellm_is_loaded_without_network_and_telemetry():
    litellm = load_litellm()
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
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
