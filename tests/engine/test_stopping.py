"""Ends that come from outside: a person, the event loop, a dead guest, a lost lease."""

import asyncio
import time

import pytest

from rlmlab.engine.errors import LostLease, ProviderUnavailable
from rlmlab.engine.events import Output
from rlmlab.engine.orchestrator import execute
from rlmlab.engine.providers.base import ChatRequest, ModelInfo, TextDelta
from rlmlab.engine.stream import EventStream
from rlmlab.engine.types import Budget, CancelToken, ContextInfo, RunSpec
from sandbox.base import Profile, context_in_memory
from tests.engine.conftest import RUN_ID, Lab
from tests.engine.fakes.provider import Say, ScriptedProvider, by_level, turns
from tests.engine.fakes.sink import MemorySink


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


SLOW = Say("never", seconds=60)
STUCK = {
    "model call": turns(SLOW),
    "endless cell": turns(code("while True: pass")),
    "sub-call": by_level({"Root": turns(code("llm_query('x')")), "plain": turns(SLOW)}),
    "batch": by_level({"Root": turns(code("llm_query_batched(['x'] * 90)")), "plain": turns(SLOW)}),
    "cell of a child": by_level(
        {"Root": turns(code("rlm_query_batched(['C', 'C'])")), "C": turns(code("while True: pass"))}
    ),
}


@pytest.mark.parametrize("where", STUCK)
@pytest.mark.parametrize("how", ["token", "task"])
async def test_cancel_takes_less_than_a_second(lab: Lab, where: str, how: str) -> None:
    token, sink = CancelToken(), MemorySink()
    run = asyncio.ensure_future(lab.run(STUCK[where], cancel=token, sink=sink))
    await asyncio.sleep(0.3)
    since = time.monotonic()
    token.cancel() if how == "token" else run.cancel()
    ran = await run
    assert time.monotonic() - since < 1.0
    assert (ran.outcome.status, ran.outcome.finish_reason) == ("cancelled", "cancelled")
    assert ran.outcome.error is None
    assert ran.sink.events[-1].payload.status == "cancelled"
    assert "cancelled" in {ran.sink.finished(path).status for path in [*ran.sink.paths("model_call"), "1"]}


async def test_run_cancelled_before_it_starts_makes_no_call(lab: Lab) -> None:
    token = CancelToken()
    token.cancel()
    ran = await lab.run(turns("x"), cancel=token)
    assert (ran.outcome.finish_reason, ran.provider.requests) == ("cancelled", [])


async def test_work_that_cancels_itself_is_an_error(lab: Lab) -> None:
    ran = await lab.run(turns(asyncio.CancelledError()))
    assert (ran.outcome.finish_reason, ran.outcome.error.code) == ("error", "engine_error")


async def test_cancel_during_the_fallback_ends_as_cancelled(lab: Lab) -> None:
    token = CancelToken()
    run = asyncio.ensure_future(lab.run(turns(code("1"), SLOW), cancel=token, budget=Budget(max_steps=1)))
    await asyncio.sleep(0.3)
    token.cancel()
    assert (await run).outcome.finish_reason == "cancelled"


async def test_cancelled_call_counts_what_it_may_have_cost(lab: Lab) -> None:
    token = CancelToken()
    run = asyncio.ensure_future(lab.run(turns(SLOW), cancel=token))
    await asyncio.sleep(0.2)
    token.cancel()
    ran = await run
    usage = ran.sink.finished("1/m").usage
    assert usage.estimated is True
    assert usage.input_tokens > 500
    assert ran.outcome.totals.input_tokens == usage.input_tokens


async def test_lost_lease_stops_the_run_and_nothing_more_is_written(lab: Lab) -> None:
    sink = MemorySink(lose_after=1)
    spec = RunSpec(RUN_ID, "Root", "big")
    stream = EventStream(RUN_ID, [sink], lab.clock)
    provider = ScriptedProvider(turns(code("print(1)")))
    with pytest.raises(LostLease):
        await execute(spec, provider=provider, environment=lab.environment, stream=stream, clock=lab.clock)
    assert len(provider.requests) == 2
    assert [event.type for event in sink.events[-2:]] == ["message", "span_finished"]
    assert sink.events[-1].payload.kind == "model_call"


async def test_lease_lost_in_a_batch_stops_the_run(lab: Lab) -> None:
    sink = MemorySink(lose_after=2)
    script = by_level({"Root": turns(code("llm_query_batched(['x'] * 5)")), "plain": turns("y")})
    stream = EventStream(RUN_ID, [sink], lab.clock)
    with pytest.raises(LostLease):
        await execute(
            RunSpec(RUN_ID, "Root", "big"),
            provider=ScriptedProvider(script),
            environment=lab.environment,
            stream=stream,
            clock=lab.clock,
        )
    assert all(event.payload.kind != "run" for event in sink.events if event.type == "span_finished")


async def test_killed_cell_gets_a_new_repl_and_the_model_is_told(lab: Lab) -> None:
    opened = []

    async def open_context() -> object:
        opened.append(1)
        return context_in_memory("text", [b"the input"])

    ran = await lab.run(
        turns(
            code("x = 1\nprint('before')\nwhile True: pass"),
            code("FINAL([context, 'x' in globals()])"),
            code("FINAL(context)"),
        ),
        profile=Profile("tiny", 0.4, 256 << 20),
        context=ContextInfo("text", 9),
        open_context=open_context,
    )
    told = ran.provider.requests[1].messages[-1].content
    assert told.startswith("before\n[The cell was killed: it ran longer than 0.4 seconds")
    assert "all variables you made are lost, `context` and the functions are there again" in told
    assert "the input" in str(ran.outcome.answer)
    assert len(opened) == 2
    assert ran.sink.finished("1/c1").failure.code == "cell_killed_time"
    assert ran.sink.finished("1/c1").data["status"] == "killed_time"


