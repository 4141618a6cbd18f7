"""Models that stand in for one that failed for good."""

import asyncio
import time
from collections.abc import Mapping

import pytest

from rlmlab.engine.calls import MOST_IN_FLIGHT
from rlmlab.engine.errors import (
    BadRequest,
    EndpointDown,
    MissingCredentials,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RejectedCredentials,
    UnknownModel,
)
from rlmlab.engine.events import Log, SpanFinished, SpanStarted
from rlmlab.engine.fallbacks import OUTAGE_SECONDS, Circuit
from rlmlab.engine.providers.base import ChatRequest, ModelInfo, Price, TextDelta
from rlmlab.engine.types import Budget, CancelToken
from tests.engine.conftest import Lab, Ran
from tests.engine.fakes.provider import Say, Script, ScriptedProvider, by_level, turns

CHEAP = Price(1e-6, 2e-6)
PRICES = {"big": CHEAP, "spare": CHEAP, "third": CHEAP}
DOWN = ProviderUnavailable("503 from the provider")


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


def by_model(scripts: Mapping[str, Script]) -> Script:
    return lambda request: scripts[request.model](request)


def provider_of(scripts: Mapping[str, Script], **prices: Price | None) -> ScriptedProvider:
    return ScriptedProvider(by_model(scripts), {**PRICES, **prices})


async def run(lab: Lab, scripts: Mapping[str, Script], *fallbacks: str, **spec: object) -> Ran:
    provider = provider_of(scripts)
    return await lab.run(provider.script, provider=provider, fallback_models=fallbacks or ("spare",), **spec)


def asked(ran: Ran) -> list[str]:
    return [request.model for request in ran.provider.requests]


async def test_step_whose_model_fails_is_put_to_the_next_one(lab: Lab) -> None:
    ran = await run(lab, {"big": turns(DOWN), "spare": turns(code("print(1)"), code("FINAL('ok')"))})
    assert (ran.outcome.status, ran.outcome.answer) == ("succeeded", "ok")
    assert asked(ran) == ["big", "spare", "spare"]
    assert ran.provider.requests[0].messages == ran.provider.requests[1].messages
    assert ran.sink.paths("model_call") == ["1/m", "1/m/2", "2/m/2"]
    failed = ran.sink.finished("1/m")
    assert (failed.status, failed.failure.code, failed.usage) == ("error", "provider_unavailable", None)
    assert ran.sink.finished("1/m/2").status == "ok"
    assert ran.sink.finished("1").status == "ok"
    (log,) = ran.sink.payloads(Log, "step")
    assert log.level == "warning"
    assert log.message == "big failed, spare is asked instead: 503 from the provider"
    assert log.data == {
        "code": "fallback",
        "from": "big",
        "to": "spare",
        "reason": "503 from the provider",
        "failure": "provider_unavailable",
    }
    starts = [start.data for start in ran.sink.payloads(SpanStarted) if start.kind == "model_call"]
    assert [(data["model"], data["fallback_for"]) for data in starts] == [
        ("big", None),
        ("spare", "big"),
        ("spare", "big"),
    ]
    assert ran.sink.payloads(SpanStarted)[0].data["fallback_models"] == ["spare"]
    assert (ran.outcome.totals.model_calls, ran.outcome.totals.steps) == (3, 2)


@pytest.mark.parametrize(
    "error",
    [
        DOWN,
        ProviderTimeout("nothing for 300 s"),
        RateLimited("still 429"),
        MissingCredentials("no key"),
        RejectedCredentials("401"),
        UnknownModel("404"),
    ],
)
async def test_failure_that_another_model_may_cure_falls_back(lab: Lab, error: ProviderError) -> None:
    ran = await run(lab, {"big": turns(error), "spare": turns(code("FINAL(1)"))})
    assert (ran.outcome.answer, asked(ran)) == (1, ["big", "spare"])
    assert ran.sink.payloads(Log)[0].data["failure"] == error.code


