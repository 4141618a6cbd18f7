"""Whole runs of random trees: their spend stays within every limit, and is what the model server reports."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rlmlab.engine.clock import SystemClock
from rlmlab.engine.errors import ProviderUnavailable
from rlmlab.engine.events import BudgetState, SpanStarted
from rlmlab.engine.orchestrator import execute
from rlmlab.engine.providers.base import ChatRequest, Completed, ModelInfo, Price, Restarted, TextDelta, TokenUsage
from rlmlab.engine.providers.lean import Endpoint, LeanProvider, fixed
from rlmlab.engine.providers.retries import RetryPolicy
from rlmlab.engine.stream import EventStream
from rlmlab.engine.types import Budget, CancelToken, RunOutcome, RunSpec
from rlmlab.modelserver.scripted.replies import Call, Reply
from sandbox.restricted import RestrictedEnvironment
from tests.engine.fakes.provider import Say, ScriptedProvider
from tests.engine.fakes.sink import MemorySink, check_stream
from tests.fakes.model_server import ModelServer

RUN_ID = UUID("00000000-0000-4000-8000-000000000003")
PRICE = Price(1e-5, 1e-4, 1e-6, 1.25e-5)
ROUNDING = 1e-9
Plan = dict[str, Any]


def plans() -> st.SearchStrategy[Plan]:
    """A level's plan: a few steps, each a batch of questions or of levels with their own plans, and their budget."""
    given = st.fixed_dictionaries(
        {},
        optional={
            "max_tokens": st.integers(500, 30_000),
            "max_cost_usd": st.floats(0.001, 0.3),
            "max_sub_calls": st.integers(0, 4),
            "max_steps": st.integers(1, 2),
        },
    )
    questions = st.fixed_dictionaries({"ask": st.lists(st.integers(0, 4_000), min_size=1, max_size=6)})
    leaf = st.fixed_dictionaries({"steps": st.lists(questions, max_size=2)})

    def deeper(below: st.SearchStrategy[Plan]) -> st.SearchStrategy[Plan]:
        levels = st.fixed_dictionaries({"below": st.lists(below, min_size=1, max_size=3), "budget": st.none() | given})
        return st.fixed_dictionaries({"steps": st.lists(questions | levels, min_size=1, max_size=2)})

    return st.recursive(leaf, deeper, max_leaves=4)


def cell(step: Plan) -> str:
    """Write the code of one step, which survives what is refused."""
    if "ask" in step:
        call = f"llm_query_batched(['word ' * n for n in {step['ask']}])"
    else:
        tasks = [f"PLAN{json.dumps(plan)}END" for plan in step["below"]]
        call = f"rlm_query_batched({tasks!r}, budget={step['budget']!r})"
    return f"```repl\ntry:\n    print({call})\nexcept BudgetExceeded as e:\n    print(e)\n```"


def replied(messages: list[tuple[str, str]]) -> str:
    """Say what a model that follows its plan says; a plain question is answered at once."""
    task = next(content for role, content in messages if role == "user")
    if "REPL" not in messages[0][1]:
        return "yes"
    if "No more code is run" in messages[-1][1]:
        return "the best so far"
    steps = json.loads(task.split("PLAN")[1].split("END")[0])["steps"]
    turn = sum(role == "assistant" for role, _ in messages)
    return cell(steps[turn]) if turn < len(steps) else "```repl\nFINAL('done')\n```"


