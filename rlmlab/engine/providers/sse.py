"""What an OpenAI-style chat completion stream says, chunk by chunk."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from rlmlab.engine.providers.base import ChatRequest, Completed, TokenUsage
from rlmlab.engine.providers.estimates import estimate_usage
from rlmlab.engine.providers.failures import cut, failure_of_status, without_secret
from rlmlab.engine.providers.usage import read_usage
from rlmlab.engine.providers.wanted import WantedTools

FinishReason = Literal["stop", "length", "content_filter", "tool_calls", "other"]
SHOWN_CHARACTERS = 80
_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}


async def data_lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield what stands behind each `data:`, whatever the boundaries of the network's chunks."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()
    if rest.startswith(b"data:"):
        yield rest[5:].strip()


@dataclass(slots=True)
class StreamReader:
    """Folds the chunks of one answer: its text, tool calls, usage and finish reason so far.

    `secret` is the key that was sent along; it is struck out of what a failure says.
    """

    secret: str | None = field(default=None, repr=False)
    pieces: list[str] = field(default_factory=list)
    wanted: WantedTools = field(default_factory=WantedTools)
    usage: TokenUsage | None = None
    finish_reason: FinishReason | None = None

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self.pieces)

    def read(self, data: bytes) -> str:
        """Take in one chunk and return the text that it adds.

        Raises:
            Interrupted: it is broken, or reports an error that may pass.
            ProviderError: it reports an error that will not.
        """
        try:
            chunk = json.loads(data)
            return self._fold(chunk)
        except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            shown = without_secret(data.decode("utf-8", "replace"), self.secret)[:SHOWN_CHARACTERS]
            raise cut(f"the provider sent a broken chunk: {shown}") from error

    def _fold(self, chunk: dict[str, Any]) -> str:
        if chunk.get("error"):
            raise failure_of_error(chunk["error"], self.secret)
        if chunk.get("usage"):
            self.usage = read_usage(chunk["usage"])
        if not chunk.get("choices"):
            return ""
        choice = chunk["choices"][0]
        delta = choice.get("delta") or {}
        return self.add(delta.get("content"), delta.get("tool_calls"), choice.get("finish_reason"))

    def add(self, content: str | None, wanted: list[Mapping[str, Any]] | None, reason: str | None) -> str:
        """Take in what a chunk adds, and return its text."""
        if reason:
            self.finish_reason = finish_reason_of(reason)
        if wanted:
            self.wanted.add(wanted)
        text = str(content or "")
        if text:
            self.pieces.append(text)
        return text

    def end(self) -> None:
        """Take [DONE] as the end of an answer that never said why it stopped."""
        if self.pieces or self.wanted:
            self.finish_reason = self.finish_reason or "stop"

    def completed(self, request: ChatRequest, attempts: int) -> Completed:
        """Return the end of the answer; its usage is estimated where none was reported.

        Raises:
            Interrupted: the stream ended before the answer did; some servers say "stop" where a model asks for tools.
        """
        if self.finish_reason is None:
            raise cut("the stream ended before the answer did")
        reason = "tool_calls" if self.wanted and self.finish_reason == "stop" else self.finish_reason
        usage = self.usage or estimate_usage(request, self.text + self.wanted.written)
        return Completed(self.text, usage, reason, attempts, self.wanted.calls())


def finish_reason_of(name: str) -> FinishReason:
    """Map a provider's word for why it stopped."""
    return _FINISH_REASONS.get(name, "other")


def failure_of_error(error: Any, secret: str | None = None) -> Exception:
    """Map an error that comes inside a stream; without a number it counts as the provider's own (500)."""
    code = error.get("code") if isinstance(error, dict) else None
    message = without_secret(str(error.get("message", error) if isinstance(error, dict) else error), secret)
    return failure_of_status(int(str(code)) if str(code).isdigit() else HTTPStatus.INTERNAL_SERVER_ERROR, message)
