"""Whole runs: a model over real HTTP, the lean provider, the engine, the jailed REPL."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from rlmlab.engine.clock import SystemClock
from rlmlab.engine.orchestrator import execute
from rlmlab.engine.providers.catalog import load_catalog
from rlmlab.engine.providers.lean import Endpoint, LeanProvider, fixed
from rlmlab.engine.providers.retries import RetryPolicy
from rlmlab.engine.stream import EventStream
from rlmlab.engine.types import Budget, CancelToken, ContextInfo, RunOutcome, RunSpec
from sandbox.base import ContextSource, Environment, Profile, context_in_memory
from tests.engine.fakes.sink import MemorySink, check_stream
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import NAMED, NUMBERED, Reply

RUN_ID = UUID("00000000-0000-4000-8000-000000000002")
TEXT = "ä" * 1_000


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture
async def provider(server: ModelServer) -> AsyncIterator[LeanProvider]:
    policy = RetryPolicy(attempts=3, first_wait_seconds=0.01, random=lambda: 0.0)
    catalog = load_catalog({"OPENAI_API_KEY": "sk-ada"})
    made = LeanProvider(fixed(Endpoint(server.base_url, "sk-ada")), catalog.info, policy=policy)
    yield made
    await made.close()


async def text_context() -> ContextSource:
    return context_in_memory("text", [TEXT.encode()])


async def run(
    provider: LeanProvider,
    environment: Environment,
    model: str,
    budget: Budget | None = None,
    cancel: CancelToken | None = None,
    fallback_models: tuple[str, ...] = (),
) -> tuple[RunOutcome, MemorySink]:
    sink, clock = MemorySink(), SystemClock()
    spec = RunSpec(
        RUN_ID,
        "DEPTH 0/3 of the task",
        f"openai/{model}",
        profile=Profile("test", 0.5, 256 << 20),
        budget=budget or Budget(max_steps=4),
        context=ContextInfo("text", len(TEXT.encode())),
        open_context=text_context,
        fallback_models=tuple(f"openai/{name}" for name in fallback_models),
    )
    stream = EventStream(RUN_ID, [sink], clock)
    outcome = await execute(spec, provider=provider, environment=environment, stream=stream, clock=clock, cancel=cancel)
    check_stream(sink.events)
    assert sink.projection().totals == outcome.totals
    return outcome, sink


@pytest.mark.parametrize(
    ("model", "answer", "steps"),
    [
        ("submit", "42", 1),
        ("two-turns", "42", 2),
        ("length", "1000", 1),
        ("final", "42", 1),
        ("raise", "after the error", 2),
        ("prose", "42", 2),
        ("spin", "after the kill", 2),
        ("huge-output", "42", 2),
        ("forged", "not forged", 2),
        ("cut-2", "recovered", 1),
        ("rate-limited-1", "recovered", 1),
        ("no-usage", "42", 1),
        ("batch-5", [f"echo: item {n}" for n in range(5)], 1),
        ("deep-3", "0>1>2>leaf", 4),
    ],
)
async def test_run_submits(
    provider: LeanProvider, environment: Environment, model: str, answer: object, steps: int
) -> None:
    outcome, _ = await run(provider, environment, model)
    assert outcome.answer == answer
    assert (outcome.finish_reason, outcome.totals.steps) == ("submitted", steps)


@pytest.mark.parametrize(
    ("model", "reason", "code"),
    [
        ("never", "fallback", None),
        ("prose-forever", "fallback", None),
        ("unauthorized", "error", "rejected_credentials"),
        ("not-found", "error", "unknown_model"),
        ("bad-request", "error", "provider_bad_request"),
        ("always-503", "error", "provider_unavailable"),
        ("always-cut", "error", "provider_unavailable"),
    ],
)
async def test_run_that_cannot_submit_ends_with_its_reason(
    provider: LeanProvider, environment: Environment, model: str, reason: str, code: str | None
) -> None:
    outcome, _ = await run(provider, environment, model)
    assert outcome.finish_reason == reason
    assert (outcome.error.code if outcome.error else None) == code


async def test_totals_are_what_the_server_reported(
    provider: LeanProvider, environment: Environment, server: ModelServer
) -> None:
    outcome, sink = await run(provider, environment, "batch-5")
    usages = [event.payload.usage for event in sink.events if getattr(event.payload, "usage", None)]
    assert outcome.totals.model_calls == len(usages) == len(server.calls) == 6
    assert outcome.totals.input_tokens == sum(usage.input_tokens for usage in usages)
    assert outcome.totals.cost_usd is None
    assert len(server.plain_calls) == outcome.totals.sub_calls == 5


async def test_buckets_of_the_totals_are_what_the_server_reported(
    provider: LeanProvider, environment: Environment, server: ModelServer
) -> None:
    cached = NAMED["cached"]
    server.behave("mine", lambda call: replace(NUMBERED["batch"](5)(call), **caches(cached(call))))
    outcome, sink = await run(provider, environment, "mine")
    totals, reported = outcome.totals, server.ledger.reported
    assert (totals.input_tokens, totals.output_tokens) == (reported.input_tokens, reported.output_tokens)
    parts = (totals.cached_tokens, totals.cache_write_tokens, totals.reasoning_tokens)
    assert parts == (reported.cached_tokens, reported.cache_write_tokens, reported.reasoning_tokens) == (30, 18, 12)
    root = next(iter(sink.projection().spans.values()))
    assert (root.cached_tokens, root.cache_write_tokens, root.reasoning_tokens) == parts
    assert server.ledger.twice() == {}


def caches(reply: Reply) -> dict[str, object]:
    names = ("usage_form", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
    return {name: getattr(reply, name) for name in names}


async def test_model_that_hangs_ends_with_the_runs_time(provider: LeanProvider, environment: Environment) -> None:
    outcome, _ = await run(provider, environment, "hang", Budget(max_seconds=0.8))
    assert outcome.finish_reason == "timeout"
    assert 0.8 <= outcome.totals.seconds < 1.5


async def test_cancel_closes_the_connection_within_a_second(
    provider: LeanProvider, environment: Environment, server: ModelServer
) -> None:
    token = CancelToken()
    task = asyncio.create_task(run(provider, environment, "hold", cancel=token))
    await asyncio.to_thread(server.wait_for_calls, 1)
    since = time.monotonic()
    token.cancel()
    outcome, _ = await task
    assert time.monotonic() - since < 1.0
    assert outcome.finish_reason == "cancelled"
    await asyncio.to_thread(server.wait_for_calls, 1, outcome="left")


@pytest.mark.parametrize(
    ("model", "failure", "requests"),
    [
        ("unauthorized", "rejected_credentials", 1),
        ("not-found", "unknown_model", 1),
        ("always-503", "provider_unavailable", 3),
        ("always-429", "rate_limited", 3),
        ("always-cut", "provider_unavailable", 3),
    ],
)
async def test_run_whose_model_fails_for_good_goes_on_with_the_next_one(
    provider: LeanProvider, environment: Environment, server: ModelServer, model: str, failure: str, requests: int
) -> None:
    outcome, sink = await run(provider, environment, model, fallback_models=("always-503", "two-turns"))
    assert (outcome.status, outcome.answer, outcome.totals.steps) == ("succeeded", "42", 2)
    logs = [event.payload for event in sink.events if event.type == "log" and event.payload.data.get("code")]
    assert (logs[0].data["from"], logs[0].data["failure"]) == (f"openai/{model}", failure)
    assert logs[-1].data["to"] == "openai/two-turns"
    called = [call.model for call in server.calls]
    assert called[:requests] == [model] * requests
    assert called[-2:] == ["two-turns", "two-turns"]
    assert called.count("always-503") == 3
    assert sink.finished("2/m/3" if model != "always-503" else "2/m/2").status == "ok"


async def test_request_that_the_provider_refuses_is_not_asked_elsewhere(
    provider: LeanProvider, environment: Environment, server: ModelServer
) -> None:
    outcome, _ = await run(provider, environment, "bad-request", fallback_models=("submit",))
    assert outcome.error.code == "provider_bad_request"
    assert [call.model for call in server.calls] == ["bad-request"]


async def test_model_that_hangs_leaves_time_for_the_next_one(
    provider: LeanProvider, environment: Environment, server: ModelServer
) -> None:
    outcome, sink = await run(provider, environment, "hang", Budget(max_seconds=3), fallback_models=("submit",))
    assert (outcome.finish_reason, outcome.answer) == ("submitted", "42")
    assert sink.finished("1/m").failure.code == "provider_timeout"
    assert 1.4 <= outcome.totals.seconds < 2.4
    await asyncio.to_thread(server.wait_for_calls, 1, outcome="left")


async def test_cancel_during_a_fallback_closes_its_connection(
    provider: LeanProvider, environment: Environment, server: ModelServer
) -> None:
    token = CancelToken()
    task = asyncio.create_task(run(provider, environment, "unauthorized", cancel=token, fallback_models=("hold",)))
    await asyncio.to_thread(server.wait_for_calls, 2)
    since = time.monotonic()
    token.cancel()
    outcome, sink = await task
    assert time.monotonic() - since < 1.0
    assert (outcome.finish_reason, sink.finished("1/m/2").status) == ("cancelled", "cancelled")
    await asyncio.to_thread(server.wait_for_calls, 1, outcome="left")
