"""A server with Anthropic's API over real HTTP, to see what LiteLLM makes of our requests and of its answers.

It answers every call with the same words, or with a call of the first tool that is offered, and reports tokens as
Anthropic does: the prompt's without those that its cache gave or took.
https://docs.claude.com/en/api/messages-streaming
"""

import json
from typing import Any

from rlmlab.modelserver.scripted.transport import HttpAnswer, HttpRequest, ThreadedServer

FRESH, READ, WRITTEN, OUTPUT = 11, 700, 50, 9
TEXT = "Forty-two."


class AnthropicServer(ThreadedServer):
    """Keeps the bodies of its calls in `bodies`."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.bodies: list[dict[str, Any]] = []

    @property
    def base_url(self) -> str:
        """What belongs in ANTHROPIC_API_BASE."""
        return f"http://127.0.0.1:{self.port}"

    async def _answer(self, request: HttpRequest, answer: HttpAnswer) -> None:
        body = request.json()
        self.bodies.append(body)
        await answer.start_stream()
        for event in events(body.get("tools") or []):
            await answer.chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        await answer.end_stream()


def events(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of an answer."""
    usage = {"input_tokens": FRESH, "cache_read_input_tokens": READ, "cache_creation_input_tokens": WRITTEN}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": []}
    start = {**head, "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}}
    block, delta = _block(tools)
    return [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use" if tools else "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": OUTPUT},
        },
        {"type": "message_stop"},
    ]


def _block(tools: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    if not tools:
        return {"type": "text", "text": ""}, {"type": "text_delta", "text": TEXT}
    block = {"type": "tool_use", "id": "toolu_1", "name": tools[0]["name"], "input": {}}
    return block, {"type": "input_json_delta", "partial_json": '{"pattern": "a.c"}'}
