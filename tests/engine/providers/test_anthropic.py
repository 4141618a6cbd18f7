"""Claude through the gateway, over real HTTP: what LiteLLM sends of our requests, and what it reads."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from rlmlab.engine.providers.base import ChatMessage, ToolCall
from rlmlab.engine.providers.catalog import Catalog
from rlmlab.engine.providers.gateway import GatewayProvider, load_litellm
from rlmlab.engine.providers.lean import Endpoint
from tests.engine.providers.contract import CLOSED, FAST, PNG, TOOLS, ask, complete, talk
from tests.fakes.anthropic_server import FRESH, OUTPUT, READ, TEXT, WRITTEN, AnthropicServer

pytestmark = pytest.mark.filterwarnings(
    "ignore::Warning:litellm", "ignore::DeprecationWarning", "ignore:Item .* on TypedDict:UserWarning"
)
MODEL = "anthropic/claude-sonnet-4-5"
MARK = {"type": "ephemeral"}


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """The import takes seconds; no call's time should count it."""
    load_litellm()


@pytest.fixture
def anthropic() -> Iterator[AnthropicServer]:
    with AnthropicServer() as running:
        yield running


@pytest.fixture
async def provider(anthropic: AnthropicServer, catalog: Catalog) -> AsyncIterator[GatewayProvider]:
    made = GatewayProvider(catalog, endpoints={"anthropic": Endpoint(anthropic.base_url, "sk-ada")}, policy=FAST)
    yield made
    await made.close()


async def test_cache_tokens_are_counted_once_and_add_up(provider: GatewayProvider):
    done = await complete(provider, replace(ask("x"), model=MODEL))
    assert (done.text, done.finish_reason) == (TEXT, "stop")
    usage = done.usage
    assert (usage.input_tokens, usage.output_tokens) == (FRESH + READ + WRITTEN, OUTPUT)
    assert (usage.cached_tokens, usage.cache_write_tokens, usage.estimated) == (READ, WRITTEN, False)
    price = provider.info(MODEL).price
    assert usage.cost_usd(price) == pytest.approx(FRESH * 3e-6 + READ * 3e-7 + WRITTEN * 3.75e-6 + OUTPUT * 1.5e-5)


async def test_what_stays_the_same_is_marked_for_the_cache(provider: GatewayProvider, anthropic: AnthropicServer):
    await complete(provider, replace(ask("x", stable_messages=2), model=MODEL))
    await complete(provider, replace(ask("x"), model=MODEL))
    marked, plain = anthropic.bodies
    assert marked["system"][-1]["cache_control"] == MARK
    assert marked["messages"][0]["content"][-1]["cache_control"] == MARK
    assert "cache_control" not in str(plain)


async def test_tools_and_their_answers_take_anthropics_form(provider: GatewayProvider, anthropic: AnthropicServer):
    done = await complete(provider, replace(ask("x", tools=TOOLS), model=MODEL))
    assert (done.finish_reason, done.tool_calls) == (
        "tool_calls",
        (ToolCall("toolu_1", "grep", '{"pattern": "a.c"}'),),
    )
    messages = (
        ChatMessage("user", "How many?"),
        ChatMessage("assistant", "", tool_calls=done.tool_calls),
        ChatMessage("tool", "abc", tool_call_id="toolu_1"),
    )
    await complete(provider, replace(talk("x", *messages, tools=TOOLS), model=MODEL))
    _user, assistant, result = anthropic.bodies[1]["messages"]
    assert [(part["type"], part["input"]) for part in assistant["content"]] == [("tool_use", {"pattern": "a.c"})]
    assert [(part["type"], part["tool_use_id"]) for part in result["content"]] == [("tool_result", "toolu_1")]


async def test_schema_and_image_take_anthropics_form(provider: GatewayProvider, anthropic: AnthropicServer):
    message = ChatMessage("user", "What is it?", media=(PNG,))
    await complete(provider, replace(talk("x", message, response_schema=CLOSED), model=MODEL))
    body = anthropic.bodies[0]
    image = body["messages"][0]["content"][1]
    assert (image["type"], image["source"]["media_type"], image["source"]["data"]) == ("image", "image/png", "iVBORw==")
    assert '"n"' in str(body).replace("'", '"')