async def test_unforeseen_error_ends_the_run_and_is_logged(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    ran = await lab.run(turns(ZeroDivisionError("secret detail")))
    assert (ran.outcome.finish_reason, ran.outcome.error.code) == ("error", "internal_error")
    assert "secret" not in ran.outcome.error.message
    assert "secret detail" in caplog.text


async def test_unforeseen_error_in_a_sub_call_ends_the_run(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    def plain(_: object) -> str:
        raise ZeroDivisionError("deep inside")

    ran = await lab.run(by_level({"Root": turns(code("llm_query('x')")), "plain": plain}))
    assert ran.outcome.error.code == "internal_error"
    assert "deep inside" in caplog.text


async def test_retried_stream_restarts_its_delta_and_is_logged(lab: Lab) -> None:
    ran = await lab.run(turns(Say(code("FINAL('ok')"), restarts=1)))
    texts = [(delta.offset, delta.text) for delta in ran.sink.deltas]
    assert texts[0] == (0, "void")
    assert texts[1] == (0, "")
    assert "".join(text for _, text in texts[2:]) == code("FINAL('ok')")
    assert ran.sink.finished("1/m").data["attempts"] == 2


async def test_stream_without_an_end_is_a_provider_failure(lab: Lab) -> None:
    class Endless(ScriptedProvider):
        async def stream(self, request: object) -> object:
            return
            yield

    provider = Endless(turns("x"), infos={"big": ModelInfo("big", None)})
    ran = await lab.run(provider.script, provider=provider)
    assert ran.outcome.error.code == ProviderUnavailable.code


async def test_huge_output_is_cut_with_a_marker_and_stored_exactly(lab: Lab) -> None:
    ran = await lab.run(turns(code("for n in range(20_000): print(n)"), code("FINAL(1)")))
    stored = "".join(output.text for output in ran.sink.payloads(Output))
    assert stored == "".join(f"{n}\n" for n in range(20_000))
    assert len(ran.sink.payloads(Output)) < 40
    told = ran.provider.requests[1].messages[-1].content
    assert told.startswith("0\n1\n2\n")
    assert "of 108,890 characters are not shown. To see them, keep the text in a variable and print a part" in told
    assert "19999" in told
    assert len(told) < 9_000


async def test_stream_cut_for_good_counts_what_it_may_have_cost(lab: Lab) -> None:
    class Cut(ScriptedProvider):
        async def stream(self, request: ChatRequest) -> object:
            yield TextDelta("```repl\nprint(")
            raise ProviderUnavailable("the stream was cut four times")

    provider = Cut(turns("x"))
    ran = await lab.run(provider.script, provider=provider)
    assert ran.outcome.error.code == "provider_unavailable"
    usage = ran.sink.finished("1/m").usage
    assert usage.estimated is True
    assert usage.output_tokens == 13
    assert ran.outcome.totals.cost_usd > 0


async def test_call_that_was_refused_costs_nothing(lab: Lab) -> None:
    ran = await lab.run(turns(ProviderUnavailable("503")))
    assert ran.sink.finished("1/m").usage is None
    assert (ran.outcome.totals.input_tokens, ran.outcome.totals.model_calls) == (0, 1)


async def test_provider_whose_stream_is_a_plain_iterator_is_taken(lab: Lab) -> None:
    class Plain:
        def __init__(self, items: object) -> None:
            self.items = items

        def __aiter__(self) -> object:
            return self

        async def __anext__(self) -> object:
            return await anext(self.items)

    class Iterating(ScriptedProvider):
        def stream(self, request: ChatRequest) -> object:
            self.kept = super().stream(request)
            return Plain(self.kept)

        async def finish(self) -> None:
            await self.kept.aclose()

    provider = Iterating(turns(code("FINAL(1)")))
    request = RunSpec(RUN_ID, "Root", "big")
    stream = EventStream(RUN_ID, [MemorySink()], lab.clock)
    outcome = await execute(request, provider=provider, environment=lab.environment, stream=stream, clock=lab.clock)
    await provider.finish()
    assert outcome.answer == 1


async def test_second_cancel_while_the_first_is_carried_out_changes_nothing(lab: Lab) -> None:
    class SlowToClose(ScriptedProvider):
        async def stream(self, request: ChatRequest) -> object:
            try:
                await asyncio.sleep(60)
                yield TextDelta("never")
            finally:
                await asyncio.sleep(0.2)

    provider = SlowToClose(turns("x"))
    run = asyncio.ensure_future(lab.run(provider.script, provider=provider))
    await asyncio.sleep(0.1)
    run.cancel()
    await asyncio.sleep(0.1)
    run.cancel()
    ran = await run
    assert ran.outcome.finish_reason == "cancelled"


async def test_cancel_while_the_end_is_committed_keeps_the_end(lab: Lab) -> None:
    ending = asyncio.Event()

    class SlowSink(MemorySink):
        async def commit(self) -> None:
            if self.events[-1].parent_span_id is None and self.events[-1].type == "span_finished":
                ending.set()
                await asyncio.sleep(0.3)
            await super().commit()

    run = asyncio.ensure_future(lab.run(turns(code("FINAL(1)")), sink=SlowSink()))
    await ending.wait()
    run.cancel()
    ran = await run
    assert (ran.outcome.finish_reason, ran.outcome.answer) == ("submitted", 1)


async def test_answer_submitted_before_an_error_in_the_same_cell_counts(lab: Lab) -> None:
    ran = await lab.run(turns(code("FINAL('done')\n1/0")))
    assert (ran.outcome.answer, ran.outcome.finish_reason) == ("done", "submitted")