async def test_request_that_is_refused_for_what_it_says_does_not(lab: Lab) -> None:
    ran = await run(lab, {"big": turns(BadRequest("context_length_exceeded")), "spare": turns(code("FINAL(1)"))})
    assert (ran.outcome.finish_reason, ran.outcome.error.code) == ("error", "provider_bad_request")
    assert asked(ran) == ["big"]
    assert ran.sink.payloads(Log) == []


async def test_run_without_fallbacks_ends_as_before(lab: Lab) -> None:
    provider = provider_of({"big": turns(DOWN)})
    ran = await lab.run(provider.script, provider=provider)
    assert (ran.outcome.error.code, asked(ran)) == ("provider_unavailable", ["big"])


async def test_when_all_fail_the_last_failure_ends_the_run(lab: Lab) -> None:
    scripts = {"big": turns(DOWN), "spare": turns(RateLimited("429")), "third": turns(RejectedCredentials("401 third"))}
    ran = await run(lab, scripts, "spare", "big", "third", "spare")
    assert asked(ran) == ["big", "spare", "third"]
    assert ran.sink.paths("model_call") == ["1/m", "1/m/2", "1/m/3"]
    assert (ran.outcome.error.code, ran.outcome.error.message) == ("rejected_credentials", "401 third")
    assert ran.outcome.totals.model_calls == 3


async def test_sub_calls_fall_back_to_the_same_list_whatever_model_was_asked(lab: Lab) -> None:
    root = code("FINAL([llm_query('q'), llm_query('q', model='third'), *llm_query_batched(['a', 'b'])])")
    scripts = {
        "big": by_level({"Root": turns(root), "plain": turns("big")}),
        "small": turns(DOWN),
        "third": turns(RateLimited("429")),
        "spare": turns("spare"),
    }
    provider = provider_of(scripts, small=CHEAP)
    ran = await lab.run(provider.script, provider=provider, fallback_models=("spare",), sub_model="small")
    assert ran.outcome.answer == ["spare"] * 4
    assert asked(ran) == ["big", "small", "spare", "third", "spare", "spare", "spare"]
    assert sorted(ran.sink.paths("model_call")) == sorted(
        ["1/m", "1/1/0/m", "1/1/0/m/2", "1/2/0/m", "1/2/0/m/2", "1/3/0/m/2", "1/3/1/m/2"]
    )
    assert [log.data["from"] for log in ran.sink.payloads(Log, "sub_call")] == ["small", "third"]
    assert ran.sink.finished("1/1/0").status == "ok"
    assert ran.outcome.totals.sub_calls == 4


async def test_batch_whose_model_goes_down_is_answered_by_the_next_one(lab: Lab) -> None:
    async def slow_failure(_: ChatRequest) -> str:
        await asyncio.sleep(0.02)
        raise DOWN

    root = turns(code("FINAL(sorted(set(llm_query_batched(['x'] * 90))))"))
    scripts = {"big": by_level({"Root": root, "plain": slow_failure}), "spare": turns("spare")}
    ran = await run(lab, scripts)
    assert ran.outcome.answer == ["spare"]
    assert ran.outcome.totals.sub_calls == 90
    assert asked(ran).count("spare") == 90
    assert asked(ran).count("big") == 1 + MOST_IN_FLIGHT  # those that waited for their turn did not ask it any more


async def test_recursive_level_falls_back_as_the_root_does(lab: Lab) -> None:
    scripts = {
        "big": by_level({"Root": turns(code("FINAL(rlm_query('Child'))")), "Child": turns(DOWN)}),
        "spare": turns(code("FINAL('child')")),
    }
    ran = await run(lab, scripts)
    assert ran.outcome.answer == "child"
    assert ran.sink.paths("model_call") == ["1/m", "1/1/0/1/m", "1/1/0/1/m/2"]


async def test_last_call_falls_back(lab: Lab) -> None:
    scripts = {"big": turns(code("print(1)"), DOWN), "spare": turns("the best I have")}
    ran = await run(lab, scripts, budget=Budget(max_steps=1))
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("fallback", "the best I have")
    assert ran.sink.paths("model_call") == ["1/m", "f", "f/2"]
    assert [log.data["code"] for log in ran.sink.payloads(Log, "run")] == ["fallback"]


