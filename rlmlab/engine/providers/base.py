"""The contract of a model provider; `tests/engine/providers/contract.py` runs against each of them."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Media:
    """An image or a sound in a message: its media type such as `image/png`, its bytes, their SHA-256 in hex."""

    media_type: str
    data: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asks for in its provider's own form; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it; `parameters` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation; `tool_calls` of an assistant, `tool_call_id` of the tool message that answers."""

    role: Role
    content: str
    media: tuple[Media, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call: `max_tokens` bounds the output, `timeout_seconds` the whole call with its retries.

    `response_schema`: the JSON Schema that the reply shall match, for models that are told so natively.
    `stable_messages`: so many first messages stay the same from call to call, a hint for the provider's prompt cache.
    """

    model: str
    messages: tuple[ChatMessage, ...]
    max_tokens: int
    timeout_seconds: float = 600.0
    temperature: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    response_schema: Mapping[str, Any] | None = None
    stable_messages: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """USD per token, as snapshotted on each call; None: cached tokens cost what others cost."""

    input_usd: float
    output_usd: float
    cached_input_usd: float | None = None
    cache_write_usd: float | None = None


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one call.

    `input_tokens` contains `cached_tokens` and `cache_write_tokens`; `output_tokens` contains `reasoning_tokens`.
    `estimated` is true where the provider reported none and we counted an upper bound ourselves.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    cache_write_tokens: int = 0

    def cost_usd(self, price: Price | None) -> float | None:
        """Price the call; None where the price is unknown."""
        if price is None:
            return None
        cached_usd = price.input_usd if price.cached_input_usd is None else price.cached_input_usd
        written_usd = price.input_usd if price.cache_write_usd is None else price.cache_write_usd
        fresh = self.input_tokens - self.cached_tokens - self.cache_write_tokens
        prompt_usd = fresh * price.input_usd + self.cached_tokens * cached_usd + self.cache_write_tokens * written_usd
        return prompt_usd + self.output_tokens * price.output_usd


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
    """The end of a call: whole text, usage, why it stopped, how often it was tried, the tools it wants called."""

    text: str
    usage: TokenUsage
    finish_reason: Literal["stop", "length", "content_filter", "tool_calls", "other"]
    attempts: int = 1
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a model: its price (None: unknown), limits in tokens (None: unknown)."""

    model: str
    price: Price | None
    context_window: int | None = None
    max_output_tokens: int | None = None
    small: bool = False  # a tiny local model: gets the compact prompt with worked examples
    tools: bool = False  # takes `ChatRequest.tools`
    schemas: bool = False  # takes `ChatRequest.response_schema`
    images: bool = False
    audio: bool = False
    cache_marks: bool = False  # its prompt cache wants to be told where what stays the same ends


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

        Retries 429, 5xx and cut streams with backoff, and gives an endpoint up for a while that only fails. Cancelling
        the consumer closes the connection.

        Raises:
            ProviderError: the call failed for good (its subclasses tell why).
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
