"""A provider whose replies a test writes down; passes `tests/engine/fakes/contract.py` as real ones do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from rlmlab.engine.errors import UnknownModel
from rlmlab.engine.providers.base import (
    ChatRequest,
    Completed,
    ModelInfo,
    Price,
    Restarted,
    TextDelta,
    TokenUsage,
    ToolCall,
)


@dataclass(frozen=True)
class Say:
    """A reply with what a provider tells about it; tokens None: counted as bytes / 4."""

    text: str
    finish_reason: str = "stop"
    input_tokens: int | None = None
    output_tokens: int | None = None
    seconds: float = 0.0
    restarts: int = 0
    tool_calls: tuple[ToolCall, ...] = ()


Script = Callable[[ChatRequest], "Awaitable[Say | str] | Say | str"]


def turns(*replies: Say | str | BaseException) -> Script:
    """Reply in order; the last one for ever."""
    left = list(replies)

    def script(_: ChatRequest) -> Say | str:
        reply = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(reply, BaseException):
            raise reply
        return reply

    return script


def by_level(levels: Mapping[str, Script]) -> Script:
    """Choose a script by a word of the conversation's first user message; plain questions go to `plain`."""

    def script(request: ChatRequest) -> Awaitable[Say | str] | Say | str:
        system = request.messages[0].content
        if 'answer["content"]' not in system:
            return levels["plain"](request)
        task = next(message.content for message in request.messages if message.role == "user")
        return next(chosen for word, chosen in levels.items() if word in task)(request)

    return script


@dataclass
class ScriptedProvider:
    """Answers every call by its script, in pieces, and remembers the requests."""

    script: Script
    prices: Mapping[str, Price | None] = field(default_factory=lambda: {"big": Price(1e-6, 2e-6)})
    infos: Mapping[str, ModelInfo] = field(default_factory=dict)
    requests: list[ChatRequest] = field(default_factory=list)
    open_calls: int = 0
    most_open_calls: int = 0

    def info(self, model: str) -> ModelInfo:
        """Describe a model of `infos` or `prices`."""
        if model in self.infos:
            return self.infos[model]
        if model not in self.prices:
            raise UnknownModel(f"{model!r} is not a known model")
        return ModelInfo(model, self.prices[model])

    async def stream(self, request: ChatRequest) -> AsyncIterator[TextDelta | Restarted | Completed]:
        """Stream the scripted reply in pieces of 20 characters."""
        self.requests.append(request)
        self.open_calls += 1
        self.most_open_calls = max(self.most_open_calls, self.open_calls)
        try:
            reply = self.script(request)
            if isinstance(reply, Awaitable):
                reply = await reply
            say = reply if isinstance(reply, Say) else Say(reply)
            for attempt in range(1, say.restarts + 1):
                yield TextDelta("void")
                yield Restarted(attempt + 1, "the stream was cut")
            await asyncio.sleep(say.seconds)
            for piece in pieces(say.text):
                yield TextDelta(piece)
            yield Completed(say.text, usage(request, say), say.finish_reason, say.restarts + 1, say.tool_calls)
        finally:
            self.open_calls -= 1

    async def close(self) -> None:
        """Nothing to close."""


def pieces(text: str) -> Iterable[str]:
    """Cut a text into deltas."""
    return (text[start : start + 20] for start in range(0, len(text), 20))


def usage(request: ChatRequest, say: Say) -> TokenUsage:
    """Count bytes / 4 where the script says nothing."""
    sent = sum(len(message.content.encode("utf-8", "surrogatepass")) for message in request.messages)
    wrote = len(say.text.encode("utf-8", "surrogatepass"))
    return TokenUsage(
        input_tokens=sent // 4 if say.input_tokens is None else say.input_tokens,
        output_tokens=min(wrote // 4, request.max_tokens) if say.output_tokens is None else say.output_tokens,
    )
