"""An OpenAI-compatible server whose answers are a function of the call: for tests of the engine, never of a model."""

from collections import Counter
from types import TracebackType
from typing import Self

from rlmlab.modelserver.scripted.delivery import deliver
from rlmlab.modelserver.scripted.replies import Behaviour, Call
from rlmlab.modelserver.scripted.transport import ClientLeftError, HttpAnswer, HttpRequest, ThreadedServer


class ScriptedServer:
    """Answers every model by one behaviour, from a thread of its own; `calls` counts what came."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.calls = 0
        self._behaviour = behaviour
        self._attempts: Counter[int] = Counter()
        self._server = ThreadedServer(self._handle)

    @property
    def base_url(self) -> str:
        """What belongs in OPENAI_API_BASE."""
        return f"http://127.0.0.1:{self._server.port}/v1"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    async def _handle(self, request: HttpRequest, answer: HttpAnswer) -> None:
        if (request.method, request.path) != ("POST", "/v1/chat/completions"):
            await answer.send(404, {"error": {"message": f"no route {request.path}", "code": None}})
            return
        body = request.json()
        key = hash((body["model"], str(body["messages"])))
        call = Call(str(body["model"]), body["messages"], body, self._attempts[key])
        self._attempts[key] += 1
        self.calls += 1
        try:
            await deliver(call, self._behaviour(call), answer)
        except ClientLeftError:
            answer.abort()
