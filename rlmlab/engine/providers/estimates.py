"""Upper bounds of token counts for providers that report none."""

import json
from collections.abc import Sequence

from rlmlab.engine.media import token_bound
from rlmlab.engine.providers.base import ChatMessage, ChatRequest, TokenUsage

BYTES_PER_TOKEN = 3
TOKENS_PER_MESSAGE = 8


def estimate_text(text: str) -> int:
    """Bound the tokens of a text: UTF-8 bytes / 3, rounded up."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def estimate_messages(messages: Sequence[ChatMessage], model: str = "") -> int:
    """Bound the tokens of a prompt: its texts, media and tool calls, and 8 a message for the template."""
    return sum(_estimate_message(message, model) + TOKENS_PER_MESSAGE for message in messages)


def estimate_offer(request: ChatRequest) -> int:
    """Bound the tokens of what a request carries beside its messages: tools and a schema."""
    documents = [[tool.name, tool.description, dict(tool.parameters)] for tool in request.tools]
    texts = [json.dumps(document) for document in (*documents, request.response_schema) if document is not None]
    return sum(estimate_text(text) + TOKENS_PER_MESSAGE for text in texts)


def estimate_usage(request: ChatRequest, written: str) -> TokenUsage:
    """Bound the usage of an answered call, of which `written` is all that came, text and tool calls."""
    return TokenUsage(
        input_tokens=estimate_messages(request.messages, request.model) + estimate_offer(request),
        output_tokens=min(request.max_tokens, estimate_text(written)),
        estimated=True,
    )


def _estimate_message(message: ChatMessage, model: str) -> int:
    calls = "".join(f"{call.id}{call.name}{call.arguments}" for call in message.tool_calls)
    media = sum(token_bound(one, model) for one in message.media)
    return estimate_text(message.content) + estimate_text(calls) + media
