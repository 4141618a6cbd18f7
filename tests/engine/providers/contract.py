"""What every provider must do, run against the scripted server over real HTTP."""

import asyncio
import socket
import time
from contextlib import aclosing

import pytest

from rlmlab.engine.errors import (
    BadRequest,
    EndpointDown,
    EngineError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RejectedCredentials,
    UnknownModel,
)
from rlmlab.engine.providers.base import (
    ChatMessage,
    ChatRequest,
    Completed,
    Media,
    Provider,
    Restarted,
    TextDelta,
    ToolCall,
    ToolSpec,
)
from rlmlab.engine.providers.breaker import CircuitPolicy
from rlmlab.engine.providers.retries import RetryPolicy
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import NAMED, Reply, ToolUse, submit

TRIPPING = RetryPolicy(
    attempts=2,
    first_wait_seconds=0.01,
    random=lambda: 0.0,
    circuit=CircuitPolicy(failures=2, streak_seconds=0.0, first_open_seconds=2.0),
)
FAST = RetryPolicy(attempts=3, first_wait_seconds=0.01, random=lambda: 0.0)
SYSTEM = 'You use a REPL and set answer["content"].'
LISTED = "gpt-5-mini"  # a model whose skills the price map tells
PATTERN = {"type": "object", "properties": {"pattern": {"enum": ["a.c"]}}, "required": ["pattern"]}
NOTHING = {"type": "object", "properties": {}}
TOOLS = (ToolSpec("grep", "Search the input.", PATTERN), ToolSpec("now", "Tell the time.", NOTHING))
CLOSED = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
OPEN = {"type": "object", "properties": {"n": {"type": "integer"}}}
PNG = Media("image/png", b"\x89PNG", "0" * 64)
WAV = Media("audio/x-wav", b"RIFF", "1" * 64)


def ask(model: str, text: str = "How many?", **changes: object) -> ChatRequest:
    messages = (ChatMessage("system", SYSTEM), ChatMessage("user", text))
    fields = {"max_tokens": 100, "timeout_seconds": 5.0, **changes}
    return ChatRequest(f"openai/{model}", messages, **fields)


def talk(model: str, *messages: ChatMessage, **changes: object) -> ChatRequest:
    fields = {"max_tokens": 100, "timeout_seconds": 5.0, **changes}
    return ChatRequest(f"openai/{model}", messages, **fields)


async def collect(provider: Provider, request: ChatRequest) -> list[TextDelta | Restarted | Completed]:
    return [item async for item in provider.stream(request)]


async def complete(provider: Provider, request: ChatRequest) -> Completed:
    last = (await collect(provider, request))[-1]
    assert isinstance(last, Completed)
    return last


async def down_and_up_again(provider: Provider, server: ModelServer) -> None:
    """Show that a provider with the policy TRIPPING leaves an endpoint alone that fails, and comes back to it."""
    server.script("submit", Reply(status=503), Reply(status=503), "back")
    with pytest.raises(ProviderUnavailable, match="scripted failure"):
        await complete(provider, ask("submit"))
    with pytest.raises(EndpointDown, match="openai/submit is not asked: it failed 2 times in a row") as caught:
        await complete(provider, ask("submit"))
    assert len(server.calls) == 2
    assert (await complete(provider, ask("two-turns"))).text
    await asyncio.sleep(caught.value.retry_after_seconds)
    assert (await complete(provider, ask("submit"))).text == "back"


async def unreachable(provider: Provider) -> None:
    """Show that a provider with the policy TRIPPING leaves all models of an endpoint alone that cannot be reached."""
    with pytest.raises(ProviderUnavailable) as first:
        await complete(provider, ask("submit"))
    assert type(first.value) is ProviderUnavailable
    for model in ("submit", "never"):
        with pytest.raises(EndpointDown, match=f"openai/{model} is not asked: its endpoint failed 2 times in a row"):
            await complete(provider, ask(model))