async def test_last_call_that_fails_everywhere_names_the_last_reason(lab: Lab) -> None:
    scripts = {"big": turns(code("print(1)"), DOWN), "spare": turns(UnknownModel("spare is gone"))}
    ran = await run(lab, scripts, budget=Budget(max_steps=1))
    assert ran.outcome.error.message == "max_steps is reached, and the last call failed: spare is gone"


async def test_unpriced_fallback_under_a_cost_limit_stops_the_run_at_its_start(lab: Lab) -> None:
    provider = provider_of({}, spare=None)
    ran = await lab.run(
        provider.script, provider=provider, fallback_models=("spare",), budget=Budget(max_cost_usd=1), sub_model="spare"
    )
    assert ran.outcome.error.code == "unpriced_model"
    where = "set a price under Settings → Providers & models"
    assert ran.outcome.error.message == f"max_cost_usd is set, but no price is known for spare: {where}"
    assert asked(ran) == []


async def test_unpriced_fallback_without_a_limit_means_no_cost_limit(lab: Lab) -> None:
    provider = provider_of({"big": turns(code("FINAL([budget()['cost_usd']])"))}, spare=None)
    ran = await lab.run(provider.script, provider=provider, fallback_models=("spare",))
    assert ran.outcome.answer == [None]
    assert ran.sink.payloads(SpanStarted)[0].data["budget"]["max_cost_usd"] is None


async def test_unknown_fallback_stops_the_run_at_its_start(lab: Lab) -> None:
    ran = await run(lab, {}, "nobody/x")
    assert (ran.outcome.error.code, asked(ran)) == ("unknown_model", [])


async def test_budget_is_reserved_anew_at_the_price_of_the_model_that_is_asked(lab: Lab) -> None:
    dear = Price(1e-5, 1e-4)
    provider = provider_of({"big": turns(DOWN), "spare": turns(code("FINAL('x' * 9)"))}, spare=dear)
    ran = await lab.run(provider.script, provider=provider, fallback_models=("spare",), budget=Budget(max_cost_usd=0.1))
    first, second = provider.requests
    assert first.max_tokens == 8_192
    assert second.max_tokens < 750
    held = 0.1 / 4
    bound_usd = 0.1 - held - second.max_tokens * dear.output_usd
    assert 0 < bound_usd < 0.02
    starts = [start.data for start in ran.sink.payloads(SpanStarted) if start.kind == "model_call"]
    assert [data["price"]["output_usd"] for data in starts] == [2e-6, 1e-4]
    usage = ran.sink.finished("1/m/2").usage
    assert usage.cost_usd == pytest.approx(usage.input_tokens * 1e-5 + usage.output_tokens * 1e-4)
    assert ran.outcome.totals.cost_usd == usage.cost_usd <= 0.1


async def test_fallback_that_does_not_fit_the_budget_is_never_asked(lab: Lab) -> None:
    provider = provider_of({"big": turns(DOWN), "spare": turns("x")}, spare=Price(1e-2, 1e-2))
    ran = await lab.run(provider.script, provider=provider, fallback_models=("spare",), budget=Budget(max_cost_usd=0.5))
    assert asked(ran) == ["big"]
    assert ran.outcome.finish_reason == "budget"
    assert ran.outcome.error.message == "max_cost_usd is reached, and there was no room left for a last call"
    assert ran.sink.finished("1").failure.code == "budget"


async def test_sub_call_whose_fallback_does_not_fit_counts_as_made(lab: Lab) -> None:
    root = by_level({"Root": turns(code("llm_query('x')"), "so far"), "plain": turns(DOWN)})
    provider = provider_of({"big": root, "spare": turns("x")}, spare=Price(1e-2, 1e-2))
    ran = await lab.run(provider.script, provider=provider, fallback_models=("spare",), budget=Budget(max_cost_usd=0.5))
    assert asked(ran)[:2] == ["big", "big"]
    span = ran.sink.finished("1/1/0")
    assert (span.status, span.failure.code) == ("error", "budget")
    assert ran.outcome.totals.sub_calls == 1


