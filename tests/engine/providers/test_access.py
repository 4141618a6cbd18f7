"""Organizations that bring their own keys, base URLs and prices: whose key goes with whose call."""

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rlmlab.engine.errors import BadRequest, MissingCredentials, RejectedCredentials
from rlmlab.engine.providers.access import NOTHING_OWN, Access, Credential
from rlmlab.engine.providers.base import ChatRequest, Price, Provider
from rlmlab.engine.providers.gateway import load_litellm
from rlmlab.engine.providers.lean import Endpoint
from rlmlab.engine.providers.openai_style import KEY_ONLY, OFFERED, USUAL_URLS, endpoint_of
from rlmlab.engine.providers.prices import read_provider_prefixes
from rlmlab.engine.providers.routing import RoutingProvider, build_provider
from rlmlab.env import Environment
from tests.engine.providers.contract import FAST, ask, collect, complete
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import Reply, submit

ACME = Access({"openai": Credential("sk-acme-1234")})
BOLT = Access({"openai": Credential("sk-bolt-5678")})


@pytest.fixture
async def shared(server: ModelServer, tmp_path: Path) -> AsyncIterator[RoutingProvider]:
    settings = Environment(data_dir=tmp_path, allow_private_base_urls=True)
    environ = {"OPENAI_API_BASE": server.base_url, "OPENAI_API_KEY": "sk-operator"}
    made = build_provider(settings, environ, policy=FAST)
    yield made
    await made.close()


def to(prefix: str, request: ChatRequest) -> ChatRequest:
    name = f"{prefix}/{request.model.removeprefix('openai/')}"
    return ChatRequest(name, request.messages, request.max_tokens, request.timeout_seconds)


def keys(server: ModelServer, text: str) -> set[str]:
    """The Authorization headers of the calls whose prompt ends with a text."""
    calls = [call for call in server.calls if call.messages[-1]["content"].startswith(text)]
    return {call.headers.get("authorization", "none") for call in calls}


async def test_each_organization_calls_with_its_own_key_at_the_same_time(shared: RoutingProvider, server: ModelServer):
    providers: dict[str, Provider] = {"acme": shared.for_access(ACME), "bolt": shared.for_access(BOLT), "none": shared}
    calls = [complete(made, ask("delay-50", f"{who} {n}")) for n in range(8) for who, made in providers.items()]
    await asyncio.gather(*calls)
    assert server.most_open_calls > 8
    assert keys(server, "acme") == {"Bearer sk-acme-1234"}
    assert keys(server, "bolt") == {"Bearer sk-bolt-5678"}
    assert keys(server, "none") == {"Bearer sk-operator"}


async def test_an_organizations_429s_throttle_nobody_else(shared: RoutingProvider, server: ModelServer):
    acme, bolt = shared.for_access(ACME), shared.for_access(BOLT)
    await asyncio.gather(*(collect(acme, ask("rate-limited-1", f"acme {n}")) for n in range(32)))
    server.most_open_calls = 0
    await asyncio.gather(*(complete(bolt, ask("delay-50", f"bolt {n}")) for n in range(32)))
    assert server.most_open_calls == 32


async def test_runs_of_one_organization_share_a_throttle_while_there_are_any(shared: RoutingProvider):
    first, second = shared.for_access(ACME), shared.for_access(ACME)
    assert first._routes["openai"] is second._routes["openai"]
    assert first._routes["openai"] is not shared.for_access(BOLT)._routes["openai"]
    assert len(shared._own._lean) >= 1
    del first, second
    gc.collect()
    assert len(shared._own._lean) == 0, "no key outlives the runs that use it"


async def test_own_base_url_takes_no_key_of_the_operators(shared: RoutingProvider, server: ModelServer):
    own = shared.for_access(Access({"openai": Credential(None, server.base_url)}))
    await complete(own, ask("submit", "acme"))
    assert keys(server, "acme") == {"none"}


@pytest.mark.parametrize("prefix", ["hosted_vllm", "openrouter", "ollama"])
async def test_own_base_url_is_called_by_the_lean_provider(shared: RoutingProvider, server: ModelServer, prefix: str):
    own = shared.for_access(Access({prefix: Credential("sk-acme", server.base_url)}))
    server.script("submit", "fine")
    assert (await complete(own, to(prefix, ask("org/submit", "acme")))).text == "fine"
    assert server.calls[0].body["model"] == "org/submit"
    assert keys(server, "acme") == {"Bearer sk-acme"}


