"""Tools as a tool-calling model asks for them: messages, order, errors, and models that take none."""

import asyncio
import json

from rlmlab.engine.conversation import Conversation
from rlmlab.engine.errors import ProviderUnavailable
from rlmlab.engine.events import PAYLOAD, Message, SpanStarted
from rlmlab.engine.providers.base import ChatMessage, ChatRequest, ModelInfo, Price, ToolCall
from rlmlab.engine.tools import native
from rlmlab.engine.tools.base import tool
from rlmlab.engine.types import Budget
from tests.engine.conftest import Lab, Ran
from tests.engine.fakes.provider import Say, Script, ScriptedProvider, turns

PRICE = Price(1e-6, 2e-6)
CALLING = ModelInfo("big", PRICE, tools=True)


async def double(number: int) -> int:
    """Double a number."""
    await asyncio.sleep(0.05 / max(1, number))  # the later ones end first
    return number * 2


async def text(length: int) -> str:
    """Write a text."""
    return "x" * length


TOOLS = (tool(double), tool(text))


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


def asks(*calls: tuple[str, object], said: str = "") -> Say:
    """Reply with tool calls; arguments that are a text are sent as they are."""
    made = [
        ToolCall(f"id{at}", name, given if isinstance(given, str) else json.dumps(given))
        for at, (name, given) in enumerate(calls, start=1)
    ]
    return Say(said, "tool_calls", tool_calls=tuple(made))


async def run(lab: Lab, script: Script, info: ModelInfo = CALLING, **options: object) -> Ran:
    provider = ScriptedProvider(script, infos={"big": info, "other": ModelInfo("other", PRICE)})
    return await lab.run(script, provider=provider, tools=TOOLS, **options)


async def test_specs_go_out_with_each_step_and_count_as_tokens(lab: Lab) -> None:
    ran = await run(lab, turns(code("FINAL(1)")))
    (request,) = ran.provider.requests
    assert [spec.name for spec in request.tools] == ["double", "text"]
    assert request.tools[0].description == "Double a number."
    assert request.tools[0].parameters["properties"] == {"number": {"type": "integer"}}
    without = await run(lab, turns(code("FINAL(1)")), info=ModelInfo("big", PRICE))
    assert without.provider.requests[0].tools == ()
    hashes = [
        next(start.data["request_hash"] for start in each.sink.payloads(SpanStarted) if start.kind == "model_call")
        for each in (ran, without)
    ]
    assert hashes[0] != hashes[1]


async def test_calls_are_made_in_parallel_and_answered_in_order(lab: Lab) -> None:
    script = turns(asks(("double", {"number": 1}), ("double", {"number": 50})), code("FINAL('done')"))
    ran = await run(lab, script)
    assert ran.outcome.answer == "done"
    assert sorted(ran.sink.paths("tool_call")) == ["1/t1", "1/t2"]
    asked, first, second, told = ran.provider.requests[1].messages[-4:]
    assert [call.id for call in asked.tool_calls] == ["id1", "id2"]
    assert (asked.role, asked.content) == ("assistant", "")
    assert first == ChatMessage("tool", "2", tool_call_id="id1")
    assert second == ChatMessage("tool", "100", tool_call_id="id2")
    assert (told.role, told.content.startswith("[Budget left: 29 steps")) == ("user", True)


async def test_calls_and_results_are_on_record_and_old_messages_stay_as_they_were(lab: Lab) -> None:
    ran = await run(lab, turns(asks(("double", {"number": 3})), code("FINAL(1)")))
    reply = ran.sink.payloads(Message, "model_call")[0]
    assert reply.tool_calls == [ToolCall("id1", "double", '{"number": 3}')]
    result, told = ran.sink.payloads(Message, "step")
    assert (result.role, result.content, result.purpose, result.tool_call_id) == ("tool", "6", "observation", "id1")
    assert told.purpose == "observation"
    stored = reply.model_dump(mode="json")
    assert stored["tool_calls"] == [{"id": "id1", "name": "double", "arguments": '{"number": 3}'}]
    assert PAYLOAD.validate_python(stored) == reply
    assert set(told.model_dump()) == {"type", "role", "content", "purpose"}
    start = next(start for start in ran.sink.payloads(SpanStarted) if start.kind == "tool_call")
    assert (start.path, start.data["arguments"], ran.sink.finished("1/t1").result) == ("1/t1", {"number": 3}, 6)


async def test_calls_come_before_the_code_of_the_same_reply(lab: Lab) -> None:
    said = code("print(double(number=4))")
    ran = await run(lab, turns(asks(("double", {"number": 1}), said=said), code("FINAL(1)")))
    assert ran.sink.paths("tool_call") == ["1/t1", "1/1"]
    *_, result, told = ran.provider.requests[1].messages
    assert (result.content, told.content.startswith("8\n\n[Budget left")) == ("2", True)


async def test_reply_without_code_but_with_calls_is_not_nudged(lab: Lab) -> None:
    ran = await run(lab, turns(asks(("double", {"number": 1}), said="Let me see."), "hm", code("FINAL(1)")))
    assert [message.purpose for message in ran.sink.payloads(Message, "step")] == [
        "observation",
        "observation",
        "nudge",
    ]


