"""A scripted OpenAI-compatible model server over real HTTP, for tests of the engine, runs, API and browser.

In a test (a thread, any port):

    with ModelServer() as server:      # server.base_url == "http://127.0.0.1:<port>/v1"
        ...                            # call model "submit", "batch-64", "deep-3", "rate-limited-2", …
        assert server.calls[0].messages[0]["role"] == "system"

As a process, for runs made by a real worker (`OPENAI_API_BASE` = the printed URL, model `openai/<name>`):

    python -m tests.fakes.model_server [--port N]      # prints the base URL on its first line

What a model answers, first match wins (the part of the name after the last "/" counts):

1. `server.script(model, reply, …)`: a list in order of arrival, over all kinds of call; when it is used
   up: HTTP 400 "script of … used up".
2. `server.behave(model, function)`: a reply by a function of the `Call` (messages, turn, is_level, attempt).
   `replies.turns(first, second, …, plain=…)` makes one that depends on the level's turn number only.
3. The name itself, see `replies.NAMED` and `NUMBERED`:
     submit  two-turns  length  final             at once / looks first / submits str(len(context)) / FINAL()
     raise  prose  prose-forever  never           code that raises / no code / never code / never submits
     spin  huge-output  huge-text  forged         endless loop / 4 MB printed / 400,000 characters / forged frames
     batch-N  deep-N                              llm_query_batched of N / rlm_query down to depth N
     rate-limited-N  unavailable-N  cut-N         429 + Retry-After / 503 / cut, N times a conversation, then fine
     always-429  always-503  always-cut           for ever
     slow-MS  delay-MS                            pause before each chunk / before the head
     hang  hold                                   nothing / one chunk, then waits for `release()`
     overrun  no-usage  no-done  malformed        10 times the usage / none / no [DONE] / a broken JSON chunk
     error-in-stream  unauthorized  bad-request   an error chunk / 401 / 400 context_length_exceeded
     not-found  content-filter                    404 / finish_reason content_filter
4. Anything else: 404 model_not_found.

A call of an RLM level is told from a plain llm_query by its system prompt (it contains REPL and
answer["content"]); plain ones are answered `echo: <end of the prompt>`. A fallback is a level's call
whose last message contains "best answer". Tokens are UTF-8 bytes / 4, rounded up (`count_tokens`).

Control over HTTP, for the process form: GET /control/calls, POST /control/release, POST /control/reset,
POST /control/script {"model", "replies": [text | object of Reply's fields]}.
"""

import argparse
import asyncio
import json
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.fakes.http_server import ClientLeftError, HttpAnswer, HttpRequest, ThreadedServer
from tests.fakes.replies import (
    NAMED,
    NUMBERED,
    Behaviour,
    Call,
    Reply,
    behaviour_of,
    conversation_key,
    reply_from,
)


