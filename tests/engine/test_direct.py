"""Runs in one call: the whole input in, the answer out."""

import json
from collections.abc import Sequence

import pytest

from rlmlab.engine.direct import read
from rlmlab.engine.errors import ProviderUnavailable
from rlmlab.engine.events import Answer, Log, Message, SpanStarted
from rlmlab.engine.prompts import direct as texts
from rlmlab.engine.providers.base import ModelInfo, Price
from rlmlab.engine.types import Budget, ContextInfo
from sandbox.base import ContextPart, ContextSource, context_in_memory
from tests.engine.conftest import Lab, Ran
from tests.engine.fakes.provider import Say, ScriptedProvider, turns

NARROW = {"big": ModelInfo("big", Price(1e-6, 2e-6), context_window=8_192)}


async def ran(lab: Lab, *replies: object, text: str = "The code is 4711.", **spec: object) -> Ran:
    async def opened() -> ContextSource:
        return context_in_memory("text", [text.encode()])

    context = ContextInfo("text", len(text.encode()))
    provider = spec.pop("provider", None) or ScriptedProvider(turns(*replies))
    return await lab.run(
        provider.script, provider=provider, mode="direct", context=context, open_context=opened, **spec
    )


async def test_reply_to_task_and_whole_input_is_the_answer(lab: Lab) -> None:
    found = await ran(lab, " 4711\n")
    assert (found.outcome.status, found.outcome.finish_reason) == ("succeeded", "submitted")
    assert found.outcome.answer == "4711"
    (request,) = found.provider.requests
    assert [message.role for message in request.messages] == ["system", "user"]
    assert request.messages[0].content == texts.SYSTEM
    asked = "[The input: 17 characters]\nThe code is 4711.\n[End of the input]\n\nTask: Root"
    assert request.messages[1].content == asked
    assert "REPL" not in texts.SYSTEM
    assert "answer[" not in texts.SYSTEM
    assert found.sink.payloads(Answer)[0].dialect == "direct"
    assert found.sink.paths("step") == ["1"]
    assert found.sink.paths("model_call") == ["1/m"]
    assert found.sink.paths("execution") == []
    root = found.sink.payloads(SpanStarted)[0].data
    assert (root["mode"], root["budget"]["max_depth"], root["budget"]["max_sub_calls"]) == ("direct", 0, 0)
    assert found.outcome.totals.steps == 1


async def test_run_without_an_input_asks_the_task_alone(lab: Lab) -> None:
    found = await lab.run(turns("Paris"), mode="direct")
    assert found.outcome.answer == "Paris"
    assert found.provider.requests[0].messages[1].content == "Task: Root"


async def test_input_larger_than_the_window_is_refused_before_anything_is_paid(lab: Lab) -> None:
    found = await ran(lab, "never", text="x" * 30_000, provider=ScriptedProvider(turns("never"), infos=NARROW))
    assert found.outcome.error is not None
    assert found.outcome.error.code == "input_too_large"
    assert "may have 10,000 tokens" in found.outcome.error.message
    assert "of 8,192" in found.outcome.error.message
    assert found.provider.requests == []
    assert found.outcome.totals.cost_usd == 0


async def test_input_of_many_bytes_is_refused_where_the_window_is_not_known(lab: Lab) -> None:
    async def never() -> ContextSource:
        raise AssertionError("the input is not read")

    found = await lab.run(turns("never"), mode="direct", context=ContextInfo("text", 9 << 20), open_context=never)
    assert found.outcome.error is not None
    assert found.outcome.error.code == "input_too_large"


async def test_json_that_grows_when_it_is_read_is_refused_too(lab: Lab) -> None:
    provider = ScriptedProvider(turns("never"), infos=NARROW)
    found = await ran(lab, text="short", task="long " * 6_000, provider=provider)
    assert found.outcome.error is not None
    assert found.outcome.error.code == "input_too_large"
    assert provider.requests == []


