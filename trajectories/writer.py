"""Stores the batches of all of a worker's runs: those that wait for the database at the same time share a transaction.

Alone, a run waits for nothing but its own transaction. With hundreds, what a transaction costs beside its rows is
spent once for many of them, and the more so the slower the database is.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from trajectories import store
from trajectories.database import AWAY, Database
from trajectories.store import Batch, Holder

logger = logging.getLogger(__name__)

MOST_TRANSACTIONS: Final = 3  # at a time; a fourth thread is left for other work
MOST_TOGETHER: Final = 64  # batches


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A batch that is to be stored, and who waits for that."""

    holder: Holder
    batch: Batch
    done: "asyncio.Future[None]"

    def tell(self, problem: BaseException | None) -> None:
        """Say how it went, unless nobody waits any more."""
        if self.done.done():
            return
        if problem is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(problem)


class Writer:
    """Groups batches by organization, whose scope a transaction has; one transaction of each at a time, some in all."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[UUID, list[_Waiting]] = {}  # the organization whose turn it is first
        self._writing: dict[UUID, asyncio.Task[None]] = {}

    async def append(self, holder: Holder, batch: Batch) -> None:
        """Return when a batch is stored; when the caller is cancelled, it is stored all the same.

        Raises:
            LostLease: the run belongs to somebody else now.
            OperationalError: the database is away; whether the batch is there is not known.
        """
        waiting = _Waiting(holder, batch, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(holder.organization_id, []).append(waiting)
        self._begin()
        await waiting.done

    async def close(self) -> None:
        """Return when all that waits is stored, or cannot be."""
        while self._writing:
            await asyncio.wait(self._writing.values())

    def _begin(self) -> None:
        """Begin as many transactions as there may be."""
        while len(self._writing) < MOST_TRANSACTIONS:
            organization_id = next((found for found in self._waiting if found not in self._writing), None)
            if organization_id is None:
                return
            self._writing[organization_id] = asyncio.create_task(self._write(self._next(organization_id)))

    def _next(self, organization_id: UUID) -> list[_Waiting]:
        """Take what goes together: one batch of a run, which may have been claimed anew; then it is others' turn."""
        taken: dict[UUID, _Waiting] = {}
        left = []
        for waiting in self._waiting.pop(organization_id):
            if len(taken) < MOST_TOGETHER and waiting.holder.run_id not in taken:
                taken[waiting.holder.run_id] = waiting
            else:
                left.append(waiting)
        if left:
            self._waiting[organization_id] = left
        return list(taken.values())

    async def _write(self, together: list[_Waiting]) -> None:
        try:
            if len(together) == 1 or not await self._stored(together):
                for waiting in together:  # one that cannot be stored harms no other
                    await self._store(waiting)
        finally:
            del self._writing[together[0].holder.organization_id]
            self._begin()

    async def _stored(self, together: list[_Waiting]) -> bool:
        """Store several in one transaction; False: one of them made it fail, and none is stored."""
        given = [(waiting.holder, waiting.batch) for waiting in together]
        try:
            problems = await self._database(store.append_all, given)
        except AWAY:
            return False
        except Exception:
            logger.warning("%s batches cannot be stored together", len(given), exc_info=True)
            return False
        for waiting, problem in zip(together, problems, strict=True):
            waiting.tell(problem)
        return True

    async def _store(self, waiting: _Waiting) -> None:
        try:
            await self._database(store.append, waiting.holder, waiting.batch)
        except Exception as problem:  # noqa: BLE001 - told to who waits
            waiting.tell(problem)
        else:
            waiting.tell(None)
