"""What a mode takes away, and which model is asked at which depth."""

from uuid import UUID

import pytest

from rlmlab.engine.events import SpanStarted
from rlmlab.engine.modes import models_of, narrowed
from rlmlab.engine.prompts import alone, compact, opening
from rlmlab.engine.providers.base import ModelInfo, Price
from rlmlab.engine.types import Budget, RunSpec
from tests.engine.conftest import Lab
from tests.engine.fakes.provider import ScriptedProvider, by_level, turns

RUN_ID = UUID("00000000-0000-4000-8000-000000000003")
PRICES = {name: Price(1e-6, 2e-6) for name in ("big", "middle", "small", "tiny")}


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


def spec(**fields: object) -> RunSpec:
    return RunSpec(RUN_ID, **{"task": "Root", "model": "big", **fields})


async def test_repl_has_no_sub_calls_and_says_so(lab: Lab) -> None:
    asked = "print([name for name in ('llm_query', 'rlm_query_batched') if name in SHOW_VARS()])\nllm_query('x')"
    ran = await lab.run(turns(code(asked), code("FINAL(budget())")), mode="repl")
    assert "NameError" in ran.provider.requests[1].messages[-1].content
    assert ran.outcome.answer["sub_calls"] == 0
    assert ran.outcome.answer["depth"] == 0
    assert ran.provider.requests[0].messages[0].content == alone.SYSTEM
    left = ran.provider.requests[0].messages[-1].content.splitlines()[-1]
    assert "no sub-calls" in left
    assert "rlm_query" not in left
    assert ran.sink.paths("sub_call") == []
    assert ran.sink.payloads(SpanStarted)[0].data["mode"] == "repl"


def test_prompt_of_a_repl_without_sub_calls_names_none() -> None:
    assert "lm_query" not in alone.SYSTEM
    assert "lm_query" not in alone.CONTRACT
    assert all(word in alone.SYSTEM and word in alone.CONTRACT for word in opening.TAUGHT)


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (None, alone.SYSTEM),
        ("Be brief.", "Be brief.\n" + alone.CONTRACT),
        ('REPL, answer["content"]', 'REPL, answer["content"]'),
        ('REPL, answer["content"], llm_query', 'REPL, answer["content"], llm_query\n' + alone.NOTICE),
    ],
)
def test_own_prompt_of_a_repl_without_sub_calls_is_put_right(own: str | None, told: str) -> None:
    assert opening.system_text(ModelInfo("big", None), own, sub_calls=False) == told
    assert opening.system_text(ModelInfo("tiny", None, small=True), None, sub_calls=False) == compact.SYSTEM


async def test_each_depth_asks_its_own_model(lab: Lab) -> None:
    script = by_level(
        {
            "Root": turns(code("FINAL(rlm_query('One') + llm_query('a') + llm_query('b', model='tiny'))")),
            "One": turns(code("FINAL(rlm_query('Two') + rlm_query('Two', model='tiny'))")),
            "Two": turns(code("FINAL(llm_query('c'))")),
            "plain": turns("."),
        }
    )
    provider = ScriptedProvider(script, prices=PRICES)
    ran = await lab.run(
        script, provider=provider, sub_model="tiny", depth_models=("big", "middle", "small"), budget=Budget(max_depth=3)
    )
    assert ran.outcome.answer == "...."
    by_path = {
        event.payload.path: event.payload.data["model"]
        for event in ran.sink.events
        if event.type == "span_started" and event.payload.kind == "model_call"
    }
    assert by_path == {
        "1/m": "big",
        "1/1/0/1/m": "middle",
        "1/1/0/1/1/0/1/m": "small",
        "1/1/0/1/1/0/1/1/0/m": "tiny",
        "1/1/0/1/2/0/1/m": "tiny",
        "1/1/0/1/2/0/1/1/0/m": "tiny",
        "1/2/0/m": "middle",
        "1/3/0/m": "tiny",
    }
    assert ran.sink.payloads(SpanStarted)[0].data["depth_models"] == ["big", "middle", "small"]


async def test_batch_of_rlm_queries_may_name_a_model(lab: Lab) -> None:
    root = turns(code("FINAL(rlm_query_batched(['One', 'One'], model='tiny'))"))
    script = by_level({"Root": root, "One": turns(code("FINAL(1)"))})
    ran = await lab.run(script, provider=ScriptedProvider(script, prices=PRICES))
    assert ran.outcome.answer == [1, 1]
    assert [request.model for request in ran.provider.requests] == ["big", "tiny", "tiny"]


async def test_unpriced_model_of_the_table_is_refused_under_a_cost_limit(lab: Lab) -> None:
    provider = ScriptedProvider(turns("never"), prices={"big": Price(1e-6, 1e-6), "free": None})
    ran = await lab.run(provider.script, provider=provider, depth_models=("", "free"), budget=Budget(max_cost_usd=0.1))
    assert ran.outcome.error is not None
    assert ran.outcome.error.code == "unpriced_model"
    assert "free" in ran.outcome.error.message


@pytest.mark.parametrize(("depth", "model"), [(0, "big"), (1, "middle"), (2, "tiny"), (3, "tiny")])
def test_table_precedes_the_sub_model_where_it_names_one(depth: int, model: str) -> None:
    assert spec(sub_model="tiny", depth_models=("", "middle", "")).model_at(depth) == model


def test_root_takes_its_model_from_the_table() -> None:
    assert narrowed(spec(depth_models=("small",))).model == "small"
    assert spec().model_at(2) == "big"


def test_mode_without_sub_calls_has_one_model_and_no_depth() -> None:
    kept = narrowed(spec(mode="repl", sub_model="tiny", depth_models=("middle", "small"), budget=Budget(max_steps=4)))
    assert models_of(kept) == ("middle",)
    assert (kept.budget.max_depth, kept.budget.max_sub_calls, kept.budget.max_steps) == (0, 0, 4)
    whole = spec(sub_model="tiny", depth_models=("", "middle", "big"))
    assert narrowed(whole).budget == Budget()
    assert models_of(whole) == ("big", "tiny", "middle")