@pytest.mark.parametrize("limit_usd", [0.02, 0.06, 0.2, 1.0])
async def test_cost_never_exceeds_its_limit_while_models_come_and_go(lab: Lab, limit_usd: float) -> None:
    failing = iter(range(10_000))

    def flaky(request: ChatRequest) -> Say:
        if next(failing) % 3 == 0:
            raise DOWN
        return Say("answer " * 200, output_tokens=request.max_tokens)

    root = turns(code("print(llm_query_batched(['word ' * 400] * 20))"), code("print(2)"), "best")
    scripts = {"big": by_level({"Root": root, "plain": flaky}), "spare": flaky, "third": flaky}
    provider = provider_of(scripts, spare=Price(4e-6, 9e-6), third=Price(1e-6, 3e-5))
    ran = await lab.run(
        provider.script, provider=provider, fallback_models=("spare", "third"), budget=Budget(max_cost_usd=limit_usd)
    )
    assert ran.outcome.totals.cost_usd <= limit_usd
    calls = [finished for finished in ran.sink.payloads(SpanFinished) if finished.kind == "model_call"]
    assert ran.outcome.totals.cost_usd == pytest.approx(sum(end.usage.cost_usd for end in calls if end.usage))
    assert ran.outcome.totals.model_calls == len(calls) == len(provider.requests)


async def test_what_a_broken_stream_may_have_cost_counts_beside_the_fallback(lab: Lab) -> None:
    class Cut(ScriptedProvider):
        async def stream(self, request: ChatRequest) -> object:
            if request.model == "big":
                yield TextDelta("```repl\nprint(")
                raise ProviderUnavailable("the stream was cut four times")
            async for item in super().stream(request):
                yield item

    provider = Cut(turns(code("FINAL(1)")), PRICES)
    ran = await lab.run(provider.script, provider=provider, fallback_models=("spare",))
    first, second = (ran.sink.finished(path).usage for path in ("1/m", "1/m/2"))
    assert (first.estimated, first.output_tokens) == (True, 13)
    totals = ran.outcome.totals
    assert totals.input_tokens == first.input_tokens + second.input_tokens
    assert totals.cost_usd == pytest.approx(first.cost_usd + second.cost_usd)
    assert (ran.outcome.answer, totals.model_calls) == (1, 2)


@pytest.mark.parametrize("how", ["token", "task"])
async def test_cancel_during_a_fallback_ends_the_run_at_once(lab: Lab, how: str) -> None:
    token = CancelToken()
    running = asyncio.ensure_future(
        run(lab, {"big": turns(DOWN), "spare": turns(Say("never", seconds=60))}, cancel=token)
    )
    await asyncio.sleep(0.3)
    since = time.monotonic()
    token.cancel() if how == "token" else running.cancel()
    ran = await running
    assert time.monotonic() - since < 1.0
    assert ran.outcome.finish_reason == "cancelled"
    assert [ran.sink.finished(path).status for path in ("1/m", "1/m/2", "1")] == ["error", "cancelled", "cancelled"]


async def test_prompt_is_fitted_to_the_window_of_the_model_that_is_asked(lab: Lab) -> None:
    printing = turns(*[code(f"print({number}, 'x' * 3_000)") for number in range(4)], DOWN)
    provider = ScriptedProvider(
        by_model({"big": printing, "narrow": turns(code("FINAL(1)"))}),
        infos={"big": ModelInfo("big", CHEAP), "narrow": ModelInfo("narrow", CHEAP, context_window=4_000)},
    )
    ran = await lab.run(provider.script, provider=provider, fallback_models=("narrow",))
    whole, fitted = provider.requests[-2:]
    assert (whole.model, fitted.model) == ("big", "narrow")
    assert len(fitted.messages) < len(whole.messages)
    assert "Your earlier turns are not shown any more" in fitted.messages[1].content
    assert fitted.messages[-1].content == whole.messages[-1].content
    assert ran.outcome.answer == 1


