"""Sub-calls: paths, order, depth, contexts, failures."""

import asyncio
import random

import pytest

from rlmlab.engine.errors import BadRequest, ProviderUnavailable
from rlmlab.engine.events import Message, SpanStarted
from rlmlab.engine.providers.base import ChatRequest, ModelInfo, Price
from rlmlab.engine.types import Budget
from tests.engine.conftest import Lab
from tests.engine.fakes.provider import Say, ScriptedProvider, by_level, turns


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


async def test_recursion_three_deep_has_the_call_paths_of_the_design(lab: Lab) -> None:
    script = by_level(
        {
            "Root": turns(code("print(1)"), code("a = llm_query('x')\nFINAL(rlm_query('One', 'c1') + a)")),
            "One": turns(code("FINAL(rlm_query_batched(['Two', 'Two'], ['c2', 'd2'])[1] + context)")),
            "Two": turns(code("FINAL(rlm_query('Three', ['c3', context]) + context)")),
            "Three": turns(code("FINAL(context[0] + context[1] + str(len(budget())))")),
            "plain": turns("!"),
        }
    )
    ran = await lab.run(script)
    assert ran.outcome.answer == "c3d26d2c1!"
    assert ran.outcome.totals.max_depth == 3
    assert sorted(ran.sink.paths("sub_call")) == [
        "2/1/0",
        "2/2/0",
        "2/2/0/1/1/0",
        "2/2/0/1/1/0/1/1/0",
        "2/2/0/1/1/1",
        "2/2/0/1/1/1/1/1/0",
    ]
    assert sorted(ran.sink.paths("step"))[-2:] == ["2/2/0/1/1/1/1", "2/2/0/1/1/1/1/1/0/1"]
    assert sorted(ran.sink.paths("tool_call")) == ["2/2/0/1/1/0/1/1/0/1/1", "2/2/0/1/1/1/1/1/0/1/1"]
    depths = {event.payload.path: event.depth for event in ran.sink.events if event.type == "span_started"}
    assert [depths[path] for path in ("2/1/0", "2/2/0", "2/2/0/1/1/1", "2/2/0/1/1/1/1/1/0")] == [0, 1, 2, 3]
    assert ran.outcome.totals.sub_calls == 6
    assert ran.outcome.totals.steps == 7


async def test_same_run_made_twice_has_the_same_span_ids_and_hashes(lab: Lab) -> None:
    def script() -> object:
        root = turns(code("FINAL(llm_query_batched(['a', 'b', 'c']) + [rlm_query('One', [1])])"))
        return by_level({"Root": root, "One": turns(code("FINAL(context)")), "plain": turns("p")})

    def identity(ran: object) -> set[tuple[str, str, str | None]]:
        return {
            (event.span_id, event.payload.path, event.payload.data.get("request_hash"))
            for event in ran.sink.events
            if event.type == "span_started" and event.payload.kind != "model_call"
        }

    assert identity(await lab.run(script())) == identity(await lab.run(script()))


async def test_rlm_query_at_max_depth_is_a_plain_llm_query(lab: Lab) -> None:
    script = by_level({"Root": turns(code("FINAL(rlm_query('Deep?', ['a', 1]))")), "plain": turns("plain answer")})
    ran = await lab.run(script, budget=Budget(max_depth=0))
    assert ran.outcome.answer == "plain answer"
    assert ran.outcome.totals.max_depth == 0
    assert ran.provider.requests[1].messages[1].content == 'Deep?\n\n["a", 1]'
    assert "REPL" not in ran.provider.requests[1].messages[0].content
    assert ran.sink.payloads(SpanStarted, "sub_call")[0].name == "rlm_query"


