"""What happens at each limit, and that the limits hold."""

import asyncio

import pytest

from rlmlab.engine import budget
from rlmlab.engine.errors import BadRequest, ProviderUnavailable
from rlmlab.engine.events import BudgetState, Log, Message
from rlmlab.engine.providers.base import ChatRequest, Price
from rlmlab.engine.types import Budget
from tests.engine.conftest import Lab
from tests.engine.fakes.provider import Say, ScriptedProvider, by_level, turns


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


async def test_steps_used_up_end_in_a_fallback_that_is_no_step(lab: Lab) -> None:
    ran = await lab.run(turns(code("print(1)"), code("print(2)"), "the best I have"), budget=Budget(max_steps=2))
    assert ran.outcome.answer == "the best I have"
    assert (ran.outcome.status, ran.outcome.finish_reason) == ("succeeded", "fallback")
    assert (ran.outcome.totals.steps, ran.outcome.totals.model_calls) == (2, 3)
    request = ran.provider.requests[-1]
    assert "max_steps is reached" in request.messages[-1].content
    assert "The next step is your last" in ran.provider.requests[1].messages[-1].content
    assert ran.sink.paths("model_call") == ["1/m", "2/m", "f"]
    assert ran.sink.payloads(BudgetState)[-1].exhausted == "max_steps"


async def test_fallback_without_text_fails_the_run_as_budget(lab: Lab) -> None:
    ran = await lab.run(turns(code("print(1)"), "  "), budget=Budget(max_steps=1))
    assert (ran.outcome.status, ran.outcome.finish_reason) == ("failed", "budget")
    assert ran.outcome.error.code == "budget"
    assert ran.outcome.error.message == "max_steps is reached, and the last call brought no answer"


async def test_fallback_whose_call_fails_names_both_reasons(lab: Lab) -> None:
    ran = await lab.run(turns(code("print(1)"), ProviderUnavailable("no route")), budget=Budget(max_steps=1))
    assert ran.outcome.finish_reason == "budget"
    assert ran.outcome.error.message == "max_steps is reached, and the last call failed: no route"


async def test_fallback_must_match_the_schema(lab: Lab) -> None:
    schema = {"type": "array", "items": {"type": "integer"}}
    ran = await lab.run(turns(code("1"), "```json\n[1, 2]\n```"), budget=Budget(max_steps=1), response_schema=schema)
    assert ran.outcome.answer == [1, 2]
    ran = await lab.run(turns(code("1"), "one and two"), budget=Budget(max_steps=1), response_schema=schema)
    assert (ran.outcome.answer, ran.outcome.finish_reason) == (None, "budget")


async def test_sub_calls_used_up_raise_in_the_cell_and_end_in_a_fallback(lab: Lab) -> None:
    text = (
        "for n in range(9):\n    try:\n        llm_query(str(n))\n    except BudgetExceeded as e:\n        print(n, e)"
    )
    script = by_level({"Root": turns(code(text), "so far"), "plain": turns("ok")})
    ran = await lab.run(script, budget=Budget(max_sub_calls=3))
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("fallback", "so far")
    assert ran.outcome.totals.sub_calls == 3
    told = ran.provider.requests[-1].messages[-1].content
    assert "3 The run's budget does not allow this call: max_sub_calls is reached\n4 The run's" in told
    assert ran.sink.finished("1/4/0").status == "refused"
    assert ran.sink.finished("1/4/0").failure.code == "budget"


async def test_batch_larger_than_what_is_left_is_refused_before_any_of_it_is_paid(lab: Lab) -> None:
    script = by_level({"Root": turns(code("llm_query_batched(['x'] * 4)"), "best"), "plain": turns("ok")})
    ran = await lab.run(script, budget=Budget(max_sub_calls=3))
    assert ran.outcome.finish_reason == "fallback"
    assert (ran.outcome.totals.sub_calls, ran.outcome.totals.model_calls) == (0, 2)
    assert ran.sink.finished("1/1/0").status == "refused"
    assert "BudgetExceeded" in ran.provider.requests[-1].messages[-1].content


async def test_tokens_used_up_in_a_batch_end_the_run_within_its_limit(lab: Lab) -> None:
    script = by_level(
        {
            "Root": turns(code("llm_query_batched(['word ' * 600] * 50)"), "partial"),
            "plain": lambda request: Say("x" * 4 * request.max_tokens),
        }
    )
    ran = await lab.run(script, budget=Budget(max_tokens=40_000))
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("fallback", "partial")
    totals = ran.outcome.totals
    assert totals.input_tokens + totals.output_tokens <= 40_000
    statuses = [ran.sink.finished(path).status for path in ran.sink.paths("sub_call")]
    assert statuses.count("ok") == totals.sub_calls
    assert statuses.count("refused") == 50 - totals.sub_calls


