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
     schema  schema-after-N                       the smallest value of the response_format's schema / after N misses
     call-tools-N                                 the first N offered tools at once, then what they said
     describe                                     which images and sounds came
     cached  at-most-N                            usage with cached, written, reasoning tokens / 429 beyond N open
4. Anything else: 404 model_not_found.

A call of an RLM level is told from a plain llm_query by its system prompt (it contains REPL and
answer["content"]); plain ones are answered `echo: <end of the prompt>`. A fallback is a level's call
whose last message contains "best answer". How tokens are counted: `rlmlab.modelserver.scripted.tokens`. What was asked,
answered and reported in all is in `server.ledger`, whatever else is forgotten or cut.

Control over HTTP, for the process form: GET /control/calls, GET /control/times (of arrival),
GET /control/ledger, POST /control/release,
POST /control/reset, POST /control/script {"model", "replies": [text | object of Reply's fields]}.
"""

import argparse
import asyncio
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from rlmlab.modelserver.scripted.delivery import deliver
from rlmlab.modelserver.scripted.replies import Behaviour, Call, Reply
from rlmlab.modelserver.scripted.transport import ClientLeftError, HttpAnswer, HttpRequest, ThreadedServer
from rlmlab.modelserver.scripted.wire import usage_of
from tests.fakes.ledger import Ledger, prompt_hash
from tests.fakes.replies import NAMED, NUMBERED, behaviour_of, reply_from


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
        self.ledger = Ledger()
        self._open: Counter[str] = Counter()
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
        """Forget calls, the ledger with its attempts, scripts and behaviours."""
        self.calls.clear()
        self.ledger = Ledger()
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
        elif command == "ledger":
            return self.ledger.document()
        elif command == "times":
            return [call.at for call in self.calls]
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
        attempt = self.ledger.note_asked(prompt_hash(model, body["messages"]))
        call = Call(model, body["messages"], body, attempt, self._open[model] + 1)
        recorded = RecordedCall(model, body["messages"], body, request.headers, call.is_level)
        self._note(recorded, "open", 1)
        try:
            reply = self._reply_for(call)
            recorded.status = reply.status
            await deliver(call, reply, answer, released=self._released, booked=self._book)
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
            self._open[recorded.model] += change
            self.most_open_calls = max(self.most_open_calls, self.open_calls)
            self._changed.notify_all()

    def _book(self, call: Call, reply: Reply) -> None:
        """Enter an answer into the ledger, before the client can have seen its end."""
        cached = (reply.cached_tokens, reply.cache_write_tokens)
        self.ledger.note_answered(prompt_hash(call.model, call.messages), usage_of(call, reply), cached)


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