async def test_batch_is_concurrent_and_ordered_whatever_order_it_ends_in(lab: Lab) -> None:
    chance = random.Random(7)  # noqa: S311 - latencies, no secrets

    async def plain(request: ChatRequest) -> Say:
        await asyncio.sleep(chance.random() / 50)
        return Say(request.messages[-1].content.upper())

    root = turns(code("FINAL(llm_query_batched([f'item {n}' for n in range(40)]))"))
    ran = await lab.run(by_level({"Root": root, "plain": plain}))
    assert ran.outcome.answer == [f"ITEM {n}" for n in range(40)]
    assert ran.provider.most_open_calls > 20
    ends = [event.span_id for event in ran.sink.events if event.type == "span_finished"]
    starts = [event.span_id for event in ran.sink.events if event.type == "span_started"]
    order = [starts.index(span_id) for span_id in ends]
    assert order != sorted(order)
    assert sorted(ran.sink.paths("sub_call"), key=lambda path: int(path.split("/")[-1])) == [
        f"1/1/{n}" for n in range(40)
    ]


async def test_ordinals_go_on_over_the_cells_of_a_step(lab: Lab) -> None:
    root = turns("```\na = llm_query('1') + llm_query('2')\n```\n```\nFINAL(a + llm_query('3'))\n```")
    ran = await lab.run(by_level({"Root": root, "plain": lambda request: request.messages[-1].content}))
    assert ran.outcome.answer == "123"
    assert ran.sink.paths("sub_call") == ["1/1/0", "1/2/0", "1/3/0"]


async def test_failed_single_sub_call_raises_in_the_cell(lab: Lab) -> None:
    root = turns(code("try:\n    llm_query('x')\nexcept SubCallError as error:\n    FINAL(str(error))"))
    ran = await lab.run(by_level({"Root": root, "plain": turns(ProviderUnavailable("503 from the provider"))}))
    assert ran.outcome.answer == "llm_query failed: 503 from the provider"
    span = ran.sink.finished("1/1/0")
    assert (span.status, span.failure.code) == ("error", "provider_unavailable")


async def test_failed_item_of_a_batch_is_a_text_that_says_so(lab: Lab) -> None:
    def plain(request: ChatRequest) -> str:
        if request.messages[-1].content == "b":
            raise BadRequest("content filter")
        return "fine"

    ran = await lab.run(by_level({"Root": turns(code("FINAL(llm_query_batched(list('abc')))")), "plain": plain}))
    assert ran.outcome.answer == ["fine", "[SubCallError: llm_query failed: content filter]", "fine"]
    assert ran.outcome.totals.sub_calls == 3


async def test_child_that_fails_raises_in_the_parents_cell(lab: Lab) -> None:
    root = turns(code("rlm_query('Child')"), code("FINAL('went on')"))
    ran = await lab.run(by_level({"Root": root, "Child": turns(BadRequest("too long"))}))
    assert ran.outcome.answer == "went on"
    assert "SubCallError: rlm_query failed: too long" in ran.provider.requests[-1].messages[-1].content


async def test_child_out_of_steps_gives_its_best_answer(lab: Lab) -> None:
    root = turns(code("FINAL(rlm_query('Child'))"))
    ran = await lab.run(by_level({"Root": root, "Child": turns("hm", "hm", "best guess")}), budget=Budget(max_steps=2))
    assert ran.outcome.answer == "best guess"
    assert ran.outcome.finish_reason == "submitted"
    assert "1/1/0/f" in ran.sink.paths("model_call")
    assert ran.outcome.totals.steps == 3


async def test_child_without_any_answer_is_a_failed_sub_call(lab: Lab) -> None:
    root = turns(code("FINAL(rlm_query_batched(['Child']))"))
    ran = await lab.run(by_level({"Root": root, "Child": turns("hm", "")}), budget=Budget(max_steps=1))
    assert ran.outcome.answer == ["[SubCallError: rlm_query failed: max_steps is reached without an answer]"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("llm_query(5)", "TypeError: llm_query(): prompt must be a str, not int"),
        ("llm_query_batched(['a', None])", "TypeError: llm_query_batched(): prompts[1] must be a str, not None"),
        ("llm_query('x', model=3)", "TypeError: model must be a str"),
        ("llm_query('x', model='nope')", "ValueError: 'nope' is not a known model. Leave model out to use big"),
        ("llm_query('x', model='free')", "ValueError: free has no known price, and the cost of this run is limited"),
    ],
)
async def test_wrong_arguments_are_errors_in_the_cell_and_cost_nothing(lab: Lab, call: str, error: str) -> None:
    provider = ScriptedProvider(turns(code(call), code("FINAL(1)")), {"big": Price(1e-6, 1e-6), "free": None})
    ran = await lab.run(provider.script, provider=provider)
    assert error in provider.requests[1].messages[-1].content
    assert ran.outcome.totals.sub_calls == 0
    assert ran.outcome.totals.model_calls == 2


