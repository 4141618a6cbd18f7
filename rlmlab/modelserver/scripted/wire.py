"""What the scripted model server puts on the wire: texts, tool calls and usage in OpenAI's form, streamed or whole."""

import json
from typing import Any

from rlmlab.modelserver.scripted.replies import Call, Reply, ToolUse
from rlmlab.modelserver.scripted.tokens import count_prompt, count_tokens


def delivered(call: Call, reply: Reply) -> tuple[str, str]:
    """The text that `max_tokens` lets through, and the finish reason."""
    limit = call.body.get("max_tokens") or call.body.get("max_completion_tokens")
    finish_reason = "tool_calls" if reply.tool_calls and reply.finish_reason == "stop" else reply.finish_reason
    if limit is None or not reply.obeys_max_tokens or count_tokens(reply.text) <= limit:
        return reply.text, finish_reason
    return reply.text.encode()[: limit * 4].decode("utf-8", "ignore"), "length"


def usage_of(call: Call, reply: Reply) -> dict[str, Any] | None:
    """The usage that is reported, in the reply's form of it; None where the reply leaves it out."""
    if reply.usage == "none":
        return None
    text, _ = delivered(call, reply)
    prompt = count_prompt(call.messages)
    written = count_tokens(text) + sum(count_tokens(use.name + use.arguments_text) for use in reply.tool_calls)
    output = (written + reply.reasoning_tokens) * (10 if reply.usage == "overrun" else 1)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        **_cached(reply, prompt),
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
    }


def _cached(reply: Reply, prompt: int) -> dict[str, Any]:
    """How a provider tells what of the prompt it read from its cache and wrote to it; both are parts of the prompt."""
    read, written = reply.cached_tokens, reply.cache_write_tokens
    match reply.usage_form:
        case "openai":
            return {"prompt_tokens_details": {"cached_tokens": read}}
        case "openrouter":
            return {"prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written}}
        case "anthropic":
            return {"cache_read_input_tokens": read, "cache_creation_input_tokens": written}
        case "deepseek":
            return {"prompt_cache_hit_tokens": read, "prompt_cache_miss_tokens": prompt - read}


def whole_answer(call: Call, reply: Reply) -> dict[str, Any]:
    """The body of an answer that is not streamed."""
    text, finish_reason = delivered(call, reply)
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if reply.tool_calls:
        message["tool_calls"] = [tool_call(use, number) for number, use in enumerate(reply.tool_calls)]
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    document = {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 0,
        "model": call.model,
        "choices": [choice],
    }
    usage = usage_of(call, reply)
    return document if usage is None else {**document, "usage": usage}


def stream_chunks(call: Call, reply: Reply) -> list[bytes]:
    """The `data:` lines of a streamed answer."""
    text, finish_reason = delivered(call, reply)
    size = reply.chunk_characters
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": text[at : at + size]} for at in range(0, len(text), size)]
    deltas += [
        {"tool_calls": [piece]} for number, use in enumerate(reply.tool_calls) for piece in pieces(use, number, size)
    ]
    head = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 0, "model": call.model}
    choices: list[list[dict[str, Any]]] = [[{"index": 0, "delta": d, "finish_reason": None}] for d in deltas]
    choices.append([{"index": 0, "delta": {}, "finish_reason": finish_reason}])
    lines = [json.dumps({**head, "choices": choice}).encode() for choice in choices]
    usage = usage_of(call, reply)
    if usage is not None and (call.body.get("stream_options") or {}).get("include_usage"):
        lines.append(json.dumps({**head, "choices": [], "usage": usage}).encode())
    if reply.malformed_chunk:
        lines.insert(2, b'{"choices": [{"delta": {"content": "brok')
    if reply.error_in_stream:
        lines.insert(2, json.dumps({"error": {"message": "overloaded in the middle", "code": 503}}).encode())
    return [*lines, b"[DONE]"] if reply.sends_done else lines


def tool_call(use: ToolUse, number: int) -> dict[str, Any]:
    """A wanted tool call as a message carries it."""
    function = {"name": use.name, "arguments": use.arguments_text}
    return {"id": use.id or f"call_{number}", "type": "function", "function": function}


def pieces(use: ToolUse, number: int, size: int) -> list[dict[str, Any]]:
    """A wanted tool call as it streams: id and name first, then its arguments bit by bit."""
    whole = tool_call(use, number)
    text = use.arguments_text
    first = {**whole, "index": number, "function": {"name": use.name, "arguments": ""}}
    rest = [{"index": number, "function": {"arguments": text[at : at + size]}} for at in range(0, len(text), size)]
    return [first, *rest]