def dead_url() -> str:
    """Return an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


class ProviderContract:
    """Subclasses give a `provider` fixture that calls `server` with the key "sk-ada" and the policy FAST."""

    async def test_stream_yields_text_then_the_whole_answer(self, provider: Provider, server: ModelServer):
        items = await collect(provider, ask("submit"))
        *deltas, last = items
        assert last.text == submit("42")
        assert "".join(delta.text for delta in deltas) == last.text
        assert len(deltas) > 1
        assert (last.finish_reason, last.attempts) == ("stop", 1)

    async def test_usage_is_what_the_provider_reports(self, provider: Provider, server: ModelServer):
        server.script("submit", Reply("words", cached_tokens=7, reasoning_tokens=5))
        usage = (await complete(provider, ask("submit"))).usage
        assert (usage.input_tokens, usage.output_tokens) == (22, 7)
        assert (usage.cached_tokens, usage.reasoning_tokens, usage.estimated) == (7, 5, False)

    async def test_usage_over_what_was_asked_is_reported_as_it_is(self, provider: Provider, server: ModelServer):
        usage = (await complete(provider, ask("overrun", max_tokens=20))).usage
        assert usage.output_tokens == 150

    async def test_missing_usage_is_estimated_from_above(self, provider: Provider, server: ModelServer):
        done = await complete(provider, ask("no-usage"))
        assert done.usage.estimated
        assert done.usage.input_tokens == 14 + 8 + 3 + 8
        assert done.usage.output_tokens == -(-len(done.text) // 3)

    async def test_request_carries_what_was_asked(self, provider: Provider, server: ModelServer):
        await complete(provider, ask("submit", temperature=0.0, seed=7, stop=("END",), max_tokens=33))
        call = server.calls[0]
        assert call.messages == [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "How many?"}]
        assert (call.body["temperature"], call.body["seed"], call.body["stop"]) == (0.0, 7, ["END"])
        assert call.body["max_tokens"] == 33
        assert call.body["stream_options"] == {"include_usage": True}
        assert call.headers["authorization"] == "Bearer sk-ada"

    async def test_open_parameters_are_left_out(self, provider: Provider, server: ModelServer):
        await complete(provider, ask("submit"))
        assert not {"temperature", "seed", "stop"} & set(server.calls[0].body)

    async def test_output_limit_ends_as_length(self, provider: Provider, server: ModelServer):
        done = await complete(provider, ask("huge-text", max_tokens=50))
        assert (done.finish_reason, len(done.text)) == ("length", 200)

    async def test_content_filter_is_told(self, provider: Provider, server: ModelServer):
        assert (await complete(provider, ask("content-filter"))).finish_reason == "content_filter"

    async def test_missing_done_line_is_no_failure(self, provider: Provider, server: ModelServer):
        assert (await complete(provider, ask("no-done"))).text == submit("42")

    async def test_unicode_survives_any_chunking(self, provider: Provider, server: ModelServer):
        server.script("submit", Reply("héllo 🦀 wörld " * 20, chunk_characters=1))
        assert (await complete(provider, ask("submit", max_tokens=900))).text == "héllo 🦀 wörld " * 20

    async def test_tools_are_offered_and_their_calls_assembled(self, provider: Provider, server: ModelServer):
        items = await collect(provider, ask("call-tools-2", tools=TOOLS))
        done = items[-1]
        assert done.tool_calls == (ToolCall("call_0", "grep", '{"pattern": "a.c"}'), ToolCall("call_1", "now", "{}"))
        assert (done.text, done.finish_reason) == ("I ask. ", "tool_calls")
        assert "".join(item.text for item in items[:-1]) == "I ask. "
        functions = [tool["function"] for tool in server.calls[0].body["tools"]]
        assert functions == [
            {"name": "grep", "description": "Search the input.", "parameters": PATTERN},
            {"name": "now", "description": "Tell the time.", "parameters": NOTHING},
        ]

    async def test_answers_of_tools_go_back_in_order(self, provider: Provider, server: ModelServer):
        asked = (ToolCall("call_0", "grep", '{"pattern": "a.c"}'), ToolCall("call_1", "now", "{}"))
        messages = (
            ChatMessage("user", "How many?"),
            ChatMessage("assistant", "", tool_calls=asked),
            ChatMessage("tool", "abc", tool_call_id="call_0"),
            ChatMessage("tool", "noon", tool_call_id="call_1"),
        )
        done = await complete(provider, talk("call-tools-2", *messages, tools=TOOLS))
        assert (done.text, done.finish_reason, done.tool_calls) == ("tools said: abc | noon", "stop", ())
        _user, assistant, *results = server.calls[0].messages
        assert assistant.get("content") is None
        assert [(call["id"], call["type"], call["function"]) for call in assistant["tool_calls"]] == [
            ("call_0", "function", {"name": "grep", "arguments": '{"pattern": "a.c"}'}),
            ("call_1", "function", {"name": "now", "arguments": "{}"}),
        ]
        assert [(result["role"], result["tool_call_id"]) for result in results] == [
            ("tool", "call_0"),
            ("tool", "call_1"),
        ]

    async def test_arguments_that_are_no_json_come_as_they_are(self, provider: Provider, server: ModelServer):
        uses = (ToolUse("grep", '{"pattern": "' + "é" * 50, id="mine"), ToolUse("grep", "", id="other"))
        server.script("mine", Reply(tool_calls=uses))
        done = await complete(provider, ask("mine", tools=TOOLS))
        assert done.tool_calls == (
            ToolCall("mine", "grep", '{"pattern": "' + "é" * 50),
            ToolCall("other", "grep", "{}"),
        )

    async def test_tool_calls_of_an_answer_cut_at_its_limit_are_told(self, provider: Provider, server: ModelServer):
        server.script("mine", Reply("", tool_calls=(ToolUse("now"),), finish_reason="length"))
        done = await complete(provider, ask("mine", tools=TOOLS))
        assert (done.finish_reason, len(done.tool_calls)) == ("length", 1)

    async def test_text_of_a_cut_tool_call_is_void(self, provider: Provider, server: ModelServer):
        whole = Reply("again", tool_calls=(ToolUse("now", id="second"),))
        server.script("mine", Reply("", tool_calls=(ToolUse("grep", id="first"),), cut_after_chunks=2), whole)
        done = await complete(provider, ask("mine", tools=TOOLS))
        assert (done.text, done.tool_calls, done.attempts) == ("again", (ToolCall("second", "now", "{}"),), 2)

    async def test_estimate_counts_what_tools_and_media_take(self, provider: Provider, server: ModelServer):
        uses = (ToolUse("grep", {"pattern": "a.c"}),)
        server.script("mine", Reply("", tool_calls=uses, usage="none"), Reply("", tool_calls=uses, usage="none"))
        plain = (await complete(provider, ask("mine"))).usage
        offered = (await complete(provider, ask("mine", tools=TOOLS, response_schema=OPEN))).usage
        assert plain.output_tokens == offered.output_tokens == 8
        assert offered.input_tokens - plain.input_tokens > 60

    async def test_schema_is_asked_for_where_the_model_takes_one(self, provider: Provider, server: ModelServer):
        server.behave(LISTED, NAMED["schema"])
        assert (await complete(provider, ask(LISTED, response_schema=CLOSED))).text == '{"n": 0}'
        assert (await complete(provider, ask(LISTED, response_schema=OPEN))).text == "{}"
        formats = [call.body["response_format"] for call in server.calls]
        assert [form["json_schema"] for form in formats] == [
            {"name": "answer", "schema": CLOSED, "strict": True},
            {"name": "answer", "schema": OPEN, "strict": False},
        ]
        assert {form["type"] for form in formats} == {"json_schema"}

    async def test_schema_is_kept_from_a_model_that_may_not_take_it(self, provider: Provider, server: ModelServer):
        await complete(provider, ask("submit", response_schema=CLOSED))
        assert "response_format" not in server.calls[0].body

    async def test_images_and_sounds_go_with_their_message(self, provider: Provider, server: ModelServer):
        message = ChatMessage("user", "What is it?", media=(PNG, WAV))
        done = await complete(provider, talk("describe", message, ChatMessage("user", "", media=(PNG,))))
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}
        sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
        assert [message["content"] for message in server.calls[0].messages] == [
            [{"type": "text", "text": "What is it?"}, image, sound],
            [image],
        ]
        assert [seen.split()[0] for seen in done.text.removeprefix("saw: ").split(", ")] == [
            "image/png",
            "audio/wav",
            "image/png",
        ]

    async def test_hint_of_what_stays_the_same_changes_no_message(self, provider: Provider, server: ModelServer):
        await complete(provider, ask("submit", stable_messages=2))
        assert server.calls[0].messages == [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": "How many?"},
        ]

    @pytest.mark.parametrize("form", ["openai", "openrouter", "anthropic", "deepseek"])
    async def test_cached_tokens_are_parts_of_the_prompt(self, provider: Provider, server: ModelServer, form: str):
        """Buckets are disjoint: the same tokens told twice, in two places, are counted once."""
        reply = Reply("words", usage_form=form, cached_tokens=7, cache_write_tokens=3, reasoning_tokens=5)
        server.script("submit", reply)
        usage = (await complete(provider, ask("submit"))).usage
        assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (22, 7, 7)
        assert usage.cache_write_tokens == (3 if form in {"openrouter", "anthropic"} else 0)
        assert (usage.reasoning_tokens, usage.estimated) == (5, False)

    @pytest.mark.parametrize(
        ("model", "reason"),
        [("rate-limited-2", "slow down"), ("unavailable-2", "overloaded"), ("cut-2", "")],
    )
    async def test_passing_failure_is_tried_again(
        self, provider: Provider, server: ModelServer, model: str, reason: str
    ):
        items = await collect(provider, ask(model))
        restarts = [item for item in items if isinstance(item, Restarted)]
        assert [restart.attempt for restart in restarts] == [2, 3]
        assert all(reason in restart.reason for restart in restarts)
        assert (items[-1].text, items[-1].attempts) == (submit("recovered"), 3)
        assert len(server.calls) == 3

    async def test_text_after_the_last_restart_is_the_whole_answer(self, provider: Provider, server: ModelServer):
        items = await collect(provider, ask("cut-1"))
        restart = next(number for number, item in enumerate(items) if isinstance(item, Restarted))
        after = [item.text for item in items[restart + 1 : -1]]
        assert "".join(after) == items[-1].text == submit("recovered")

    async def test_retry_after_is_waited_for(self, provider: Provider, server: ModelServer):
        started = time.perf_counter()
        server.script("submit", Reply(status=429, headers={"Retry-After": "0.4"}), Reply("late"))
        assert (await complete(provider, ask("submit"))).text == "late"
        assert time.perf_counter() - started >= 0.4

    async def test_retry_after_beyond_the_deadline_fails_at_once(self, provider: Provider, server: ModelServer):
        server.script("submit", Reply(status=429, headers={"Retry-After": "3600"}))
        with pytest.raises(RateLimited) as caught:
            await complete(provider, ask("submit"))
        assert caught.value.retry_after_seconds == 3600
        assert len(server.calls) == 1

    @pytest.mark.parametrize(
        ("model", "error", "attempts", "words"),
        [
            ("always-429", RateLimited, 3, "slow down"),
            ("always-503", ProviderUnavailable, 3, "overloaded"),
            ("always-cut", ProviderUnavailable, 3, ""),
            ("malformed", ProviderUnavailable, 3, ""),
            ("error-in-stream", ProviderUnavailable, 3, "overloaded in the middle"),
            ("unauthorized", RejectedCredentials, 1, "Incorrect API key provided"),
            ("bad-request", BadRequest, 1, "maximum context length"),
            ("not-found", UnknownModel, 1, "no such model"),
        ],
    )
    async def test_failure_is_mapped(
        self,
        provider: Provider,
        server: ModelServer,
        model: str,
        error: type[EngineError],
        attempts: int,
        words: str,
    ):
        with pytest.raises(error) as caught:
            await complete(provider, ask(model))
        assert type(caught.value) is error
        assert words in str(caught.value)
        assert "litellm" not in str(caught.value)
        assert len(server.calls) == attempts

    async def test_hanging_call_ends_with_its_time(self, provider: Provider, server: ModelServer):
        started = time.perf_counter()
        with pytest.raises(ProviderTimeout):
            await complete(provider, ask("hang", timeout_seconds=0.4))
        assert time.perf_counter() - started < 2
        await asyncio.to_thread(server.wait_for_calls, 1, outcome="left")

    async def test_slow_stream_ends_with_its_time(self, provider: Provider, server: ModelServer):
        with pytest.raises(ProviderTimeout):
            await complete(provider, ask("slow-200", timeout_seconds=0.5))

    async def test_cancelled_call_closes_its_connection(self, provider: Provider, server: ModelServer):
        task = asyncio.create_task(collect(provider, ask("hold", timeout_seconds=60)))
        await asyncio.to_thread(server.wait_for_calls, 1)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(server.wait_for_calls, 1, outcome="left")

    async def test_consumer_that_leaves_closes_its_connection(self, provider: Provider, server: ModelServer):
        async with aclosing(provider.stream(ask("slow-50"))) as items:
            assert isinstance(await anext(items), TextDelta)
        await asyncio.to_thread(server.wait_for_calls, 1, outcome="left")

    async def test_consumer_may_be_slower_than_the_deadline(self, provider: Provider, server: ModelServer):
        """The time between two items is the consumer's own; it is never interrupted there."""
        async with aclosing(provider.stream(ask("submit", timeout_seconds=0.5))) as items:
            await anext(items)
            await asyncio.sleep(0.6)
        assert server.calls[0].status == 200

    async def test_calls_run_at_once(self, provider: Provider, server: ModelServer):
        started = time.perf_counter()
        await asyncio.gather(*(complete(provider, ask("delay-200", f"item {n}")) for n in range(10)))
        assert server.most_open_calls == 10
        assert time.perf_counter() - started < 2

    async def test_info_tells_price_and_limits(self, provider: Provider, server: ModelServer):
        info = provider.info("openai/gpt-5-mini")
        assert (info.price.input_usd, info.price.output_usd) == (2.5e-07, 2e-06)
        assert (info.context_window, info.max_output_tokens, info.small) == (272_000, 128_000, False)
        assert (info.tools, info.schemas, info.images, info.audio, info.cache_marks) == (True, True, True, False, False)

    async def test_info_of_an_unlisted_model_has_no_price(self, provider: Provider, server: ModelServer):
        assert provider.info("openai/submit").price is None

    async def test_info_of_an_unknown_prefix_is_refused(self, provider: Provider, server: ModelServer):
        with pytest.raises(UnknownModel, match="nobody/x"):
            provider.info("nobody/x")
