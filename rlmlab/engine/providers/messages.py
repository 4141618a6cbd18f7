"""Messages, tools and schemas in the form of OpenAI's API, which LiteLLM takes too and translates for others.

https://platform.openai.com/docs/api-reference/chat/create
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from rlmlab.engine.providers.base import ChatMessage, ChatRequest, Media, ToolSpec

AUDIO_FORMATS: Mapping[str, str] = {
    "audio/mpeg": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "audio/x-flac": "flac",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
}
"""What OpenAI calls a sound's media type, where that is not its second half."""

SCHEMA_NAME = "answer"
KEY_CHARACTERS = 32
_EPHEMERAL = {"type": "ephemeral"}


def messages_of(request: ChatRequest, *, marked: bool = False) -> list[dict[str, Any]]:
    """Write the messages; `marked`: those that a provider's prompt cache shall end its entries at say so.

    That is Anthropic's `cache_control`, at the end of the system prompt, which many conversations share, and of what
    stays the same in this one. https://docs.claude.com/en/docs/build-with-claude/prompt-caching
    """
    documents = [_message(message) for message in request.messages]
    if marked:
        for number in _breakpoints(request):
            _mark(documents[number])
    return documents


def tools_of(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """Write what tools a model may ask for."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
        }
        for tool in tools
    ]


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for a reply that matches a schema; strictly where the schema is one that OpenAI can enforce."""
    wanted = {"name": SCHEMA_NAME, "schema": dict(schema), "strict": is_strict(schema)}
    return {"type": "json_schema", "json_schema": wanted}


def is_strict(schema: Any) -> bool:
    """Tell whether every object of a schema requires all of its properties and allows no others.

    OpenAI refuses any other schema in its strict mode.
    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    if isinstance(schema, list):
        return all(is_strict(part) for part in schema)
    if not isinstance(schema, Mapping):
        return True
    if "properties" in schema or schema.get("type") == "object":
        closed = schema.get("additionalProperties") is False
        whole = set(schema.get("required", ())) == set(schema.get("properties", {}))
        if not (closed and whole):
            return False
    return all(is_strict(part) for name, part in schema.items() if name not in {"enum", "const", "default", "examples"})


def cache_key(request: ChatRequest) -> str:
    """Name the beginning that a conversation's calls share: OpenAI sends equal keys to the machine that cached them."""
    digest = hashlib.sha256(request.model.encode())
    for message in request.messages[:2]:
        digest.update(f"{message.role}:{len(message.content)}:".encode())
        digest.update(message.content.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:KEY_CHARACTERS]


def _message(message: ChatMessage) -> dict[str, Any]:
    document: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.tool_calls:
        document["content"] = document["content"] or None
        document["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        document["tool_call_id"] = message.tool_call_id
    return document


def _content(message: ChatMessage) -> str | list[dict[str, Any]]:
    if not message.media:
        return message.content
    text = [{"type": "text", "text": message.content}] if message.content else []
    return [*text, *(_part(media) for media in message.media)]


def _part(media: Media) -> dict[str, Any]:
    data = b64encode(media.data).decode("ascii")
    kind, _, name = media.media_type.partition("/")
    if kind == "audio":
        form = AUDIO_FORMATS.get(media.media_type, name)
        return {"type": "input_audio", "input_audio": {"data": data, "format": form}}
    return {"type": "image_url", "image_url": {"url": f"data:{media.media_type};base64,{data}"}}


def _breakpoints(request: ChatRequest) -> set[int]:
    stable = min(request.stable_messages, len(request.messages))
    if not stable:
        return set()
    systems = [number for number, message in enumerate(request.messages[:stable]) if message.role == "system"]
    return {stable - 1, *systems[-1:]}


def _mark(document: dict[str, Any]) -> None:
    """Mark the last part of a message; an empty text can carry no mark."""
    content = document["content"]
    if not content:
        return
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    document["content"] = [*parts[:-1], {**parts[-1], "cache_control": _EPHEMERAL}]
