"""Questions whose replies shall match a JSON Schema: parsed, checked, mended, on record."""

import json

import pytest

from rlmlab.engine.errors import ProviderUnavailable
from rlmlab.engine.events import Message, SpanStarted
from rlmlab.engine.prompts import plain
from rlmlab.engine.providers.base import ModelInfo, Price
from rlmlab.engine.types import Budget
from tests.engine.conftest import Lab, Ran
from tests.engine.fakes.provider import Say, ScriptedProvider, by_level, turns

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
PRICE = Price(1e-6, 2e-6)


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


async def asked(lab: Lab, cell: str, *replies: object, **changes: object) -> Ran:
    """Run one cell whose questions are answered with `replies`, and submit its value, or the error that it raised."""
    lines = f"schema = {SCHEMA!r}\ntry:\n    found = {cell}\nexcept Exception as e:\n    found = repr(e)\nFINAL(found)"
    script = by_level({"Root": turns(code(lines)), "plain": turns(*replies)})
    return await lab.run(script, **changes)


async def test_reply_is_the_parsed_value_and_on_record(lab: Lab) -> None:
    ran = await asked(lab, "llm_query('How many?', schema=schema)['n'] + 1", '```json\n{"n": 6}\n```')
    assert ran.outcome.answer == 7
    question = ran.provider.requests[1]
    assert question.messages[1].content == plain.in_form("How many?", SCHEMA)
    assert json.dumps(SCHEMA) in question.messages[1].content
    assert ran.sink.finished("1/1/0").result == {"n": 6}
    started = ran.sink.payloads(SpanStarted, "sub_call")[0]
    assert (started.data["schema"], started.data["prompt"]) == (SCHEMA, "How many?")


async def test_hash_of_a_question_covers_its_schema(lab: Lab) -> None:
    with_schema = await asked(lab, "llm_query('How many?', schema=schema)", '{"n": 6}')
    without = await asked(lab, "llm_query('How many?')", '{"n": 6}')
    hashes = [ran.sink.payloads(SpanStarted, "sub_call")[0].data["request_hash"] for ran in (with_schema, without)]
    assert hashes[0] != hashes[1]
    assert without.outcome.answer == '{"n": 6}'


async def test_mismatch_is_mended_with_the_validators_words(lab: Lab) -> None:
    ran = await asked(lab, "llm_query('How many?', schema=schema)", '{"n": "six"}', '{"n": 6}')
    assert ran.outcome.answer == {"n": 6}
    assert ran.sink.paths("model_call") == ["1/m", "1/1/0/m", "1/1/0/r1"]
    starts = ran.sink.payloads(SpanStarted, "model_call")
    assert [start.data["purpose"] for start in starts] == ["step", "sub_call", "repair"]
    mending = ran.provider.requests[2].messages
    assert [message.role for message in mending] == ["system", "user", "assistant", "user"]
    assert mending[3].content == plain.repair("reply.n: must be of type integer")
    told = ran.sink.payloads(Message, "sub_call")[-1]
    assert (told.role, told.purpose, told.content) == ("user", "repair", mending[3].content)
    assert ran.outcome.totals.sub_calls == 1
    assert ran.outcome.totals.model_calls == 3


async def test_third_reply_that_does_not_match_fails_the_sub_call(lab: Lab) -> None:
    ran = await asked(lab, "llm_query('How many?', schema=schema)", "six")
    problem = (
        "the reply does not match the schema after 2 repairs: reply: is not JSON (Expecting value: line 1 column 1"
    )
    assert ran.outcome.answer.startswith(f"SubCallError('llm_query failed: {problem}")
    assert ran.sink.paths("model_call") == ["1/m", "1/1/0/m", "1/1/0/r1", "1/1/0/r2"]
    assert ran.sink.finished("1/1/0").failure.code == "schema_mismatch"


async def test_reply_cut_at_the_limit_is_asked_for_shorter(lab: Lab) -> None:
    ran = await asked(
        lab, "llm_query('x', schema=schema)", Say('{"n": 1, "why": "be', finish_reason="length"), '{"n": 1}'
    )
    assert ran.outcome.answer == {"n": 1}
    assert "write less" in ran.provider.requests[2].messages[3].content


async def test_batch_takes_a_schema_for_all_and_mends_each(lab: Lab) -> None:
    def plain_reply(request: object) -> str:
        question, last = request.messages[1].content, request.messages[-1].content
        number = question[0]
        return f'{{"n": {number}}}' if number != "2" or last.startswith("Your reply") else "two"

    script = by_level(
        {"Root": turns(code(f"FINAL(llm_query_batched(['1', '2', '3'], schema={SCHEMA!r}))")), "plain": plain_reply}
    )
    ran = await lab.run(script)
    assert ran.outcome.answer == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert [path for path in ran.sink.paths("model_call") if "/r" in path] == ["1/1/1/r1"]