async def test_first_call_that_cannot_fit_is_never_made(lab: Lab) -> None:
    ran = await lab.run(turns(code("FINAL(1)")), budget=Budget(max_tokens=300))
    assert (ran.outcome.status, ran.outcome.finish_reason) == ("failed", "budget")
    assert ran.outcome.error.message == "max_tokens is reached, and there was no room left for a last call"
    assert ran.provider.requests == []
    assert ran.outcome.totals.model_calls == 0
    assert ran.outcome.totals.steps == 0


async def test_cost_limit_holds_and_ends_in_a_fallback(lab: Lab) -> None:
    provider = ScriptedProvider(
        lambda request: "best" if "is reached" in request.messages[-1].content else code("print('again')"),
        {"big": Price(1e-5, 1e-4)},
    )
    ran = await lab.run(provider.script, provider=provider, budget=Budget(max_cost_usd=0.2))
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("fallback", "best")
    assert 0.05 < ran.outcome.totals.cost_usd <= 0.2
    assert "max_cost_usd is reached" in provider.requests[-1].messages[-1].content


async def test_cost_limit_of_zero_makes_no_call(lab: Lab) -> None:
    ran = await lab.run(turns("x"), budget=Budget(max_cost_usd=0))
    assert (ran.outcome.finish_reason, ran.provider.requests) == ("budget", [])


async def test_default_cost_limit_is_one_dollar_where_all_models_have_a_price(lab: Lab) -> None:
    ran = await lab.run(turns(code("FINAL(budget()['cost_usd'] < 1)")))
    assert ran.outcome.answer is True
    assert ran.sink.payloads(BudgetState)[-1].limits["max_cost_usd"] == 1.0


async def test_unpriced_model_has_no_cost_limit_by_default_and_an_unknown_cost(lab: Lab) -> None:
    provider = ScriptedProvider(turns(code("FINAL(budget()['cost_usd'])"), "x"), {"big": None})
    ran = await lab.run(provider.script, provider=provider, response_schema={"type": "null"})
    assert (ran.outcome.finish_reason, ran.outcome.totals.cost_usd) == ("submitted", None)
    assert ran.sink.payloads(BudgetState)[-1].limits["max_cost_usd"] is None
    assert ran.sink.payloads(BudgetState)[-1].spent["max_cost_usd"] is None


@pytest.mark.parametrize(("model", "sub_model"), [("free", None), ("big", "free")])
async def test_explicit_cost_limit_with_an_unpriced_model_stops_the_run(
    lab: Lab, model: str, sub_model: str | None
) -> None:
    provider = ScriptedProvider(turns("x"), {"big": Price(1e-6, 1e-6), "free": None})
    ran = await lab.run(
        provider.script, provider=provider, model=model, sub_model=sub_model, budget=Budget(max_cost_usd=5)
    )
    assert (ran.outcome.status, ran.outcome.finish_reason) == ("failed", "error")
    assert ran.outcome.error.code == "unpriced_model"
    where = "set a price under Settings → Providers & models"
    assert ran.outcome.error.message == f"max_cost_usd is set, but no price is known for free: {where}"
    assert provider.requests == []


async def test_unknown_model_ends_the_run_with_its_reason(lab: Lab) -> None:
    ran = await lab.run(turns("x"), model="nope/model")
    assert (ran.outcome.error.code, ran.outcome.error.message) == ("unknown_model", "'nope/model' is not a known model")


async def test_provider_that_refuses_ends_the_run_as_error(lab: Lab) -> None:
    ran = await lab.run(turns(BadRequest("the key was rejected")))
    assert (ran.outcome.status, ran.outcome.finish_reason) == ("failed", "error")
    assert (ran.outcome.error.code, ran.outcome.error.message) == ("provider_bad_request", "the key was rejected")
    assert ran.sink.finished("1/m").failure.code == "provider_bad_request"
    assert ran.sink.finished("1").status == "error"


async def test_time_used_up_in_a_cell_ends_in_a_fallback(lab: Lab) -> None:
    ran = await lab.run(turns(code("while True: pass"), "in time"), budget=Budget(max_seconds=1.0))
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("fallback", "in time")
    assert 0.8 <= ran.outcome.totals.seconds < 1.5
    assert ran.sink.finished("1/c1").status == "cancelled"
    assert "max_seconds is reached" in ran.provider.requests[-1].messages[-1].content


