"""What a level gives to its `rlm_query` calls: limits by name, a fair share in any case, and how they end."""

import pytest

from rlmlab.engine.events import BudgetState, Message, SpanStarted
from rlmlab.engine.providers.base import ChatRequest, Price
from rlmlab.engine.types import Budget
from tests.engine.conftest import Lab, Ran
from tests.engine.fakes.provider import Say, Script, ScriptedProvider, by_level, turns


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


async def asked(lab: Lab, budget: str, child: Script, **limits: object) -> Ran:
    """Run a root that gives a child a budget and submits what comes back."""
    root = turns(
        code(f"try:\n    FINAL(rlm_query('Child', budget={budget}))\nexcept Exception as e:\n    FINAL(repr(e))")
    )
    return await lab.run(by_level({"Root": root, "Child": child, "plain": turns("ok")}), budget=Budget(**limits))


async def test_child_out_of_steps_answers_with_the_best_it_has(lab: Lab) -> None:
    ran = await asked(lab, "{'max_steps': 2}", turns(code("print(1)"), code("print(2)"), "child's best"))
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("submitted", "child's best")
    assert ran.sink.paths("model_call") == ["1/m", "1/1/0/1/m", "1/1/0/2/m", "1/1/0/f"]
    first, second = (request.messages[-1].content for request in ran.provider.requests[1:3])
    assert "[Budget left: 2 steps" in first
    assert "[Budget left: 1 steps" in second
    assert "The next step is your last" in second


async def test_childs_tokens_hold_and_leave_the_run_as_it_is(lab: Lab) -> None:
    def child(request: ChatRequest) -> Say:
        if "is reached" in request.messages[-1].content:
            return Say("child's best")
        return Say(code("print('again')"), output_tokens=1_000)

    ran = await asked(lab, "{'max_tokens': 20_000}", child)
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("submitted", "child's best")
    spans = ran.sink.projection().spans.values()
    row = next(row for row in spans if row.path == "1/1/0")
    assert 10_000 < row.input_tokens + row.output_tokens <= 20_000
    assert row.status == "ok"
    last = [state for state in ran.sink.payloads(BudgetState) if state.slice is not None][-1]
    assert last.exhausted is None
    assert last.slice.exhausted == "max_tokens"
    assert last.slice.limits == {"max_tokens": 20_000, "max_cost_usd": None, "max_sub_calls": None}
    assert last.slice.spent["max_tokens"] <= 20_000
    assert ran.sink.payloads(BudgetState)[-1].slice is None


async def test_childs_money_holds(lab: Lab) -> None:
    def child(request: ChatRequest) -> Say:
        return Say("best") if "is reached" in request.messages[-1].content else Say(code("print('again')"))

    provider = ScriptedProvider(turns(""), {"big": Price(1e-5, 1e-4)})
    provider.script = by_level(
        {"Root": turns(code("FINAL(rlm_query('Child', budget={'max_cost_usd': 0.1}))")), "Child": child}
    )
    ran = await lab.run(provider.script, provider=provider)
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("submitted", "best")
    row = next(row for row in ran.sink.projection().spans.values() if row.path == "1/1/0")
    assert 0.02 < row.cost_usd <= 0.1
    assert any("max_cost_usd is reached" in message.content for message in ran.sink.payloads(Message))


async def test_childs_sub_calls_hold_for_all_below_it(lab: Lab) -> None:
    tries = (
        "told = []\nfor n in range(5):\n    try:\n        llm_query(str(n))\n"
        "    except BudgetExceeded as e:\n        told.append(str(e))\nprint(told)"
    )
    ran = await asked(lab, "{'max_sub_calls': 2}", turns(code(tries), "two done"))
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("submitted", "two done")
    assert ran.outcome.totals.sub_calls == 3
    refused = ran.sink.finished("1/1/0/1/3/0")
    assert refused.status == "refused"
    assert refused.failure.message == "The budget of this rlm_query does not allow this call: max_sub_calls is reached"
    states = [state for state in ran.sink.payloads(BudgetState) if state.slice is not None]
    assert states[0].slice.exhausted == "max_sub_calls"
    assert all(state.exhausted is None for state in states)


async def test_childs_time_ends_its_cell_and_leaves_the_last_call(lab: Lab) -> None:
    ran = await asked(lab, "{'max_seconds': 0.6}", turns(code("while True: pass"), "in time"))
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("submitted", "in time")
    assert ran.sink.finished("1/1/0/1/c1").status == "cancelled"
    assert 0.4 <= ran.outcome.totals.seconds < 2


async def test_child_without_time_for_a_last_call_is_a_clear_error(lab: Lab) -> None:
    ran = await asked(lab, "{'max_seconds': 0.2}", turns(Say("never", seconds=30)))
    assert ran.outcome.answer == "SubCallError('rlm_query failed: max_seconds is reached without an answer')"
    assert ran.sink.finished("1/1/0").failure.code == "budget"
    assert ran.outcome.totals.seconds < 2


async def test_child_that_cannot_make_its_first_call_is_a_clear_error(lab: Lab) -> None:
    ran = await asked(lab, "{'max_tokens': 100}", turns("never"))
    message = "rlm_query failed: max_tokens is reached and there was no room left for a last call"
    assert ran.outcome.answer == f"SubCallError('{message}')"
    assert (ran.outcome.status, ran.outcome.totals.model_calls) == ("succeeded", 1)