class Books(ScriptedProvider):
    """Follows plans; uses some of what is reserved, fails and starts again at times, and keeps books."""

    def __init__(self, seed: int) -> None:
        super().__init__(self.say, {"big": PRICE})
        self.random = random.Random(seed)  # noqa: S311 - which calls fail
        self.paid: list[TokenUsage] = []

    def say(self, request: ChatRequest) -> Say:
        text = replied([(message.role, message.content) for message in request.messages])
        if text == "yes" and self.random.random() < 0.15:
            raise ProviderUnavailable("not now")
        return Say(text, restarts=int(self.random.random() < 0.1))

    async def stream(self, request: ChatRequest) -> AsyncIterator[TextDelta | Restarted | Completed]:
        await asyncio.sleep(0)
        async for item in super().stream(request):
            if isinstance(item, Completed):
                item = Completed(item.text, self.usage(request), item.finish_reason, item.attempts)  # noqa: PLW2901
                self.paid.append(item.usage)
            yield item

    def usage(self, request: ChatRequest) -> TokenUsage:
        sent = sum(len(message.content.encode()) // 3 for message in request.messages)
        read = int(sent * self.random.random())
        return TokenUsage(
            sent,
            int(request.max_tokens * self.random.random()),
            cached_tokens=read,
            cache_write_tokens=int((sent - read) * self.random.random()),
        )


async def ran(
    plan: Plan, budget: Budget, provider: Books | LeanProvider, model: str, cancel_after: float | None = None
):
    environment = RestrictedEnvironment(spares=1)
    await environment.start()
    sink, clock, cancel = MemorySink(), SystemClock(), CancelToken()
    if cancel_after is not None:
        asyncio.get_running_loop().call_later(cancel_after, cancel.cancel)
    try:
        outcome = await execute(
            RunSpec(RUN_ID, f"PLAN{json.dumps(plan)}END", model, budget=budget),
            provider=provider,
            environment=environment,
            stream=EventStream(RUN_ID, [sink], clock),
            clock=clock,
            cancel=cancel,
        )
    finally:
        await environment.close()
    return outcome, sink


def hold(outcome: RunOutcome, sink: MemorySink, budget: Budget) -> None:
    """Hold a run, at each of its moments, and each of its slices against their limits."""
    check_stream(sink.events)
    assert sink.projection().totals == outcome.totals
    for state in sink.payloads(BudgetState):
        for each in filter(None, (state, state.slice)):
            for name in ("max_tokens", "max_cost_usd", "max_sub_calls"):
                limit = each.limits[name]
                assert limit is None or (each.spent[name] or 0) <= limit + ROUNDING
    rows = list(sink.projection().spans.values())
    for start in sink.payloads(SpanStarted):
        given = start.data.get("budget", {}) if start.kind == "sub_call" else {}
        row = next(row for row in rows if row.path == start.path)
        below = [each for each in rows if each.kind == "sub_call" and each.path.startswith(f"{start.path}/")]
        assert row.input_tokens + row.output_tokens <= given.get("max_tokens", 10**9)
        assert row.cost_usd <= given.get("max_cost_usd", 10**9) + ROUNDING
        assert sum(each.status != "refused" for each in below) <= given.get("max_sub_calls", 10**9)
    assert outcome.totals.input_tokens + outcome.totals.output_tokens <= budget.max_tokens
    assert outcome.totals.sub_calls <= budget.max_sub_calls


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    plan=plans(),
    seed=st.integers(0, 10**6),
    tokens=st.integers(2_000, 120_000),
    cost=st.floats(0.01, 1.0),
    sub_calls=st.integers(0, 12),
    cancel_after=st.none() | st.floats(0, 0.1),
)
@example(
    plan={"steps": [{"below": [{"steps": []}], "budget": None}]},  # the level below is refused
    seed=1,
    tokens=12_000,
    cost=0.1,
    sub_calls=0,
    cancel_after=None,
)
def test_random_trees_stay_within_every_limit(
    plan: Plan, seed: int, tokens: int, cost: float, sub_calls: int, cancel_after: float | None
) -> None:
    budget = Budget(max_tokens=tokens, max_cost_usd=cost, max_sub_calls=sub_calls, max_steps=4)
    provider = Books(seed)
    outcome, sink = asyncio.run(ran(plan, budget, provider, "big", cancel_after))
    hold(outcome, sink, budget)
    assert outcome.finish_reason in {"submitted", "fallback", "budget", "cancelled", "error"}
    totals = outcome.totals
    reported = [
        sum(usage.input_tokens for usage in provider.paid),
        sum(usage.output_tokens for usage in provider.paid),
        sum(usage.cost_usd(PRICE) for usage in provider.paid),
    ]
    if outcome.finish_reason == "cancelled":  # calls cut short are counted as an upper bound
        assert [totals.input_tokens, totals.output_tokens] >= reported[:2]
    else:
        assert [totals.input_tokens, totals.output_tokens] == reported[:2]
        assert totals.cost_usd == pytest.approx(reported[2], abs=ROUNDING)
    assert totals.cost_usd <= cost + ROUNDING


TREES = [
    {"steps": [{"ask": [10] * 20}, {"ask": [500] * 5}]},
    {"steps": [{"below": [{"steps": [{"ask": [100] * 3}]}] * 4, "budget": None}]},
    {"steps": [{"below": [{"steps": [{"ask": [10] * 6}]}] * 2, "budget": {"max_sub_calls": 3, "max_tokens": 20_000}}]},
]


@pytest.mark.parametrize("plan", TREES)
@pytest.mark.parametrize("tokens", [25_000, 400_000])
async def test_totals_over_http_are_what_the_server_reported(plan: Plan, tokens: int) -> None:
    def behave(call: Call) -> Reply:
        return Reply(replied([(message["role"], str(message["content"])) for message in call.messages]))

    budget = Budget(max_tokens=tokens, max_cost_usd=5.0, max_sub_calls=30, max_steps=4)
    with ModelServer() as server:
        server.behave("planned", behave)
        policy = RetryPolicy(attempts=3, first_wait_seconds=0.01, random=lambda: 0.0)
        provider = LeanProvider(
            fixed(Endpoint(server.base_url, "sk-ada")), lambda model: ModelInfo(model, PRICE), policy=policy
        )
        outcome, sink = await ran(plan, budget, provider, "openai/planned")
        await provider.close()
    hold(outcome, sink, budget)
    reported = server.ledger.reported
    assert (outcome.totals.input_tokens, outcome.totals.output_tokens) == (
        reported.input_tokens,
        reported.output_tokens,
    )
    assert outcome.totals.model_calls == server.ledger.requests == reported.calls
    assert outcome.totals.cost_usd == pytest.approx(
        TokenUsage(
            reported.input_tokens,
            reported.output_tokens,
            reported.cached_tokens,
            cache_write_tokens=reported.cache_write_tokens,
        ).cost_usd(PRICE)
    )