async def test_item_of_a_batch_that_never_matches_is_told_in_its_place(lab: Lab) -> None:
    script = by_level(
        {
            "Root": turns(code(f"FINAL(llm_query_batched(['1', 'x'], schema={SCHEMA!r}))")),
            "plain": lambda request: '{"n": 1}' if request.messages[1].content.startswith("1") else "no",
        }
    )
    ran = await lab.run(script)
    assert ran.outcome.answer[0] == {"n": 1}
    assert ran.outcome.answer[1].startswith("[SubCallError: llm_query failed: the reply does not match the schema")


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        (
            "llm_query('x', schema={'pattern': 'a'})",
            "ValueError('llm_query(): schema.pattern: this keyword is not supported')",
        ),
        (
            "llm_query_batched(['x'], schema=['n'])",
            "TypeError('llm_query_batched(): schema must be a dict, a JSON Schema, not list')",
        ),
        ("rlm_query('x', None, None, schema={})", "TypeError("),
    ],
)
async def test_schema_that_cannot_be_checked_is_an_error_of_the_cell(lab: Lab, cell: str, error: str) -> None:
    ran = await asked(lab, cell, "never")
    assert ran.outcome.answer.startswith(error)
    assert ran.sink.paths("sub_call") == []
    assert ran.outcome.totals.sub_calls == 0


async def test_model_that_takes_schemas_is_told_natively_where_the_root_is_an_object(lab: Lab) -> None:
    infos = {"big": ModelInfo("big", PRICE, schemas=True)}
    cell = "[llm_query('a', schema=schema), llm_query('b', schema={'type': 'array'}), llm_query('c')]"
    script = by_level(
        {"Root": turns(code(f"schema = {SCHEMA!r}\nFINAL({cell})")), "plain": turns('{"n": 1}', "[2]", "3")}
    )
    provider = ScriptedProvider(script, infos=infos)
    ran = await lab.run(script, provider=provider)
    assert ran.outcome.answer == [{"n": 1}, [2], "3"]
    assert [request.response_schema for request in provider.requests] == [None, SCHEMA, None, None]


async def test_model_that_takes_none_is_told_in_words_alone(lab: Lab) -> None:
    ran = await asked(lab, "llm_query('a', schema=schema)", '{"n": 1}')
    assert [request.response_schema for request in ran.provider.requests] == [None, None]


async def test_repair_that_the_budget_refuses_counts_as_made(lab: Lab) -> None:
    replies = Say("x" * 400, input_tokens=3_000, output_tokens=100), '{"n": 1}'
    ran = await asked(lab, "llm_query('a', schema=schema)", *replies, budget=Budget(max_tokens=5_500))
    assert ran.sink.finished("1/1/0").failure.code == "budget"
    assert ran.sink.finished("1/1/0").status == "error"
    assert ran.outcome.totals.sub_calls == 1


async def test_repair_falls_back_to_another_model(lab: Lab) -> None:
    replies = turns("six", ProviderUnavailable("down"), '{"n": 6}')
    script = by_level({"Root": turns(code(f"FINAL(llm_query('x', schema={SCHEMA!r}))")), "plain": replies})
    provider = ScriptedProvider(script, prices={"big": PRICE, "other": PRICE})
    ran = await lab.run(script, provider=provider, fallback_models=("other",))
    assert ran.outcome.answer == {"n": 6}
    assert ran.sink.paths("model_call") == ["1/m", "1/1/0/m", "1/1/0/r1", "1/1/0/r1/2"]


async def test_fallback_of_a_run_is_mended(lab: Lab) -> None:
    script = turns(code("print(1)"), '{"n": "many"}', '{"n": 3}')
    ran = await lab.run(script, budget=Budget(max_steps=1), response_schema=SCHEMA)
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("fallback", {"n": 3})
    assert ran.sink.paths("model_call") == ["1/m", "f", "f/r1"]
    assert ran.provider.requests[2].messages[-1].content == plain.repair("reply.n: must be of type integer")


async def test_fallback_that_never_matches_brings_no_answer(lab: Lab) -> None:
    ran = await lab.run(turns(code("print(1)"), "many"), budget=Budget(max_steps=1), response_schema=SCHEMA)
    assert (ran.outcome.status, ran.outcome.answer) == ("failed", None)
    assert ran.sink.paths("model_call") == ["1/m", "f", "f/r1", "f/r2"]