async def test_wrong_calls_are_answered_with_what_is_wrong(lab: Lab) -> None:
    calls = (
        ("double", "{number: 1"),
        ("double", "[1]"),
        ("double", {"number": "x"}),
        ("rm_rf", {}),
        ("double", {"number": 2}),
        ("double", ""),
    )
    ran = await run(lab, turns(asks(*calls), code("FINAL(1)")))
    told = [message.content for message in ran.provider.requests[1].messages if message.role == "tool"]
    assert told[0].startswith("[ValueError: double(): the arguments are not JSON: ")
    assert told[1:] == [
        "[TypeError: double(): the arguments must be a JSON object]",
        "[TypeError: double(): number: must be of type integer]",
        "[ValueError: there is no tool 'rm_rf'; there are double, text]",
        "4",
        "[TypeError: double() needs 'number']",
    ]
    spans = [ran.sink.finished(f"1/t{at}") for at in range(1, 7)]
    assert [span.status for span in spans] == ["error"] * 4 + ["ok", "error"]
    assert spans[3].failure.code == "tool_arguments"
    assert ran.outcome.answer == 1


async def test_long_results_and_many_calls_are_cut_and_it_is_said(lab: Lab) -> None:
    ran = await run(lab, turns(asks(("text", {"length": 9_000}), *[("text", {"length": 1})] * 40), code("FINAL(1)")))
    told = [message.content for message in ran.provider.requests[1].messages if message.role == "tool"]
    assert told[0].startswith("x" * 8_000 + "\n[… 1,000 of 9,000 characters are not shown.")
    assert (told[31], told[32]) == ("x", "[ToolError: not made: one reply can make 32 calls]")
    assert len(told) == 41
    assert len(ran.sink.paths("tool_call")) == native.MOST_CALLS


async def test_missing_ids_and_unstorable_text_are_mended(lab: Lab) -> None:
    call = ToolCall("", "double", '{"number": 1}')
    bad = ToolCall("", "dou\x00ble", "\ud800")
    ran = await run(lab, turns(Say("", "tool_calls", tool_calls=(call, bad)), code("FINAL(1)")))
    ids = [message.tool_call_id for message in ran.provider.requests[1].messages if message.role == "tool"]
    assert ids == ["call-1", "call-2"]
    assert "\x00" not in str([event.payload for event in ran.sink.events])


async def test_model_that_takes_no_tools_reads_past_calls_as_text(lab: Lab) -> None:
    replies = [asks(("double", {"number": 1}), said="I double."), ProviderUnavailable("down"), code("FINAL(1)")]
    ran = await run(lab, turns(*replies), fallback_models=("other",))
    sent = ran.provider.requests[2]
    assert (sent.model, sent.tools) == ("other", ())
    asked, told = sent.messages[-2:]
    assert asked == ChatMessage("assistant", 'I double.\n[Tool call id1: double({"number": 1})]')
    assert told.role == "user"
    assert told.content.startswith("[Result of the tool call id1]\n2\n\n[Budget left")


async def test_last_call_of_a_run_names_no_tools(lab: Lab) -> None:
    def script(request: ChatRequest) -> Say:
        return asks(("double", {"number": 1})) if request.tools else Say("the best")

    ran = await run(lab, script, budget=Budget(max_steps=2))
    assert (ran.outcome.answer, ran.outcome.finish_reason) == ("the best", "fallback")
    assert {message.role for message in ran.provider.requests[-1].messages} == {"system", "user", "assistant"}


async def test_endless_calls_end_the_run(lab: Lab) -> None:
    script = turns(asks(*[("double", {"number": 1})] * 5_000))
    ran = await run(lab, script, budget=Budget(max_steps=30))
    assert ran.outcome.finish_reason in {"fallback", "budget"}
    assert len(ran.sink.paths("step")) < 30


def test_turns_are_left_out_whole() -> None:
    conversation = Conversation()
    conversation.add("system", "s")
    conversation.end_head()
    for turn in range(4):
        call = ToolCall(f"id{turn}", "double", "{}")
        conversation.add("assistant", "x" * 300, tool_calls=[call, call])
        conversation.add("tool", "y" * 300, tool_call_id=call.id)
        conversation.add("tool", "z" * 300, tool_call_id=call.id)
        conversation.add("user", "[Budget left]")
    prompt = conversation.prompt(1_200)
    assert [message.role for message in prompt.messages[1:5]] == ["assistant", "tool", "tool", "user"]
    assert prompt.messages[1].tool_calls[0].id == "id2"
    assert prompt.bound <= 1_200


def test_conversation_does_not_join_messages_of_tools() -> None:
    conversation = Conversation()
    conversation.add("assistant", "", tool_calls=[ToolCall("a", "double", "{}")])
    conversation.add("tool", "1", tool_call_id="a")
    one = conversation.prompt(None)
    conversation.add("tool", "2", tool_call_id="b")
    two = conversation.prompt(None)
    assert [message.content for message in two.messages] == ["", "1", "2"]
    assert one.digest != two.digest
    assert two.bound > one.bound