async def test_grandchildren_spend_from_the_slice(lab: Lab) -> None:
    script = by_level(
        {
            "Root": turns(code("FINAL(rlm_query('Child', budget={'max_sub_calls': 3}))")),
            "Child": turns(code("print(rlm_query('Grand'))"), "child's best"),
            "Grand": turns(code("print(llm_query('a'), llm_query('b'))\nllm_query('c')"), "never asked"),
            "plain": turns("ok"),
        }
    )
    ran = await lab.run(script)
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("submitted", "child's best")
    assert ran.outcome.totals.sub_calls == 4
    assert ran.sink.finished("1/1/0/1/1/0/1/3/0").status == "refused"


async def test_child_is_told_its_own_limits_by_budget(lab: Lab) -> None:
    limits = "{'max_tokens': 30_000, 'max_cost_usd': 0.5, 'max_seconds': 60, 'max_steps': 5, 'max_sub_calls': 10}"
    ran = await asked(lab, limits, turns(code("FINAL(budget())")))
    left = ran.outcome.answer
    assert 20_000 < left["tokens"] < 30_000
    assert 0.1 < left["cost_usd"] < 0.5
    assert 40 < left["seconds"] <= 48
    assert (left["steps"], left["sub_calls"], left["depth"]) == (4, 10, 2)


async def test_slice_beyond_what_is_left_is_bound_by_it(lab: Lab) -> None:
    ran = await asked(
        lab, "{'max_tokens': 10**9, 'max_sub_calls': 500}", turns(code("FINAL(budget())")), max_tokens=50_000
    )
    assert ran.outcome.answer["tokens"] < 50_000
    assert ran.outcome.answer["sub_calls"] < 200


async def test_question_at_the_last_depth_stays_within_its_slice_too(lab: Lab) -> None:
    root = code(
        "print(rlm_query_batched(['Q'], budget={'max_tokens': 10}))\nFINAL(rlm_query('Q', budget={'max_tokens': 2000}))"
    )
    ran = await lab.run(by_level({"Root": turns(root), "plain": turns("ok")}), budget=Budget(max_depth=0))
    assert ran.outcome.answer == "ok"
    assert ran.sink.finished("1/1/0").status == "refused"
    assert ran.provider.requests[-1].max_tokens < 2_000
    assert ran.outcome.totals.sub_calls == 1


@pytest.mark.parametrize(
    ("budget", "error"),
    [
        ("5", "TypeError('rlm_query(): budget must be a dict, not int')"),
        (
            "{'max_token': 5}",
            "ValueError(\"rlm_query(): budget has no limit 'max_token'; it has max_tokens, max_cost_usd,",
        ),
        ("{'max_tokens': 0}", "ValueError('rlm_query(): budget: max_tokens: must be at least 1')"),
        ("{'max_steps': 1.5}", "ValueError('rlm_query(): budget: max_steps: must be a whole number')"),
        ("{'max_sub_calls': True}", "ValueError('rlm_query(): budget: max_sub_calls: must be a whole number')"),
        ("{'max_cost_usd': -1}", "ValueError('rlm_query(): budget: max_cost_usd: must be at least 0')"),
        ("{'max_seconds': 'x'}", "ValueError('rlm_query(): budget: max_seconds: must be a number')"),
    ],
)
async def test_bad_slice_is_an_error_in_the_cell_that_names_the_field(lab: Lab, budget: str, error: str) -> None:
    ran = await asked(lab, budget, turns("never"))
    assert ran.outcome.answer.startswith(error)
    assert (ran.outcome.totals.sub_calls, ran.outcome.totals.model_calls) == (0, 1)


async def test_slice_of_money_needs_a_price(lab: Lab) -> None:
    provider = ScriptedProvider(turns(code("FINAL(rlm_query('x', budget={'max_cost_usd': 1}))"), "x"), {"big": None})
    ran = await lab.run(provider.script, provider=provider, budget=Budget(max_steps=1))
    told = provider.requests[-1].messages[-1].content
    assert "ValueError: budget: max_cost_usd is set, but no price is known for big" in told
    assert ran.outcome.totals.sub_calls == 0


async def test_greedy_child_of_a_batch_leaves_the_others_theirs(lab: Lab) -> None:
    def greedy(request: ChatRequest) -> Say:
        last = "is reached" in request.messages[-1].content
        return Say("had enough") if last else Say(code("print('more')"), output_tokens=request.max_tokens)

    script = by_level(
        {
            "Root": turns(code("FINAL(rlm_query_batched(['Greedy', 'Late', 'Late']))")),
            "Greedy": greedy,
            "Late": lambda _: Say(code("FINAL('late')"), seconds=0.2, output_tokens=2_000),
        }
    )
    ran = await lab.run(script, budget=Budget(max_tokens=120_000))
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("submitted", ["had enough", "late", "late"])
    totals = ran.outcome.totals
    assert totals.input_tokens + totals.output_tokens <= 120_000
    assert ran.sink.payloads(BudgetState)[-1].exhausted is None


async def test_slice_is_on_record_and_part_of_what_is_asked(lab: Lab) -> None:
    starts = []
    for budget in ("None", "{'max_steps': 3}", "{'max_steps': 4}"):
        ran = await asked(lab, budget, turns(code("FINAL(1)")))
        starts.append(next(start for start in ran.sink.payloads(SpanStarted) if start.path == "1/1/0").data)
    assert [start.get("budget") for start in starts] == [None, {"max_steps": 3}, {"max_steps": 4}]
    assert len({start["request_hash"] for start in starts}) == 3
