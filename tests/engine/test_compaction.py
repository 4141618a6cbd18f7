"""A long conversation is summed up by its model, and stays in the REPL whole."""

import re

import pytest

from rlmlab.engine.budget import text_bound
from rlmlab.engine.errors import ProviderUnavailable
from rlmlab.engine.events import BudgetState, Log, Message, SpanStarted
from rlmlab.engine.prompts import summaries
from rlmlab.engine.providers.base import ChatRequest, ModelInfo, Price
from rlmlab.engine.types import Budget, Compaction
from tests.engine.conftest import Lab, Ran
from tests.engine.fakes.provider import Say, Script, ScriptedProvider, by_level, turns
from tests.engine.test_replay import divergences, go_on, paid

EARLY = Compaction(tokens=6_000)
LAST = "print('last')\nFINAL([len(history()), [m['content'] for m in history() if 'turn 1 ' in m['content']][:1]])"


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


def asked_to_sum_up(request: ChatRequest) -> bool:
    return request.messages[-1].content.endswith(summaries.REQUEST)


def size(request: ChatRequest) -> int:
    return sum(text_bound(message.content) for message in request.messages)


def working(turns_wanted: int, summary: object = "I found 7 in `x`.") -> Script:
    """Print a few thousand characters a turn; sum up when asked; submit after so many turns."""
    done = 0

    def script(request: ChatRequest) -> Say | str:
        nonlocal done
        if asked_to_sum_up(request):
            if isinstance(summary, BaseException):
                raise summary
            return summary if isinstance(summary, Say) else str(summary)
        done += 1
        return code(LAST) if done > turns_wanted else code(f"print('turn {done} ' + 'word ' * 800)")

    return script


def summed_up(ran: Ran) -> list[ChatRequest]:
    return [request for request in ran.provider.requests if asked_to_sum_up(request)]


async def test_long_conversation_is_summed_up_and_requests_stay_flat(lab: Lab) -> None:
    ran = await lab.run(working(25), compaction=EARLY)
    assert ran.outcome.finish_reason == "submitted"
    assert len(summed_up(ran)) >= 3
    sizes = [size(request) for request in ran.provider.requests]
    assert max(sizes) < 6_000 + 2_000 + 500
    assert max(sizes[20:]) <= max(sizes[:14])
    paths = [path for path in ran.sink.paths("model_call") if path.endswith("/h")]
    assert len(paths) == len(summed_up(ran))
    start = next(start for start in ran.sink.payloads(SpanStarted) if start.path == paths[0])
    assert start.data["purpose"] == "compaction"
    assert ran.outcome.totals.steps == 26
    assert ran.outcome.totals.model_calls == 26 + len(paths)


async def test_head_summary_and_latest_turns_are_what_is_sent(lab: Lab) -> None:
    ran = await lab.run(working(6), compaction=EARLY)
    at = next(at for at, request in enumerate(ran.provider.requests) if asked_to_sum_up(request))
    before, after = ran.provider.requests[at], ran.provider.requests[at + 1]
    assert after.messages[0] == before.messages[0]
    task = after.messages[1].content
    assert task == before.messages[1].content + "\n\n" + summaries.told("I found 7 in `x`.", cut=False)
    assert [message.role for message in after.messages] == ["system", "user", "assistant", "user"]
    assert after.messages[2:] != before.messages[2:4]
    assert before.messages[-1].content.startswith(after.messages[-1].content)
    said = [message for message in ran.sink.payloads(Message) if message.purpose in {"summarise", "summary"}]
    assert [(message.role, message.purpose) for message in said[:2]] == [("user", "summarise"), ("user", "summary")]
    assert "I found 7 in `x`." in said[1].content
    assert "history()" in said[1].content


async def test_history_has_every_message(lab: Lab) -> None:
    ran = await lab.run(working(8), compaction=EARLY)
    length, found = ran.outcome.answer
    assert length == 2 + 8 * 2 + 1
    assert len(found) == 1
    assert "turn 1 " not in str(ran.provider.requests[-1].messages[2:])
    assert ran.sink.paths("tool_call") == []


async def test_history_without_compaction_and_of_a_variable_of_that_name(lab: Lab) -> None:
    first = "kept = history()\nhistory = [1]"
    second = "history.append(2)\nFINAL([len(kept), kept[1]['role'], history])"
    ran = await lab.run(turns(code(first), code(second)))
    assert ran.outcome.answer == [3, "user", [1, 2]]


async def test_summary_replaces_the_one_before(lab: Lab) -> None:
    number = 0

    def script(request: ChatRequest) -> str:
        nonlocal number
        number += 1
        return f"Summary {number}." if asked_to_sum_up(request) else code("print('word ' * 800)")

    ran = await lab.run(script, compaction=EARLY, budget=Budget(max_steps=20))
    last = ran.provider.requests[-1].messages[1].content
    assert len(re.findall(r"Summary \d+\.", last)) == 1
    second = summed_up(ran)[1].messages[1].content
    assert len(re.findall(r"Summary \d+\.", second)) == 1