def count_tokens(text: str) -> int:
    """Count as this server does."""
    return -(-len(text.encode("utf-8", "replace")) // 4)


@dataclass(slots=True)
class RecordedCall:
    """A request as it came; `outcome`: "open", "answered", "cut" or "left" (the client went away)."""

    model: str
    messages: list[dict[str, Any]]
    body: dict[str, Any]
    headers: dict[str, str]
    is_level: bool
    at: float = field(default_factory=time.monotonic)
    status: int = 200
    outcome: str = "open"


class ModelServer:
    """The server in a thread; see the module's docstring."""

    def __init__(self, port: int = 0) -> None:
        self.calls: list[RecordedCall] = []
        self.open_calls = 0
        self.most_open_calls = 0
        self._scripts: dict[str, deque[Reply]] = {}
        self._behaviours: dict[str, Behaviour] = {}
        self._attempts: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._server = ThreadedServer(self._handle, port)
        self._released: asyncio.Event

    @property
    def base_url(self) -> str:
        """What belongs in OPENAI_API_BASE."""
        return f"http://127.0.0.1:{self._server.port}/v1"

    @property
    def level_calls(self) -> list[RecordedCall]:
        """The calls that RLM levels made."""
        return [call for call in self.calls if call.is_level]

    @property
    def plain_calls(self) -> list[RecordedCall]:
        """The calls that plain llm_query made."""
        return [call for call in self.calls if not call.is_level]

    def script(self, model: str, *replies: str | Reply) -> None:
        """Answer a model's calls by this list, in order of arrival."""
        self._scripts[model] = deque(r if isinstance(r, Reply) else Reply(r) for r in replies)

    def behave(self, model: str, behaviour: Behaviour) -> None:
        """Answer a model's calls by a function."""
        self._behaviours[model] = behaviour

    def release(self) -> None:
        """Let all held calls go on; later ones hold again."""
        self._server.loop.call_soon_threadsafe(self._let_go)

    def reset(self) -> None:
        """Forget calls, attempts, scripts and behaviours."""
        self.calls.clear()
        self._attempts.clear()
        self._scripts.clear()
        self._behaviours.clear()

    def wait_for_calls(self, count: int, *, outcome: str | None = None, timeout_seconds: float = 10.0) -> None:
        """Wait until `count` calls came (with that outcome, where one is named).

        Raises:
            TimeoutError: they did not.
        """

        def enough() -> bool:
            return sum(outcome in (None, call.outcome) for call in self.calls) >= count

        with self._changed:
            if not self._changed.wait_for(enough, timeout_seconds):
                raise TimeoutError(f"{len(self.calls)} calls: {[call.outcome for call in self.calls]}")

    def start(self) -> None:
        """Begin to listen."""
        self._released = asyncio.Event()
        self._server.start()

    def stop(self) -> None:
        """Cut everything and end."""
        self._server.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _let_go(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    async def _handle(self, request: HttpRequest, answer: HttpAnswer) -> None:
        path = request.path.partition("?")[0]
        if (request.method, path) == ("POST", "/v1/chat/completions"):
            await self._complete(request, answer)
        elif (request.method, path) == ("GET", "/v1/models"):
            names = sorted({*NAMED, *(f"{name}-3" for name in NUMBERED), *self._scripts, *self._behaviours})
            await answer.send(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in names]})
        elif path.startswith("/control/"):
            await answer.send(200, self._control(path.removeprefix("/control/"), request))
        else:
            await answer.send(404, {"error": {"message": f"no route {path}", "code": None}})

    def _control(self, command: str, request: HttpRequest) -> Any:
        if command == "script":
            data = request.json()
            self.script(data["model"], *(reply_from(reply) for reply in data["replies"]))
        elif command == "release":
            self._let_go()
        elif command == "reset":
            self.reset()
        names = ("model", "messages", "body", "is_level", "status", "outcome")
        return [{name: getattr(call, name) for name in names} for call in self.calls]

    def _reply_for(self, call: Call) -> Reply:
        script = self._scripts.get(call.model)
        if script is not None:
            used_up = Reply(status=400, error=f"script of {call.model} used up", error_code="script_used_up")
            return script.popleft() if script else used_up
        behaviour = self._behaviours.get(call.model) or behaviour_of(call.model)
        return behaviour(call) if behaviour else NAMED["not-found"](call)

    async def _complete(self, request: HttpRequest, answer: HttpAnswer) -> None:
        body = request.json()
        model = str(body["model"]).rpartition("/")[2]
        key = conversation_key(model, body["messages"])
        call = Call(model, body["messages"], body, self._attempts[key])
        self._attempts[key] += 1
        recorded = RecordedCall(model, body["messages"], body, request.headers, call.is_level)
        self._note(recorded, "open", 1)
        try:
            reply = self._reply_for(call)
            recorded.status = reply.status
            await self._deliver(call, reply, answer)
        except ClientLeftError:
            answer.abort()
            self._note(recorded, "left", -1)
        else:
            self._note(recorded, "cut" if answer.cut else "answered", -1)

    def _note(self, recorded: RecordedCall, outcome: str, change: int) -> None:
        with self._changed:
            if outcome == "open":
                self.calls.append(recorded)
            recorded.outcome = outcome
            self.open_calls += change
            self.most_open_calls = max(self.most_open_calls, self.open_calls)
            self._changed.notify_all()

    async def _deliver(self, call: Call, reply: Reply, answer: HttpAnswer) -> None:
        if reply.delay_seconds:
            await answer.pause(reply.delay_seconds)
        if reply.status != 200:
            kind = "server_error" if reply.status >= 500 else "invalid_request_error"
            error = {"message": reply.error, "type": kind, "param": None, "code": reply.error_code}
            await answer.send(reply.status, {"error": error}, reply.headers)
        elif call.body.get("stream"):
            await self._stream(call, reply, answer)
        else:
            if reply.hold_after_chunks is not None:
                await answer.pause(None, self._released)
            await answer.send(200, whole_answer(call, reply), reply.headers)

    async def _stream(self, call: Call, reply: Reply, answer: HttpAnswer) -> None:
        number = 0
        async for data in self._paced(stream_chunks(call, reply), reply, answer):
            if number == 0:
                await answer.start_stream(reply.headers)
            await answer.chunk(b"data: " + data + b"\n\n")
            number += 1
        if not answer.cut:
            await answer.end_stream()

    async def _paced(self, chunks: Sequence[bytes], reply: Reply, answer: HttpAnswer) -> AsyncIterator[bytes]:
        for number, data in enumerate(chunks):
            if number == reply.hold_after_chunks:
                await answer.pause(None, self._released)
            if number == reply.cut_after_chunks:
                answer.abort()
                return
            if reply.chunk_delay_seconds:
                await answer.pause(reply.chunk_delay_seconds)
            yield data


def delivered(call: Call, reply: Reply) -> tuple[str, str]:
    """The text that `max_tokens` lets through, and the finish reason."""
    limit = call.body.get("max_tokens") or call.body.get("max_completion_tokens")
    if limit is None or not reply.obeys_max_tokens or count_tokens(reply.text) <= limit:
        return reply.text, reply.finish_reason
    return reply.text.encode()[: limit * 4].decode("utf-8", "ignore"), "length"


def usage_of(call: Call, reply: Reply) -> dict[str, Any] | None:
    """The usage that is reported; None where the reply leaves it out."""
    if reply.usage == "none":
        return None
    text, _ = delivered(call, reply)
    prompt = sum(count_tokens(str(message["content"])) + 4 for message in call.messages)
    output = (count_tokens(text) + reply.reasoning_tokens) * (10 if reply.usage == "overrun" else 1)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
    }


def whole_answer(call: Call, reply: Reply) -> dict[str, Any]:
    """The body of an answer that is not streamed."""
    text, finish_reason = delivered(call, reply)
    message = {"role": "assistant", "content": text}
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


def main() -> None:
    """Serve until interrupted; the first line printed is the base URL."""
    parser = argparse.ArgumentParser(description="scripted OpenAI-compatible model server")
    parser.add_argument("--port", type=int, default=0)
    with ModelServer(parser.parse_args().port) as server:
        print(server.base_url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