async def test_time_used_up_by_the_model_ends_as_timeout(lab: Lab) -> None:
    ran = await lab.run(turns(Say("never", seconds=60)), budget=Budget(max_seconds=0.5))
    assert (ran.outcome.status, ran.outcome.finish_reason) == ("failed", "timeout")
    assert ran.outcome.error.message == "max_seconds is reached, and there was no time left for a last call"
    assert 0.5 <= ran.outcome.totals.seconds < 1.0
    assert ran.sink.finished("1/m").usage.estimated is True


async def test_cell_that_ignores_exhaustion_is_killed_after_five_seconds(lab: Lab) -> None:
    text = "try:\n    llm_query('x')\nexcept BudgetExceeded:\n    pass\nwhile True: pass"
    start = asyncio.get_running_loop().time()
    ran = await lab.run(turns(code(text), "rest"), budget=Budget(max_sub_calls=0))
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("fallback", "rest")
    assert 4.9 < asyncio.get_running_loop().time() - start < 7


async def test_child_that_exhausts_the_run_ends_all_levels(lab: Lab) -> None:
    script = by_level(
        {
            "Root": turns(code("print(rlm_query('Child'))"), "root's best"),
            "Child": turns(code("llm_query('one')\nllm_query('two')"), "never asked"),
            "plain": turns("ok"),
        }
    )
    ran = await lab.run(script, budget=Budget(max_sub_calls=2))
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("fallback", "root's best")
    assert ran.sink.finished("1/1/0").failure.code == "budget"
    assert ran.sink.finished("1/1/0").status == "error"
    assert ran.outcome.totals.sub_calls == 2
    assert [request.purpose for request in ran.sink.payloads(Message) if request.purpose == "fallback"] == ["fallback"]


async def test_provider_that_reports_more_than_reserved_is_recorded_as_an_overrun(lab: Lab) -> None:
    ran = await lab.run(turns(Say(code("FINAL(1)"), input_tokens=90_000)), budget=Budget(max_tokens=50_000))
    warnings = [log for log in ran.sink.payloads(Log) if log.data.get("code") == "overrun"]
    assert len(warnings) == 1
    assert warnings[0].data["tokens"] > 70_000
    assert ran.outcome.totals.input_tokens == 90_000
    assert ran.outcome.finish_reason == "submitted"


async def test_worst_ratio_seen_raises_later_reservations(lab: Lab) -> None:
    def script(request: ChatRequest) -> Say:
        sent = sum(len(message.content) for message in request.messages)
        return Say(code("print('x')"), input_tokens=sent * 5)  # fifteen times the bound of bytes / 3

    ran = await lab.run(script, budget=Budget(max_tokens=150_000))
    assert ran.outcome.finish_reason in {"fallback", "budget"}
    overruns = [log for log in ran.sink.payloads(Log) if log.data.get("code") == "overrun"]
    assert len(overruns) == 1  # only the first call could surprise the meter
    assert ran.outcome.totals.input_tokens + ran.outcome.totals.output_tokens <= 150_000


async def test_budget_left_is_told_at_every_step(lab: Lab) -> None:
    ran = await lab.run(turns(code("print(1)"), code("print(2)"), code("FINAL(budget())")))
    told = [request.messages[-1].content.splitlines()[-1] for request in ran.provider.requests]
    assert [line.split(",")[0] for line in told] == [
        "[Budget left: 30 steps",
        "[Budget left: 29 steps",
        "[Budget left: 28 steps",
    ]
    assert set(ran.outcome.answer) == {"tokens", "cost_usd", "sub_calls", "steps", "seconds", "depth"}
    assert ran.outcome.answer["steps"] == 27


@pytest.mark.parametrize("call", ["budget()", "llm_query(5)"])
async def test_endless_host_calls_exhaust_the_run(lab: Lab, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """They spend nothing and stop the cell's clock, so that no other limit would end them soon."""
    monkeypatch.setattr(budget, "MOST_HOST_CALLS", 20)
    text = f"while True:\n    try:\n        {call}\n    except TypeError:\n        pass"
    ran = await lab.run(turns(code(text), "so far"), budget=Budget(max_sub_calls=5))
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("fallback", "so far")
    assert "BudgetExceeded" in ran.provider.requests[-1].messages[-1].content
    assert ran.sink.payloads(BudgetState)[-1].exhausted == "host_calls"
    assert len(ran.sink.paths("tool_call")) == (25 if call == "budget()" else 0)
