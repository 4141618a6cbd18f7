"""Sub-calls that were paid for before are not paid for again."""

from typing import Any

import pytest

from rlmlab.engine.cache import Answers
from rlmlab.engine.errors import ProviderUnavailable
from rlmlab.engine.events import Message, SpanFinished
from rlmlab.engine.projection import Saved
from rlmlab.engine.providers.base import Price
from rlmlab.engine.types import Budget
from tests.engine.conftest import RUN_ID, Lab, Ran
from tests.engine.fakes.cache import MemoryCache
from tests.engine.fakes.cache_contract import CacheContract
from tests.engine.fakes.provider import Say, ScriptedProvider, by_level, turns

PRICES = {"big": Price(1e-6, 2e-6), "other": Price(1e-6, 2e-6)}


class TestMemoryCache(CacheContract):
    @pytest.fixture
    def cache(self) -> MemoryCache:
        return MemoryCache()


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


async def ran(lab: Lab, cache: MemoryCache | None, cell: str, *replies: Any, **spec: Any) -> Ran:
    script = by_level({"Root": turns(code(cell)), "One": turns(code("FINAL('deep')")), "plain": turns(*replies)})
    return await lab.run(script, provider=ScriptedProvider(script, prices=PRICES), cache=cache, **spec)


def sub_calls(found: Ran) -> list[SpanFinished]:
    return [end for end in found.sink.payloads(SpanFinished) if end.kind == "sub_call"]


async def test_question_that_was_paid_for_is_answered_without_a_call(lab: Lab) -> None:
    cache = MemoryCache()
    first = await ran(lab, cache, "FINAL(llm_query('What?'))", "paid")
    again = await ran(lab, cache, "FINAL(llm_query('What?'))", "other")
    assert (first.outcome.answer, again.outcome.answer) == ("paid", "paid")
    assert first.sink.paths("model_call") == ["1/m", "1/1/0/m"]
    assert again.sink.paths("model_call") == ["1/m"]
    (end,) = sub_calls(again)
    (kept,) = cache.kept.values()
    assert end.data["cached"] == {
        "run": str(RUN_ID),
        "span": kept.span_id,
        "saved_usd": kept.cost_usd,
        "input_tokens": kept.input_tokens,
        "output_tokens": kept.output_tokens,
    }
    assert (end.status, end.result, end.usage) == ("ok", "paid", None)
    assert [m.content for m in again.sink.payloads(Message, "sub_call")][-1] == "What?"
    (paid,) = [end for end in first.sink.payloads(SpanFinished, "model_call") if end.usage.input_tokens < 200]
    assert (kept.cost_usd, kept.input_tokens) == (paid.usage.cost_usd, paid.usage.input_tokens)
    assert again.sink.projection().saved == Saved(1, kept.cost_usd)
    assert first.sink.projection().saved == Saved()
    assert again.outcome.totals.sub_calls == 1
    assert again.outcome.totals.cost_usd < first.outcome.totals.cost_usd


async def test_run_without_a_cache_keeps_nothing(lab: Lab) -> None:
    found = await ran(lab, None, "FINAL(llm_query('What?'))", "paid")
    assert "cached" not in sub_calls(found)[0].data


async def test_batch_is_answered_item_by_item(lab: Lab) -> None:
    cache = MemoryCache()
    await ran(lab, cache, "FINAL(llm_query('b'))", "B")
    found = await ran(lab, cache, "FINAL(llm_query_batched(['a', 'b', 'c']))", "new")
    assert found.outcome.answer == ["new", "B", "new"]
    assert ["cached" in end.data for end in sub_calls(found)].count(True) == 1
    assert found.outcome.totals.model_calls == 3


async def test_question_asked_often_gets_as_many_answers(lab: Lab) -> None:
    cache, cell = MemoryCache(), "FINAL(llm_query_batched(['vote'] * 3) + [llm_query('vote')])"
    first = await ran(lab, cache, cell, "1", "2", "3", "4")
    assert sorted(first.outcome.answer) == ["1", "2", "3", "4"]
    again = await ran(lab, cache, cell, "never")
    assert again.outcome.answer == first.outcome.answer
    assert len(cache.kept) == 4


async def test_reply_that_is_cut_filtered_or_failed_is_not_kept(lab: Lab) -> None:
    cache = MemoryCache()
    await ran(lab, cache, "FINAL(llm_query('a'))", Say("half", finish_reason="length"))
    await ran(lab, cache, "FINAL(llm_query('a'))", Say("", finish_reason="content_filter"))
    await ran(lab, cache, "FINAL(llm_query_batched(['a']))", ProviderUnavailable("down"))
    assert cache.kept == {}


async def test_answer_of_a_model_in_anothers_place_is_not_kept(lab: Lab) -> None:
    cache = MemoryCache()
    found = await ran(lab, cache, "FINAL(llm_query('a'))", ProviderUnavailable("down"), "b", fallback_models=("other",))
    assert found.outcome.answer == "b"
    assert cache.kept == {}


async def test_answers_of_further_levels_are_not_kept_but_their_questions_are(lab: Lab) -> None:
    cache = MemoryCache()
    await ran(lab, cache, "FINAL(rlm_query('One'))", "never")
    assert cache.kept == {}
    await ran(lab, cache, "FINAL(rlm_query('x'))", "plain", budget=Budget(max_depth=0))
    assert cache.kept == {}


async def test_answer_with_a_schema_is_kept_with_the_cost_of_its_repairs(lab: Lab) -> None:
    cache, cell = MemoryCache(), "FINAL(llm_query('n?', schema={'type': 'integer'}))"
    first = await ran(lab, cache, cell, "seven", "7")
    assert first.outcome.answer == 7
    (kept,) = cache.kept.values()
    calls = [end.usage for end in first.sink.payloads(SpanFinished, "model_call") if end.usage is not None]
    assert kept.cost_usd == pytest.approx(sum(usage.cost_usd for usage in calls[1:]))
    again = await ran(lab, cache, cell, "never")
    assert again.outcome.answer == 7
    plain = await ran(lab, cache, "FINAL(llm_query('n?'))", "text")
    assert plain.outcome.answer == "text"


async def test_hit_counts_as_a_sub_call(lab: Lab) -> None:
    cache = MemoryCache()
    await ran(lab, cache, "FINAL(llm_query('a'))", "A")
    cell = "llm_query('a')\ntry:\n  llm_query('b')\nexcept BudgetExceeded:\n  FINAL('refused')"
    found = await ran(lab, cache, cell, "B", budget=Budget(max_sub_calls=1))
    assert found.outcome.answer == "refused"


def test_key_covers_all_that_an_answer_follows_from() -> None:
    def key(cache: MemoryCache | None = None, seed: int | None = None, **fields: Any) -> str:
        asked = {"model": "big", "prompt": "a", "options": {}} | fields
        return Answers(cache or MemoryCache(), seed).key(**asked)

    keys = [
        key(),
        key(seed=1),
        key(model="other"),
        key(prompt="b"),
        key(options={"schema": {"type": "integer"}}),
        key(MemoryCache(at="https://elsewhere/v1")),
    ]
    assert len(set(keys)) == len(keys)
    assert key() == keys[0]
    assert len(keys[0]) == 64
    assert key(prompt="\ud800") != keys[0]
    assert Answers().key("big", "a", {}) == ""
