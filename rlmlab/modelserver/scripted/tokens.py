"""How the scripted model server counts tokens: UTF-8 bytes / 4, rounded up, and 4 a message."""

import json
from collections.abc import Sequence
from typing import Any

MEDIA_TOKENS = 85
"""What an image or a sound costs, whatever its size."""


def count_tokens(text: str) -> int:
    """Count a text."""
    return -(-len(text.encode("utf-8", "replace")) // 4)


def count_prompt(messages: Sequence[dict[str, Any]]) -> int:
    """Count the messages of a request."""
    return sum(_count_message(message) + 4 for message in messages)


def text_of(message: dict[str, Any]) -> str:
    """The text of a message, of its text parts where it has parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def media_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The images and sounds of a message, as parts of its content."""
    content = message.get("content") or ""
    return [] if isinstance(content, str) else [part for part in content if part["type"] != "text"]


def _count_message(message: dict[str, Any]) -> int:
    asked = message.get("tool_calls")
    tools = count_tokens(json.dumps(asked)) if asked else 0
    return count_tokens(text_of(message)) + tools + MEDIA_TOKENS * len(media_of(message))
