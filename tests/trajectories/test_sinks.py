"""The sink that makes events durable: batches, group commit, a database that is away, a lost lease."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError

from rlmlab.engine.clock import SystemClock
from rlmlab.engine.errors import LostLease
from rlmlab.engine.events import Log, SpanStarted
from rlmlab.engine.projection import Projection
from rlmlab.engine.stream import EventStream
from trajectories import sinks
from trajectories.sinks import DatabaseSink
from trajectories.store import Batch, Holder

HOLDER = Holder(UUID(int=1), UUID(int=2), "tests", 1)


class FakeWriter:
    """Takes batches as the writer does; fails as it is told, and waits at its gate."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def append(self, _holder: Holder, batch: Batch) -> None:
        await asyncio.shield(self._append(batch))

    async def _append(self, batch: Batch) -> None:
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.batches.append([event.seq for event in batch.events])


class Setup:
    """A stream over a sink over the fake."""

    def __init__(self) -> None:
        self.writer = FakeWriter()
        self.rung: list[int] = []
        self.sink = DatabaseSink(HOLDER, Projection(), self.writer.append, self.rung.append)
        self.stream = EventStream(HOLDER.run_id, [self.sink], SystemClock())
        self._emit(SpanStarted(kind="run", name="m", path=""))

    def _emit(self, payload: Any) -> None:
        self.stream.emit(payload, span_id="root", parent_span_id=None, depth=0)

    def emit(self, count: int = 1) -> None:
        for _ in range(count):
            self._emit(Log(level="info", message="x"))


@pytest.fixture
async def setup() -> Any:
    made = Setup()
    yield made
    await made.sink.close()


async def test_events_that_nobody_waits_for_are_stored_together_within_a_tenth_of_a_second(setup: Setup) -> None:
    setup.emit(9)
    await asyncio.sleep(0.01)
    assert setup.writer.batches == []
    await asyncio.sleep(0.15)
    assert setup.writer.batches == [list(range(1, 11))]
    assert setup.rung == [10]


async def test_commit_does_not_wait_for_the_batch(setup: Setup) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await setup.stream.commit()
    assert loop.time() - started < 0.05
    assert setup.writer.batches == [[1]]
    await setup.stream.commit()
    assert setup.writer.batches == [[1]]


async def test_those_who_commit_meanwhile_share_a_batch(setup: Setup) -> None:
    setup.writer.gate.clear()
    first = asyncio.create_task(setup.stream.commit())
    await asyncio.sleep(0.01)
    others = []
    for _ in range(5):
        setup.emit()
        others.append(asyncio.create_task(setup.stream.commit()))
    await asyncio.sleep(0.01)
    setup.writer.gate.set()
    await asyncio.gather(first, *others)
    assert setup.writer.batches == [[1], [2, 3, 4, 5, 6]]


async def test_cancelled_committer_tears_no_batch(setup: Setup) -> None:
    setup.writer.gate.clear()
    committer = asyncio.create_task(setup.stream.commit())
    await asyncio.sleep(0.01)
    committer.cancel()
    await asyncio.gather(committer, return_exceptions=True)
    setup.emit()
    setup.writer.gate.set()
    await setup.stream.commit()
    assert setup.writer.batches == [[1], [2]]


async def test_database_that_is_away_is_asked_again(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "RETRY_SECONDS", 0.01)
    setup.writer.failures = [OperationalError("gone"), OperationalError("still")]
    await setup.stream.commit()
    assert setup.writer.batches == [[1]]


@pytest.mark.parametrize("failure", [LostLease("another's"), ValueError("cannot be stored")])
async def test_failure_reaches_everybody_who_commits_and_nothing_more_is_written(
    setup: Setup, failure: Exception
) -> None:
    setup.writer.failures = [failure]
    for _ in range(2):
        with pytest.raises(type(failure)):
            await setup.stream.commit()
        setup.emit()
    assert setup.writer.batches == []
    assert setup.rung == []


async def test_taking_the_run_away_releases_those_who_wait(setup: Setup) -> None:
    setup.writer.gate.clear()
    waiting = asyncio.create_task(setup.stream.commit())
    await asyncio.sleep(0.01)
    setup.sink.fail(LostLease("taken away"))
    with pytest.raises(LostLease):
        await waiting
