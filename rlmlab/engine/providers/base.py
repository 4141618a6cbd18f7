"""The contract of a model provider; `tests/engine/providers/contract.py` runs against each of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call: `max_tokens` bounds the output, `timeout_seconds` the whole call with its retries."""

    model: str
    messages: tuple[ChatMessage, ...]
    max_tokens: int
    timeout_seconds: float = 600.0
    temperature: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Price:
    """USD per token, as snapshotted on each call."""

    input_usd: float
    output_usd: float
    cached_input_usd: float | None = None


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one call. `input_tokens` contains `cached_tokens`; `output_tokens` contains `reasoning_tokens`.

    `estimated` is true where the provider reported none and we counted an upper bound ourselves.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    def cost_usd(self, price: Price | None) -> float | None:
        """Price the call; None where the price is unknown."""
        if price is None:
            return None
        cached_usd = price.input_usd if price.cached_input_usd is None else price.cached_input_usd
        fresh = self.input_tokens - self.cached_tokens
        return fresh * price.input_usd + self.cached_tokens * cached_usd + self.output_tokens * price.output_usd


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the text as it streams."""

    text: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """The stream was cut and the call is being made again: what was streamed so far is void."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Completed:
    """The end of a call: whole text, usage, why it stopped, how often it was tried."""

    text: str
    usage: TokenUsage
    finish_reason: Literal["stop", "length", "content_filter", "other"]
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a model: its price (None: unknown), limits in tokens (None: unknown)."""

    model: str
    price: Price | None
    context_window: int | None = None
    max_output_tokens: int | None = None
    small: bool = False  # a tiny local model: gets the compact prompt with worked examples


class Provider(Protocol):
    """Makes model calls. One instance serves many runs of one event loop."""

    def info(self, model: str) -> ModelInfo:
        """Describe a model.

        Raises:
            UnknownModel: the prefix or bare name is not known.
        """
        ...

    def stream(self, request: ChatRequest) -> AsyncIterator[TextDelta | Restarted | Completed]:
        """Make a call; the last item is always `Completed`.

        Retries 429, 5xx and cut streams with backoff. Cancelling the consumer closes the connection.

        Raises:
            ProviderError: the call failed for good (its subclasses tell why).
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