async def test_share_of_the_window_counts_where_it_is_known(lab: Lab) -> None:
    info = ModelInfo("big", Price(1e-6, 2e-6), context_window=16_000)
    provider = ScriptedProvider(working(12), infos={"big": info})
    ran = await lab.run(provider.script, provider=provider)
    assert len(summed_up(ran)) >= 1
    assert max(size(request) for request in provider.requests) < 16_000 * 0.6 + 2_500


async def test_unknown_window_counts_as_large(lab: Lab) -> None:
    ran = await lab.run(working(8))
    assert summed_up(ran) == []
    assert len(ran.provider.requests[-1].messages) == 2 + 8 * 2


@pytest.mark.parametrize(
    ("window", "threshold"), [(None, 100_000), (1_000_000, 100_000), (128_000, 76_800), (4_096, 2_457)]
)
def test_threshold_is_a_share_of_the_window_and_at_most_so_many_tokens(window: int | None, threshold: int) -> None:
    assert Compaction().threshold(window) == threshold


async def test_small_local_model_is_not_asked_to_sum_up(lab: Lab) -> None:
    info = ModelInfo("big", Price(0.0, 0.0), context_window=4_096, small=True)
    provider = ScriptedProvider(working(6), infos={"big": info})
    ran = await lab.run(provider.script, provider=provider)
    assert summed_up(ran) == []
    assert "are not shown any more, to fit your window" in str(provider.requests[-1].messages)
    assert max(size(request) for request in provider.requests) < 4_096


@pytest.mark.parametrize("summary", [ProviderUnavailable("no route"), "  "])
async def test_without_a_summary_turns_are_left_out_as_ever(lab: Lab, summary: object) -> None:
    info = ModelInfo("big", Price(1e-6, 2e-6), context_window=16_000)
    provider = ScriptedProvider(working(14, summary), infos={"big": info})
    ran = await lab.run(provider.script, provider=provider)
    assert ran.outcome.finish_reason == "submitted"
    logs = [log for log in ran.sink.payloads(Log) if log.data.get("code") == "not_summarised"]
    assert 1 <= len(logs) == len(summed_up(ran)) < 6
    assert [message for message in ran.sink.payloads(Message) if message.purpose == "summary"] == []
    assert "to fit your window" in provider.requests[-1].messages[1].content


async def test_summary_that_the_budget_does_not_allow_exhausts_nothing(lab: Lab) -> None:
    ran = await lab.run(working(30), compaction=EARLY, budget=Budget(max_tokens=60_000))
    states = ran.sink.payloads(BudgetState)
    assert ran.outcome.finish_reason == "fallback"
    assert states[-1].exhausted == "max_tokens"
    totals = ran.outcome.totals
    assert totals.input_tokens + totals.output_tokens <= 60_000


async def test_summary_is_not_asked_for_before_the_last_call(lab: Lab) -> None:
    ran = await lab.run(working(30), compaction=EARLY, budget=Budget(max_steps=4))
    assert summed_up(ran) == []
    assert ran.outcome.finish_reason == "fallback"


async def test_each_level_sums_up_its_own(lab: Lab) -> None:
    root = turns(code("FINAL(rlm_query('Child'))"))
    ran = await lab.run(by_level({"Root": root, "Child": working(8)}), compaction=EARLY)
    assert ran.outcome.answer[0] == 2 + 8 * 2 + 1
    paths = [path for path in ran.sink.paths("model_call") if path.endswith("/h")]
    assert paths
    assert all(path.startswith("1/1/0/") for path in paths)


async def test_cut_summary_says_so(lab: Lab) -> None:
    ran = await lab.run(working(6, Say("I found", finish_reason="length")), compaction=EARLY)
    said = next(message for message in ran.sink.payloads(Message) if message.purpose == "summary")
    assert "I found\n[… the summary was cut at the output limit]" in said.content


def replayed(request: ChatRequest) -> Say:
    """Reply as a function of what is asked."""
    if asked_to_sum_up(request):
        return Say("I found 7.")
    seen = re.findall(r"^turn (\d+) ", request.messages[-1].content, re.MULTILINE)
    turn = int(seen[-1]) + 1 if seen else 1
    return Say(code(LAST) if turn > 7 else code(f"print('turn {turn} ' + 'word ' * 800)"))


async def test_summary_is_taken_from_the_record(lab: Lab) -> None:
    whole = await lab.run(replayed, compaction=EARLY)
    assert whole.outcome.answer[0] == 2 + 7 * 2 + 1
    events = whole.sink.events
    assert [event for event in events if getattr(event.payload, "purpose", "") == "summary"]
    for cut in range(1, len(events)):
        provider = ScriptedProvider(replayed)
        outcome, sink = await go_on(lab, events[:cut], provider, compaction=EARLY)
        assert outcome.answer == whole.outcome.answer, cut
        assert paid(sink.events[:cut]) + len(provider.requests) == paid(events), cut
        assert not divergences(sink.events), cut