async def test_prompt_too_long_for_any_tokenizer_is_refused_without_cost(lab: Lab) -> None:
    root = turns(code("llm_query('x' * 30_000)"), code("FINAL(1)"))
    info = ModelInfo("big", Price(1e-6, 1e-6), context_window=4_096, max_output_tokens=1_000)
    provider = ScriptedProvider(root, infos={"big": info})
    ran = await lab.run(root, provider=provider)
    assert "too many for big (4,096 tokens); split it" in provider.requests[1].messages[-1].content
    assert (ran.outcome.totals.sub_calls, ran.outcome.finish_reason) == (0, "submitted")
    assert provider.requests[0].max_tokens == 1_000


async def test_sub_model_answers_sub_calls(lab: Lab) -> None:
    root = turns(code("FINAL([llm_query('q'), rlm_query('Child'), llm_query('q', model='big')])"))
    script = by_level({"Root": root, "Child": turns(code("FINAL('c')")), "plain": lambda request: request.model})
    provider = ScriptedProvider(script, {"big": Price(1e-6, 1e-6), "small": Price(1e-7, 1e-7)})
    ran = await lab.run(script, provider=provider, sub_model="small")
    assert ran.outcome.answer == ["small", "c", "big"]
    assert [request.model for request in provider.requests] == ["big", "small", "small", "big"]


async def test_reply_cut_at_its_limit_says_so(lab: Lab) -> None:
    root = turns(code("FINAL(llm_query('q'))"))
    ran = await lab.run(by_level({"Root": root, "plain": turns(Say("half a repl", "length"))}))
    assert ran.outcome.answer == "half a repl\n[… the reply was cut at the output limit]"


async def test_result_is_durable_before_the_guest_sees_it(lab: Lab) -> None:
    root = turns(code("a = llm_query('1')\nprint(a)\nFINAL(llm_query_batched(['2', '3']))"))
    ran = await lab.run(by_level({"Root": root, "plain": lambda request: "r" + request.messages[-1].content}))
    assert ran.outcome.answer == ["r2", "r3"]
    assert ran.sink.finished("1/1/0").result == "r1"
    # one commit before the code runs, one a sub-call, one at the end
    assert ran.sink.commits == 5


async def test_sub_calls_messages_are_stored_once_in_their_span(lab: Lab) -> None:
    ran = await lab.run(by_level({"Root": turns(code("FINAL(llm_query('q?'))")), "plain": turns("a!")}))
    stored = [(message.role, message.purpose) for message in ran.sink.payloads(Message, "sub_call")]
    assert stored == [("system", "system"), ("user", "prompt")]
    assert [message.content for message in ran.sink.payloads(Message, "model_call")][1] == "a!"


async def test_empty_batch_makes_no_call(lab: Lab) -> None:
    ran = await lab.run(turns(code("FINAL([llm_query_batched([]), rlm_query_batched([], [])])")))
    assert ran.outcome.answer == [[], []]
    assert ran.outcome.totals.sub_calls == 0


async def test_child_gets_a_context_of_its_own_and_any_json_back(lab: Lab) -> None:
    root = turns(code("x = {'a': ['é', None]}\nFINAL([rlm_query('Child', x), 'context' in globals(), context])"))
    script = by_level({"Root": root, "Child": turns(code("FINAL({'seen': context, 'x': 'x' in globals()})"))})
    ran = await lab.run(script)
    assert ran.outcome.answer == [{"seen": {"a": ["é", None]}, "x": False}, True, None]
    told = ran.provider.requests[1].messages[-1].content
    assert "`context` is a JSON value of 23 bytes" in told
