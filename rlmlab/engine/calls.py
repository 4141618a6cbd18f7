"""Makes model calls: reserve, stream, show, settle, record."""

import asyncio
import copy
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from rlmlab.engine import normalise, structured
from rlmlab.engine.budget import Meter, text_bound
from rlmlab.engine.conversation import Prompt, request_hash
from rlmlab.engine.errors import ProviderError, ProviderTimeout, ProviderUnavailable
from rlmlab.engine.events import Log, Message, Usage
from rlmlab.engine.providers.base import (
    ChatRequest,
    Completed,
    ModelInfo,
    Price,
    Provider,
    Restarted,
    TextDelta,
    TokenUsage,
    ToolCall,
)
from rlmlab.engine.reservations import Ask, Reservation
from rlmlab.engine.spans import OpenSpan, Paid, Spans, SpanStart

LONGEST_CALL_SECONDS = 600.0
MOST_IN_FLIGHT = 64  # calls of a run; how many an endpoint bears is the provider's to find out

Item = TextDelta | Restarted | Completed
Purpose = Literal["step", "sub_call", "fallback", "repair", "compaction"]


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call to make: `path` of its span, `output_tokens` the most it may write.

    `fallback_for` names the model in whose place `info` is asked. The call is given up after `patience`, a share of the
    time that the run has left.
    """

    info: ModelInfo
    prompt: Prompt
    purpose: Purpose
    path: str
    output_tokens: int
    held: bool = False  # the run's own fallback, which may use what was held back for it
    optional: bool = False  # the level can do without it: its refusal exhausts nothing
    fallback_for: str | None = None
    patience: float = 1.0
    response_schema: Mapping[str, Any] | None = (
        None  # what the reply shall match, told natively where the model takes it
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply, normalised as it is stored; `cut` when the model reached its output limit."""

    text: str
    cut: bool
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(slots=True)
class _Streamed:
    """What arrived of a reply so far."""

    chars: int = 0
    bound: int = 0