async def test_reply_that_does_not_match_the_schema_is_asked_for_again(lab: Lab) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    found = await ran(lab, "seven", '```json\n{"n": 7}\n```', response_schema=schema)
    assert found.outcome.answer == {"n": 7}
    assert found.sink.paths("model_call") == ["1/m", "2/m"]
    first, second = found.provider.requests
    assert json.dumps(schema) in first.messages[1].content
    assert [message.role for message in second.messages] == ["system", "user", "assistant", "user"]
    assert second.messages[3].content == texts.mismatch(
        "reply: is not JSON (Expecting value: line 1 column 1 (char 0))"
    )
    assert [message.purpose for message in found.sink.payloads(Message, "step")] == ["nudge"]


async def test_three_replies_without_an_answer_end_the_run(lab: Lab) -> None:
    found = await ran(lab, "no", " ", "no", response_schema={"type": "integer"})
    assert found.outcome.error is not None
    assert found.outcome.error.code == "no_answer"
    assert (
        found.outcome.error.message
        == "The model gave no answer: reply: is not JSON (Expecting value: line 1 column 1 (char 0))"
    )
    assert len(found.provider.requests) == 3


async def test_empty_reply_is_asked_for_again(lab: Lab) -> None:
    found = await ran(lab, "", "yes")
    assert found.outcome.answer == "yes"
    assert found.provider.requests[1].messages[-1].content == texts.EMPTY


async def test_reply_cut_at_the_output_limit_is_the_answer_and_says_so(lab: Lab) -> None:
    found = await ran(lab, Say("half of", finish_reason="length"))
    assert found.outcome.answer == "half of"
    assert [log.data["code"] for log in found.sink.payloads(Log, "step")] == ["answer_cut"]


async def test_budget_too_small_for_the_input_makes_no_call(lab: Lab) -> None:
    found = await ran(lab, "never", text="x" * 9_000, budget=Budget(max_tokens=1_000))
    assert (found.outcome.status, found.outcome.finish_reason) == ("failed", "budget")
    assert found.provider.requests == []
    assert found.outcome.totals.input_tokens == 0


async def test_whole_budget_is_free_for_the_one_call(lab: Lab) -> None:
    budget = Budget(max_tokens=4_000)
    found = await ran(lab, "yes", text="x" * 9_000, budget=budget)  # 3,000 tokens at most, a quarter is not held back
    assert found.outcome.answer == "yes"
    assert 800 < found.provider.requests[0].max_tokens < 1_000


async def test_model_that_fails_is_stood_in_for(lab: Lab) -> None:
    prices = {"big": Price(1e-6, 2e-6), "other": Price(1e-6, 2e-6)}
    provider = ScriptedProvider(turns(ProviderUnavailable("down"), "4711"), prices=prices)
    found = await ran(lab, provider=provider, fallback_models=("other",))
    assert found.outcome.answer == "4711"
    assert [request.model for request in provider.requests] == ["big", "other"]
    assert found.sink.paths("model_call") == ["1/m", "1/m/2"]


async def test_stand_in_with_a_smaller_window_is_not_asked(lab: Lab) -> None:
    small = ModelInfo("small", Price(1e-6, 2e-6), context_window=1_000)
    provider = ScriptedProvider(turns(ProviderUnavailable("down"), "never"), infos={"small": small})
    found = await ran(lab, text="x" * 9_000, provider=provider, fallback_models=("small",))
    assert found.outcome.error is not None
    assert found.outcome.error.code == "input_too_large"
    assert [request.model for request in provider.requests] == ["big"]


PARTS = (ContextPart("a.txt", 0, 3), ContextPart("b.txt", 3, 3))


@pytest.mark.parametrize(
    ("source", "texts_by_name"),
    [
        (None, []),
        (("text", "grün"), [("", "grün")]),
        (("json", '["gr\\u00fcn", 1]'), [("", '["grün", 1]')]),
        (("files", "one" + "two", PARTS), [("a.txt", "one"), ("b.txt", "two")]),
    ],
)
def test_input_is_read_as_text(source: Sequence | None, texts_by_name: list[tuple[str, str]]) -> None:
    opened = None if source is None else context_in_memory(source[0], [source[1].encode()], *source[2:])
    assert read(opened) == texts_by_name


def test_files_stand_in_the_message_by_name() -> None:
    message = texts.message("Which?", [("a.txt", "one"), ("b.txt", "two")], None)
    assert message.split("\n\n") == [
        "[a.txt: 3 characters]\none\n[End of the input]",
        "[b.txt: 3 characters]\ntwo\n[End of the input]",
        "Task: Which?",
    ]
