"""What benchmarks of the engine run on: a scripted model in its own process, the lean provider, the jailed REPL."""

import asyncio
import json
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from rlmlab.engine.clock import SystemClock
from rlmlab.engine.events import Event, SpanFinished, SpanKind, SpanStarted
from rlmlab.engine.orchestrator import execute
from rlmlab.engine.providers.base import ChatRequest, ModelInfo
from rlmlab.engine.providers.lean import Endpoint, LeanProvider, body_of, fixed
from rlmlab.engine.providers.retries import Item
from rlmlab.engine.stream import EventStream, Sink
from rlmlab.engine.types import Budget, RunOutcome, RunSpec
from sandbox.base import Environment
from sandbox.restricted import RestrictedEnvironment
from tests.engine.fakes.sink import MemorySink
from trajectories import garbage

UNLIMITED = Budget(max_tokens=10**12, max_seconds=3600, max_steps=10_000, max_sub_calls=100_000)


@dataclass(frozen=True, slots=True)
class ModelProcess:
    """The scripted model server (`tests.fakes.model_server`), apart from the interpreter that is measured."""

    base_url: str
    pid: int

    def script(self, model: str, *replies: str | dict[str, Any]) -> None:
        """Answer a model's calls by this list, in order of arrival, after everything before is forgotten."""
        self._control("reset", {})
        self._control("script", {"model": model, "replies": replies})

    def _control(self, command: str, body: dict[str, Any]) -> None:
        address = f"{self.base_url.removesuffix('/v1')}/control/{command}"
        with urllib.request.urlopen(address, json.dumps(body).encode()) as answer:  # noqa: S310 - our own address
            answer.read()


@contextmanager
def model_process() -> Iterator[ModelProcess]:
    """Run the model server until the block ends."""
    command = [sys.executable, "-m", "tests.fakes.model_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield ModelProcess(process.stdout.readline().strip(), process.pid)
        finally:
            process.terminate()


class BareClient:
    """Chat completions over asyncio's streams alone, the floor of every model call; connections are kept."""

    def __init__(self, base_url: str) -> None:
        self._port = urlsplit(base_url).port
        self._kept: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, body: bytes) -> None:
        """Make a call and read its chunks to the end."""
        reader, writer = self._kept.pop() if self._kept else await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        writer.write(body)
        await reader.readuntil(b"\r\n\r\n")
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
        self._kept.append((reader, writer))

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._kept:
            writer.close()


class RecordingProvider:
    """The lean provider, and the body of each call for the floor to repeat."""

    def __init__(self, base_url: str) -> None:
        self.bodies: list[bytes] = []
        self._endpoint = Endpoint(base_url)
        self._lean = LeanProvider(fixed(self._endpoint), self.info)

    def info(self, model: str) -> ModelInfo:
        """Describe a model without a price."""
        return ModelInfo(model, None)

    def stream(self, request: ChatRequest) -> AsyncGenerator[Item, None]:
        """Make a call."""
        self.bodies.append(json.dumps(body_of(request, self._endpoint, self.info(request.model))).encode())
        return self._lean.stream(request)

    async def close(self) -> None:
        """Close the connections."""
        await self._lean.close()


@dataclass
class Ran:
    """A run that ended: its events and the bodies of its model calls in order."""

    outcome: RunOutcome
    events: list[Event]
    bodies: list[bytes]

    def seconds_of(self, kind: SpanKind, depth: int = 0) -> list[float]:
        """Return how long the spans of a kind took, in the order of their start."""
        ended = {e.span_id: e.payload.seconds for e in self.events if isinstance(e.payload, SpanFinished)}
        starts = (e for e in self.events if isinstance(e.payload, SpanStarted) and e.payload.kind == kind)
        return [ended[event.span_id] for event in starts if event.depth == depth]


@dataclass
class Stage:
    """Runs completions; nothing is stored, so that commits cost nothing, unless a run brings a sink that stores."""

    provider: RecordingProvider
    environment: Environment
    bare: BareClient
    clock: SystemClock = field(default_factory=SystemClock)

    async def run(
        self, model: str, *, run_id: uuid.UUID | None = None, stored: Sequence[Sink] = (), **fields: Any
    ) -> Ran:
        """Run a task to its end.

        Raises:
            RuntimeError: it failed, so there is nothing to measure.
        """
        self.provider.bodies.clear()
        asked: dict[str, Any] = {"budget": UNLIMITED} | fields
        spec = RunSpec(run_id or uuid.uuid4(), "Measure.", model, **asked)
        sink = MemorySink()
        outcome = await execute(
            spec,
            provider=self.provider,
            environment=self.environment,
            stream=EventStream(spec.run_id, [sink, *stored], self.clock),
            clock=self.clock,
        )
        if outcome.status != "succeeded":
            raise RuntimeError(f"the run ended as {outcome.status}: {outcome.error}")
        return Ran(outcome, sink.events, list(self.provider.bodies))

    async def bare_seconds(self, body: bytes, rounds: int) -> list[float]:
        """Time the same model call over asyncio's streams alone."""
        found = []
        for _ in range(rounds):
            started = self.clock.monotonic()
            await self.bare.post(body)
            found.append(self.clock.monotonic() - started)
        return found


@asynccontextmanager
async def stage(base_url: str) -> AsyncIterator[Stage]:
    """Set a stage; the first run's one-time costs are paid before it is handed out."""
    provider, environment, bare = RecordingProvider(base_url), RestrictedEnvironment(), BareClient(base_url)
    await environment.start()
    try:
        made = Stage(provider, environment, bare)
        await made.run("openai/submit")
        garbage.settle()  # as a worker does
        yield made
    finally:
        bare.close()
        await provider.close()
        await environment.close()
