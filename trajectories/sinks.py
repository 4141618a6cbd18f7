"""The sink that makes a run's events durable."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from rlmlab.engine.errors import LostLease
from rlmlab.engine.events import Event
from rlmlab.engine.projection import Projection
from rlmlab.engine.stream import Delta
from trajectories import store
from trajectories.database import AWAY
from trajectories.stopping import stop
from trajectories.store import Batch, Holder

logger = logging.getLogger(__name__)

BATCH_SECONDS: Final = 0.1
RETRY_SECONDS: Final = 0.5
Append = Callable[[Holder, Batch], Awaitable[None]]
"""Stores a batch, as `trajectories.writer.Writer` does."""


class DatabaseSink:
    """Writes events in batches: every 100 ms, and at once when somebody waits in `commit`.

    One task writes, so that batches are in order, those who commit at the same time share one transaction, and
    cancelling a committer never tears a batch.
    """

    def __init__(
        self, holder: Holder, projection: Projection, append: Append, on_stored: Callable[[int], None]
    ) -> None:
        self._holder = holder
        self._projection = projection
        self._append = append
        self._on_stored = on_stored
        self._waiting: list[Event] = []
        self._written = self._stored = projection.last_seq
        self._committers: list[tuple[int, asyncio.Future[None]]] = []
        self._failure: Exception | None = None
        self._work = asyncio.Event()
        self._hurry = asyncio.Event()
        self._task = asyncio.create_task(self._write_batches())

    def write(self, event: Event) -> None:
        """Keep an event for the next batch."""
        self._waiting.append(event)
        self._written = event.seq
        self._work.set()

    def delta(self, delta: Delta) -> None:
        """Ignore text in flight: the message that follows is stored."""

    async def commit(self) -> None:
        """Return when all events so far are on disk.

        Raises:
            LostLease: the run belongs to somebody else now.
        """
        if self._failure is not None:
            raise self._failure
        if self._stored >= self._written:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._committers.append((self._written, done))
        self._hurry.set()
        await done

    def fail(self, failure: Exception) -> None:
        """Write nothing more, and tell everybody who commits why."""
        self._failure = failure
        self._waiting.clear()
        for _, done in self._committers:
            if not done.done():
                done.set_exception(failure)
        self._committers.clear()

    async def close(self) -> None:
        """Stop, when the batch that is being written is written."""
        await stop(self._task)

    async def _write_batches(self) -> None:
        while True:
            await self._work.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(BATCH_SECONDS):
                    await self._hurry.wait()
            self._work.clear()
            self._hurry.clear()
            events, self._waiting = self._waiting, []
            if events:
                await self._write(events)

    async def _write(self, events: list[Event]) -> None:
        try:
            batch = store.take(self._projection, events)
            await self._insist(batch)
        except asyncio.CancelledError:
            raise
        except Exception as failure:
            if not isinstance(failure, LostLease):
                logger.exception("the events of run %s cannot be stored", self._holder.run_id)
            self.fail(failure)
        else:
            self._stored = batch.last
            self._on_stored(batch.last)
            self._release()

    async def _insist(self, batch: Batch) -> None:
        """Store a batch; while the database is away, try again: the fence decides whether it still counts."""
        while True:
            try:
                await self._append(self._holder, batch)
            except AWAY:
                logger.warning("the database cannot be reached; trying again", exc_info=True)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    def _release(self) -> None:
        waiting = []
        for seq, done in self._committers:
            if seq > self._stored:
                waiting.append((seq, done))
            elif not done.done():
                done.set_result(None)
        self._committers = waiting
        if waiting:
            self._hurry.set()