async def test_same_failures_twice_have_the_same_span_ids(lab: Lab) -> None:
    async def identity() -> list[tuple[str, str]]:
        ran = await run(lab, {"big": turns(DOWN), "spare": turns(code("print(1)"), code("FINAL(1)"))})
        starts = [event for event in ran.sink.events if event.type == "span_started"]
        return [
            (event.span_id, event.payload.data.get("request_hash"))
            for event in starts
            if event.payload.path[-2:] == "/m"
        ]

    assert await identity() == await identity()


async def test_model_that_is_not_the_last_one_gets_half_of_the_time(lab: Lab) -> None:
    ran = await run(lab, {"big": turns(DOWN), "spare": turns(code("FINAL(1)"))}, budget=Budget(max_seconds=100))
    first, second = (request.timeout_seconds for request in ran.provider.requests)
    assert first == pytest.approx(50, abs=1)
    assert second == pytest.approx(100, abs=1)


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 100.0

    def monotonic(self) -> float:
        return self.time


BIG, SPARE, THIRD = (ModelInfo(name, CHEAP) for name in ("big", "spare", "third"))


def names(circuit: Circuit, wanted: ModelInfo) -> list[tuple[int, str]]:
    return [(number, info.model) for number, info in circuit.order(wanted)]


def test_order_is_the_wanted_model_and_then_the_list() -> None:
    circuit = Circuit([SPARE, THIRD, SPARE], Hands())
    assert names(circuit, BIG) == [(1, "big"), (2, "spare"), (3, "third")]
    assert names(circuit, THIRD) == [(1, "third"), (2, "spare")]
    assert names(Circuit([], Hands()), BIG) == [(1, "big")]


@pytest.mark.parametrize("error", [DOWN, ProviderTimeout("slow"), RateLimited("429", retry_after_seconds=3.0)])
def test_model_in_an_outage_is_skipped_for_a_while(error: ProviderError) -> None:
    clock = Hands()
    circuit = Circuit([SPARE], clock)
    circuit.failed(BIG, error)
    assert names(circuit, BIG) == [(2, "spare")]
    clock.time += OUTAGE_SECONDS - 0.1
    assert names(circuit, BIG) == [(2, "spare")]
    clock.time += 0.1
    assert names(circuit, BIG) == [(1, "big"), (2, "spare")]


def test_provider_that_says_how_long_is_believed() -> None:
    clock = Hands()
    circuit = Circuit([SPARE], clock)
    circuit.failed(BIG, RateLimited("429", retry_after_seconds=600.0))
    clock.time += 599.0
    assert names(circuit, BIG) == [(2, "spare")]
    clock.time += 1.0
    assert names(circuit, BIG)[0] == (1, "big")


@pytest.mark.parametrize("error", [MissingCredentials("x"), RejectedCredentials("x"), UnknownModel("x")])
def test_model_that_waiting_does_not_help_is_skipped_for_good(error: ProviderError) -> None:
    clock = Hands()
    circuit = Circuit([SPARE, THIRD], clock)
    circuit.failed(SPARE, error)
    clock.time += 1e9
    assert names(circuit, BIG) == [(1, "big"), (3, "third")]


def test_when_all_are_skipped_all_are_asked() -> None:
    circuit = Circuit([SPARE], Hands())
    circuit.failed(BIG, DOWN)
    circuit.failed(SPARE, RejectedCredentials("401"))
    assert names(circuit, BIG) == [(1, "big"), (2, "spare")]


def test_model_whose_endpoint_is_down_is_skipped_until_that_is_asked_again() -> None:
    clock = Hands()
    circuit = Circuit([SPARE], clock)
    circuit.failed(BIG, EndpointDown("not asked", retry_after_seconds=7.0))
    assert names(circuit, BIG) == [(2, "spare")]
    clock.time += 7.0
    assert names(circuit, BIG) == [(1, "big"), (2, "spare")]