async def test_own_base_url_into_the_operators_network_is_not_called(server: ModelServer, tmp_path: Path):
    shared = build_provider(Environment(data_dir=tmp_path), {}, policy=FAST)
    own = shared.for_access(Access({"hosted_vllm": Credential("sk-acme", server.base_url)}))
    with pytest.raises(BadRequest, match="is not a public address"):
        await complete(own, to("hosted_vllm", ask("submit")))
    assert server.calls == []
    await shared.close()


@pytest.mark.filterwarnings("ignore::Warning:litellm", "ignore::DeprecationWarning")
async def test_key_goes_through_the_gateway_with_its_own_calls_only(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    await asyncio.to_thread(load_litellm)
    monkeypatch.setenv("HYPERBOLIC_API_BASE", server.base_url)
    monkeypatch.setenv("HYPERBOLIC_API_KEY", "sk-operator")
    shared = build_provider(Environment(data_dir=tmp_path), {"HYPERBOLIC_API_KEY": "sk-operator"}, policy=FAST)
    views = {
        "acme": shared.for_access(Access({"hyperbolic": Credential("sk-acme")})),
        "bolt": shared.for_access(Access({"hyperbolic": Credential("sk-bolt")})),
        "none": shared,
    }
    requests = {who: to("hyperbolic", ask("delay-50", f"{who} asks", timeout_seconds=60.0)) for who in views}
    await asyncio.gather(*(complete(made, requests[who]) for who, made in views.items()))
    assert {who: keys(server, who) for who in views} == {
        "acme": {"Bearer sk-acme"},
        "bolt": {"Bearer sk-bolt"},
        "none": {"Bearer sk-operator"},
    }
    server.script("submit", Reply(status=401, error="Incorrect API key provided: sk-acme."))
    with pytest.raises(RejectedCredentials) as caught:
        await complete(views["acme"], to("hyperbolic", ask("submit", timeout_seconds=60.0)))
    assert "sk-acme" not in str(caught.value)
    await shared.close()


async def test_own_key_lets_a_model_be_called_that_the_operator_has_no_key_for(tmp_path: Path):
    shared = build_provider(Environment(data_dir=tmp_path), {})
    with pytest.raises(MissingCredentials, match="add a key under Settings → Providers & models"):
        await complete(shared, to("groq", ask("x")))
    with pytest.raises(MissingCredentials, match="for groq"):
        await complete(shared.for_access(ACME), to("groq", ask("x")))
    await shared.close()


async def test_unreadable_key_is_replaced_by_nobody_elses(shared: RoutingProvider, server: ModelServer):
    own = shared.for_access(Access({"openai": Credential(readable=False)}))
    with pytest.raises(MissingCredentials, match="cannot be decrypted: store it again under Settings"):
        await complete(own, ask("submit"))
    assert server.calls == []


async def test_own_price_is_the_one_that_counts(shared: RoutingProvider):
    price = Price(1e-6, 2e-6)
    own = shared.for_access(Access(prices={"openai/gpt-5-mini": price}))
    assert own.info("openai/gpt-5-mini").price == own.info("gpt-5-mini").price == price
    assert shared.info("openai/gpt-5-mini").price == Price(2.5e-07, 2e-06, 2.5e-08)


async def test_view_of_an_organization_without_anything_own_is_the_shared_provider(shared: RoutingProvider):
    assert shared.for_access(NOTHING_OWN) is shared


async def test_closing_a_view_leaves_the_others_open(shared: RoutingProvider, server: ModelServer):
    await shared.for_access(ACME).close()
    assert (await complete(shared.for_access(ACME), ask("submit"))).text == submit("42")


def test_no_key_is_shown_by_what_holds_it():
    shown = (
        repr(ACME) + repr(Endpoint("https://x", "sk-acme-1234")) + str(endpoint_of("openai", "https://x", "sk-acme"))
    )
    assert "sk-acme" not in shown


def test_offered_providers_are_known_ones():
    assert read_provider_prefixes() >= OFFERED
    assert not KEY_ONLY & USUAL_URLS.keys()
    assert all(url == "" or url.startswith("https://") for url in USUAL_URLS.values())


def test_openai_itself_has_its_own_name_for_the_output_limit():
    assert endpoint_of("openai", "https://api.openai.com/v1", None).max_tokens_field == "max_completion_tokens"
    assert endpoint_of("openai", "https://proxy.example/v1", None).max_tokens_field == "max_tokens"
