"""Whole runs: a model over real HTTP, the lean provider, the engine, the jailed REPL."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
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
