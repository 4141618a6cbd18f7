"""What the engine's tests run on: the real restricted environment, a scripted provider, a sink in memory."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from rlmlab.engine.cache import SubCallCache
from rlmlab.engine.clock import Clock, SystemClock
from rlmlab.engine.media import MediaPort
from rlmlab.engine.memory import MemoryPort
from rlmlab.engine.orchestrator import execute
from rlmlab.engine.stream import EventStream
from rlmlab.engine.tools.base import Tool
from rlmlab.engine.types import Budget, CancelToken, RunOutcome, RunSpec
from sandbox.base import Environment
from sandbox.restricted import RestrictedEnvironment
from tests.engine.fakes.provider import Script, ScriptedProvider
from tests.engine.fakes.sink import MemorySink, check_stream

RUN_ID = UUID("00000000-0000-4000-8000-000000000001")


@pytest.fixture
async def environment() -> AsyncIterator[Environment]:
    restricted = RestrictedEnvironment(spares=1)
    await restricted.start()
    yield restricted
    await restricted.close()


@dataclass
class Ran:
    """A run that ended, and all that can be seen of it."""

    outcome: RunOutcome
    sink: MemorySink
    provider: ScriptedProvider


@dataclass
class Lab:
    """Runs completions and checks what holds for every one of them."""

    environment: Environment
    clock: Clock = field(default_factory=SystemClock)

    async def run(
        self,
        script: Script,
        *,
        budget: Budget | None = None,
        cancel: CancelToken | None = None,
        provider: ScriptedProvider | None = None,
        sink: MemorySink | None = None,
        memory: MemoryPort | None = None,
        media_port: MediaPort | None = None,
        tools: Sequence[Tool] = (),
        cache: SubCallCache | None = None,
        **spec: object,
    ) -> Ran:
        """Run "Root" with a scripted model."""
        sink = sink or MemorySink()
        provider = provider or ScriptedProvider(script)
        request = RunSpec(RUN_ID, **{"task": "Root", "model": "big", "budget": budget or Budget(), **spec})
        outcome = await execute(
            request,
            provider=provider,
            environment=self.environment,
            stream=EventStream(RUN_ID, [sink], self.clock),
            clock=self.clock,
            cancel=cancel,
            memory=memory,
            media=media_port,
            tools=tools,
            cache=cache,
        )
        check_stream(sink.events)
        projection = sink.projection()
        assert projection.totals == outcome.totals
        assert (projection.status, projection.finish_reason) == (outcome.status, outcome.finish_reason)
        assert projection.error == outcome.error
        assert projection.answer == outcome.answer
        assert sink.committed == len(sink.events)
        assert provider.open_calls == 0
        return Ran(outcome, sink, provider)


@pytest.fixture
def lab(environment: Environment) -> Lab:
    return Lab(environment)
