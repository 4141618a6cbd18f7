"""Upper bounds of token counts for providers that report none."""

from collections.abc import Sequence

from rlmlab.engine.providers.base import ChatMessage, ChatRequest, TokenUsage

BYTES_PER_TOKEN = 3
TOKENS_PER_MESSAGE = 8


def estimate_text(text: str) -> int:
    """Bound the tokens of a text: UTF-8 bytes / 3, rounded up."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def estimate_messages(messages: Sequence[ChatMessage]) -> int:
    """Bound the tokens of a prompt: its texts and 8 a message for the template."""
    return sum(estimate_text(message.content) + TOKENS_PER_MESSAGE for message in messages)


def estimate_usage(request: ChatRequest, text: str) -> TokenUsage:
    """Bound the usage of an answered call."""
    return TokenUsage(
        input_tokens=estimate_messages(request.messages),
        output_tokens=min(request.max_tokens, estimate_text(text)),
        estimated=True,
    )
