"""The lean provider: the contract, and what only it does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from rlmlab.engine.errors import BadRequest, ProviderTimeout, ProviderUnavailable, RejectedCredentials
from rlmlab.engine.providers.base import ModelInfo
from rlmlab.engine.providers.catalog import Catalog
from rlmlab.engine.providers.lean import Endpoint, LeanProvider, body_of, fixed
from rlmlab.engine.providers.retries import RetryPolicy
from tests.engine.providers.contract import (
    FAST,
    TRIPPING,
    ProviderContract,
    ask,
    collect,
    complete,
    dead_url,
    down_and_up_again,
    unreachable,
)
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import Call, Reply, submit

INFO = ModelInfo("openai/x", None)


@pytest.fixture
async def provider(server: ModelServer, catalog: Catalog) -> AsyncIterator[LeanProvider]:
    made = LeanProvider(fixed(Endpoint(server.base_url, "sk-ada")), catalog.info, policy=FAST)
    yield made
    await made.close()


class TestLean(ProviderContract):
    pass


async def test_endpoint_that_fails_is_left_alone_for_a_while(server: ModelServer, catalog: Catalog):
    provider = LeanProvider(fixed(Endpoint(server.base_url)), catalog.info, policy=TRIPPING)
    await down_and_up_again(provider, server)
    await provider.close()


async def test_endpoint_that_cannot_be_reached_is_left_alone_with_all_its_models(catalog: Catalog):
    provider = LeanProvider(fixed(Endpoint(dead_url())), catalog.info, policy=TRIPPING)
    await unreachable(provider)
    await provider.close()


async def test_refused_connection_is_unavailable(catalog: Catalog):
    url = dead_url()
    provider = LeanProvider(fixed(Endpoint(url)), catalog.info, policy=FAST)
    with pytest.raises(ProviderUnavailable, match=f"{url} cannot be reached: ") as caught:
        await complete(provider, ask("submit"))
    assert "ssl" not in str(caught.value)
    await provider.close()


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        (b"", "closed the connection before it answered"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ndata: ", "cut its answer off"),
        (b"nonsense\r\n\r\n", "did not answer as HTTP wants it: "),
    ],
)
async def test_broken_connection_is_told_in_words(catalog: Catalog, answer: bytes, how: str):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        provider = LeanProvider(fixed(Endpoint(base_url)), catalog.info, policy=FAST)
        with pytest.raises(ProviderUnavailable, match=f"^{base_url} {how}"):
            await complete(provider, ask("submit"))
        await provider.close()


async def test_silence_in_the_middle_is_tried_again(server: ModelServer, catalog: Catalog):
    provider = LeanProvider(fixed(Endpoint(server.base_url)), catalog.info, policy=FAST, silence_seconds=0.2)
    with pytest.raises(ProviderTimeout, match="silent"):
        await complete(provider, ask("hold"))
    assert len(server.calls) == 3
    await provider.close()


async def test_endpoint_is_located_anew_for_each_attempt(server: ModelServer, catalog: Catalog):
    attempts = []

    async def locate(attempt: int) -> Endpoint:
        attempts.append(attempt)
        return Endpoint(server.base_url if attempt == 2 else "http://127.0.0.1:9/v1")

    provider = LeanProvider(locate, catalog.info, policy=FAST)
    assert (await complete(provider, ask("submit"))).attempts == 2
    assert attempts == [1, 2]
    await provider.close()


async def test_key_is_struck_out_of_a_refusal(server: ModelServer, catalog: Catalog):
    server.script("submit", Reply(status=401, error="Incorrect API key provided: sk-ada."))
    provider = LeanProvider(fixed(Endpoint(server.base_url, "sk-ada")), catalog.info, policy=FAST)
    with pytest.raises(RejectedCredentials) as caught:
        await complete(provider, ask("submit"))
    assert "sk-ada" not in str(caught.value)
    assert "Incorrect API key provided: [key]." in str(caught.value)
    await provider.close()


async def test_without_key_no_authorization_is_sent(server: ModelServer, catalog: Catalog):
    provider = LeanProvider(fixed(Endpoint(server.base_url)), catalog.info, policy=FAST)
    await complete(provider, ask("submit"))
    assert "authorization" not in server.calls[0].headers
    await provider.close()


async def test_most_concurrent_is_kept(server: ModelServer, catalog: Catalog):
    provider = LeanProvider(fixed(Endpoint(server.base_url)), catalog.info, policy=FAST, most_concurrent=3)
    await asyncio.gather(*(complete(provider, ask("delay-50", f"item {n}")) for n in range(9)))
    assert server.most_open_calls == 3
    await provider.close()


async def test_burst_of_429s_narrows_the_next_burst(server: ModelServer, catalog: Catalog):
    def busy_at_first(call: Call) -> Reply:
        return Reply(status=429, delay_seconds=0.05) if call.attempt == 0 else Reply("fine", delay_seconds=0.05)

    server.behave("narrow", busy_at_first)
    provider = LeanProvider(fixed(Endpoint(server.base_url)), catalog.info, policy=FAST)
    for _ in range(2):  # each conversation is pushed back once, so the second round meets no 429
        server.most_open_calls = 0
        await asyncio.gather(*(collect(provider, ask("narrow", f"item {n}")) for n in range(32)))
    assert 4 <= server.most_open_calls <= 20
    await provider.close()


async def test_as_many_calls_are_open_as_the_endpoint_bears(server: ModelServer, catalog: Catalog):
    """The first burst finds out, the next one keeps to it; nobody fails."""
    policy = RetryPolicy(attempts=20, first_wait_seconds=0.05, longest_wait_seconds=0.2)
    provider = LeanProvider(fixed(Endpoint(server.base_url)), catalog.info, policy=policy)
    asked = []
    for burst in ("first", "second"):
        before = len(server.calls)
        calls = (complete(provider, ask("at-most-8", f"{burst} {n}", timeout_seconds=30.0)) for n in range(48))
        assert {done.text for done in await asyncio.gather(*calls)} == {submit("42")}
        asked.append(len(server.calls) - before)
    assert asked[0] > 48 + 30
    assert asked[1] < 48 + 30
    await provider.close()


async def test_a_call_that_hangs_holds_up_no_other_model_and_not_its_own(server: ModelServer, catalog: Catalog):
    provider = LeanProvider(fixed(Endpoint(server.base_url)), catalog.info, policy=FAST)
    await collect(provider, ask("rate-limited-1"))  # one open call, pushed back: the narrowest the throttle gets
    hanging = asyncio.create_task(collect(provider, ask("hang")))
    await asyncio.wait_for(collect(provider, ask("rate-limited-1", "another")), 5)
    await asyncio.wait_for(complete(provider, ask("submit")), 5)
    hanging.cancel()
    with suppress(asyncio.CancelledError):
        await hanging
    await provider.close()


def test_body_names_the_output_limit_as_the_endpoint_does():
    endpoint = Endpoint("https://api.openai.com/v1", max_tokens_field="max_completion_tokens")
    body = body_of(ask("gpt-5-mini", max_tokens=9), endpoint, INFO)
    assert (body["model"], body["max_completion_tokens"]) == ("gpt-5-mini", 9)
    assert "max_tokens" not in body


def test_body_adds_the_endpoints_stops_and_temperature():
    endpoint = Endpoint("http://127.0.0.1/v1", stop=("USER:",), temperature=0.0)
    assert body_of(ask("x", stop=("END",)), endpoint, INFO)["stop"] == ["END", "USER:"]
    assert body_of(ask("x"), endpoint, INFO)["temperature"] == 0.0
    assert body_of(ask("x", temperature=0.7), endpoint, INFO)["temperature"] == 0.7


async def test_endless_explanation_of_a_refusal_is_cut(server: ModelServer, catalog: Catalog):
    server.script("submit", Reply(status=400, error="x" * 2_000_000))
    provider = LeanProvider(fixed(Endpoint(server.base_url)), catalog.info, policy=FAST)
    with pytest.raises(BadRequest) as caught:
        await complete(provider, ask("submit"))
    assert str(caught.value).endswith("xxx (HTTP 400)")
    assert len(str(caught.value)) < 600
    await provider.close()
