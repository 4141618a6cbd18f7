"""What an OpenAI-style chat completion stream says, chunk by chunk."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from rlmlab.engine.providers.base import TokenUsage
from rlmlab.engine.providers.failures import cut, failure_of_status, without_secret

FinishReason = Literal["stop", "length", "content_filter", "other"]
MOST_TOKENS = 10**9  # of one call; beyond any model's window
SHOWN_CHARACTERS = 80
_FINISH_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length", "content_filter": "content_filter"}


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
    """Folds the chunks of one answer: its text, usage and finish reason so far.

    `secret` is the key that was sent along; it is struck out of what a failure says.
    """

    secret: str | None = field(default=None, repr=False)
    pieces: list[str] = field(default_factory=list)
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
        if choice.get("finish_reason"):
            self.finish_reason = finish_reason_of(choice["finish_reason"])
        text = (choice.get("delta") or {}).get("content") or ""
        if text:
            self.pieces.append(text)
        return str(text)


def finish_reason_of(name: str) -> FinishReason:
    """Map a provider's word for why it stopped."""
    return _FINISH_REASONS.get(name, "other")


def failure_of_error(error: Any, secret: str | None = None) -> Exception:
    """Map an error that comes inside a stream; without a number it counts as the provider's own (500)."""
    code = error.get("code") if isinstance(error, dict) else None
    message = without_secret(str(error.get("message", error) if isinstance(error, dict) else error), secret)
    return failure_of_status(int(str(code)) if str(code).isdigit() else HTTPStatus.INTERNAL_SERVER_ERROR, message)


def read_usage(usage: dict[str, Any]) -> TokenUsage | None:
    """Read OpenAI's usage object; details may be missing or null. None where it counts nothing that can be true."""
    prompt_details = usage.get("prompt_tokens_details") or {}
    output_details = usage.get("completion_tokens_details") or {}
    reported = (
        usage.get("prompt_tokens"),
        usage.get("completion_tokens") or 0,
        prompt_details.get("cached_tokens") or 0,
        output_details.get("reasoning_tokens") or 0,
    )
    counts = [int(count) for count in reported if isinstance(count, int | float) and 0 <= count <= MOST_TOKENS]
    if len(counts) < len(reported):
        return None
    input_tokens, output_tokens, cached_tokens, reasoning_tokens = counts
    return TokenUsage(input_tokens, output_tokens, cached_tokens, reasoning_tokens)