class Gate:
    """Lets calls through until it is closed, and knows when the last of them is back."""

    def __init__(self) -> None:
        self._way = asyncio.Event()
        self._way.set()
        self._inside = 0
        self._locked = False
        self._empty = asyncio.Event()
        self._empty.set()

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Be inside for the length of a block; waits where the gate is closed, until all who wait are sent away."""
        await self._way.wait()
        if self._locked:
            raise asyncio.CancelledError
        self._inside += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    async def close(self) -> None:
        """Let nobody in any more; return when everybody is out."""
        self._way.clear()
        await self._empty.wait()

    def lock(self) -> None:
        """Send away who waits and who comes: their work has been cancelled, whatever became of that on its way."""
        self._locked = True
        self._way.set()


class Caller:
    """Makes the model calls of one run."""

    def __init__(self, provider: Provider, meter: Meter, spans: Spans, seed: int | None) -> None:
        self._provider = provider
        self._meter = meter
        self._spans = spans
        self._seed = seed
        self._in_flight = asyncio.Semaphore(MOST_IN_FLIGHT)
        self.gate = Gate()

    def under(self, meter: Meter) -> "Caller":
        """Return one that reserves in another meter of the run, beside it in all else."""
        made = copy.copy(self)
        made._meter = meter  # noqa: SLF001 - its own kind
        return made

    @asynccontextmanager
    async def granted(self, call: ModelCall) -> AsyncIterator[Reservation]:
        """Wait until the provider and the budget have room for a call.

        Raises:
            BudgetExhausted: the budget never will.
        """
        info = call.info
        cap = call.output_tokens if info.max_output_tokens is None else min(call.output_tokens, info.max_output_tokens)
        if info.context_window is not None:
            cap = max(1, min(cap, max(info.context_window // 8, info.context_window - call.prompt.bound)))
        ask = Ask(call.prompt.bound, cap, info.price, fallback=call.held, optional=call.optional)
        async with self._in_flight, self._meter.reserve(ask) as reservation, self.gate.passing():
            yield reservation

    def has_record(self, path: str) -> bool:
        """Tell whether a call was answered at this place."""
        found = self._spans.record.span(path)
        return found is not None and found.reply is not None and found.finished is not None

    def on_record(self, call: ModelCall, parent: OpenSpan) -> Reply | None:
        """Return the reply to a call that is on record; one to other words than are to be sent does not count."""
        found = self._spans.record.span(call.path)
        if found is None or found.reply is None or found.finished is None or found.finished.status != "ok":
            return None
        # how much of a conversation fits a last call depends on what is left, which is not what it was
        known = found.shared or call.purpose == "fallback"
        if not known and found.started.data.get("request_hash") != self._hash(call):
            parent.tell_divergence("the model is asked with other words than are on record", call.path)
            return None
        cut = found.finished.data.get("finish_reason") == "length"
        return Reply(found.reply.content, cut, tuple(found.reply.tool_calls))

    def _hash(self, call: ModelCall) -> str:
        return request_hash(call.info.model, call.prompt.digest, call.output_tokens, self._seed)

    async def make(self, call: ModelCall, reservation: Reservation, parent: OpenSpan) -> Reply:
        """Make a call that was granted, inside a span of its own.

        Raises:
            ProviderError: the call failed for good.
        """
        request = ChatRequest(
            model=call.info.model,
            messages=call.prompt.messages,
            max_tokens=reservation.max_tokens,
            timeout_seconds=max(0.1, min(LONGEST_CALL_SECONDS, self._meter.seconds_left * call.patience)),
            seed=self._seed,
            response_schema=structured.told_natively(call.response_schema) if call.info.schemas else None,
            tools=call.prompt.tools,
            stable_messages=_stable_messages(call),
        )
        start = SpanStart(
            kind="model_call",
            name=call.info.model,
            path=call.path,
            depth=parent.depth,
            data={
                "model": call.info.model,
                "purpose": call.purpose,
                "fallback_for": call.fallback_for,
                "request_hash": self._hash(call),
                "prompt_bound": reservation.prompt_tokens,
                "max_tokens": reservation.max_tokens,
                "price": _price(call.info.price),
            },
        )
        with self._spans.open(start, parent) as span:
            self._meter.counts.model_calls += 1
            completed = await self._receive(request, reservation, span)
            calls = normalise.calls(completed.tool_calls)
            reply = Reply(normalise.text(completed.text), completed.finish_reason == "length", tuple(calls))
            span.data = {"finish_reason": completed.finish_reason, "attempts": completed.attempts}
            span.emit(Message(role="assistant", content=reply.text, tool_calls=calls))
            usage = self._settle(completed.usage, reservation, span)
        parent.paid.append(Paid(call.info.model, usage, whole=completed.finish_reason == "stop"))
        return reply

    async def _receive(self, request: ChatRequest, reservation: Reservation, span: OpenSpan) -> Completed:
        """Take the stream to its end; what may have been paid of a broken one is counted as an upper bound."""
        streamed = _Streamed()
        try:
            async with _closing(self._provider.stream(request)) as items:
                async for item in items:
                    match item:
                        case TextDelta(text=text):
                            span.stream.delta(span.span_id, streamed.chars, text)
                            streamed.chars += len(text)
                            streamed.bound += text_bound(text)
                        case Restarted(attempt=attempt, reason=reason):
                            streamed.chars = 0
                            span.stream.delta(span.span_id, 0, "")
                            span.emit(Log(level="warning", message=f"Attempt {attempt}: {reason}"))
                        case Completed():
                            return item
        except asyncio.CancelledError:
            self._settle(_estimate(reservation, streamed), reservation, span)
            raise
        except ProviderError as error:
            if streamed.bound or isinstance(error, ProviderTimeout):
                self._settle(_estimate(reservation, streamed), reservation, span)
            raise
        raise ProviderUnavailable("The model's reply ended without its end")

    def _settle(self, usage: TokenUsage, reservation: Reservation, span: OpenSpan) -> Usage:
        """Turn the reservation into what the call cost, note it, and tell when that is more than was reserved."""
        overrun = self._meter.settle(reservation, usage)
        span.usage = used = Usage(
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            cost_usd=usage.cost_usd(reservation.ask.price),
            estimated=usage.estimated,
        )
        if overrun is not None:
            span.emit(
                Log(
                    level="warning",
                    message=f"The provider reported more than was reserved: {overrun.tokens} tokens over",
                    data={"code": "overrun", "tokens": overrun.tokens, "cost_usd": overrun.cost_usd},
                )
            )
        return used


@asynccontextmanager
async def _closing(items: AsyncIterator[Item]) -> AsyncIterator[AsyncIterator[Item]]:
    """Close a provider's stream, and with it the connection, when the block is left."""
    try:
        yield items
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()


def _estimate(reservation: Reservation, streamed: _Streamed) -> TokenUsage:
    """Bound what a call may have cost that never told."""
    return TokenUsage(
        input_tokens=reservation.prompt_tokens,
        output_tokens=min(streamed.bound, reservation.max_tokens),
        estimated=True,
    )


def _stable_messages(call: ModelCall) -> int:
    """Tell what the next call will send again: of a level's first only its prompt, for it may answer at once."""
    if call.purpose != "step":
        return 0
    messages = call.prompt.messages
    return len(messages) if any(message.role == "assistant" for message in messages) else 1


def _price(price: Price | None) -> dict[str, float | None] | None:
    """Snapshot a price for the record."""
    if price is None:
        return None
    return {
        "input_usd": price.input_usd,
        "output_usd": price.output_usd,
        "cached_input_usd": price.cached_input_usd,
        "cache_write_usd": price.cache_write_usd,
    }
