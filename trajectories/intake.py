"""Fills a worker's places with runs.

A message says that there may be something to take; so does the end of a run, and, since messages get lost, a while
without either. Whatever the reason, the worker takes runs until its places are full or nothing is left.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from trajectories.store import Holder

logger = logging.getLogger(__name__)

HOLD_SECONDS: Final = 2.0
MOST_AT_ONCE: Final = 16  # of one look, so that other workers get their part and what was taken begins soon


class Intake:
    """Takes runs while there are free places; belongs to the worker's event loop.

    `take` claims up to so many runs, `begin` starts work on one and returns what ends with it. A worker looks by itself
    every `look_seconds`.
    """

    def __init__(
        self,
        places: int,
        take: Callable[[int], Awaitable[list[Holder]]],
        begin: "Callable[[Holder], asyncio.Task[None]]",
        *,
        look_seconds: float,
    ) -> None:
        self._free = places
        self._take = take
        self._begin = begin
        self._look_seconds = look_seconds
        self._closed = False
        self._place = asyncio.Event()
        self._place.set()
        self._reason = asyncio.Event()
        self._filling = asyncio.create_task(self._fill())

    async def offer(self) -> bool:
        """Note a message: there may be a run to take.

        While all places are taken the message is held, so that it stays with the broker's others for a worker that has
        one. False: none got free within `HOLD_SECONDS`, or this worker stops; the message is for another.
        """
        self._reason.set()
        try:
            await asyncio.wait_for(self._place.wait(), HOLD_SECONDS)
        except TimeoutError:
            return False
        return not self._closed

    async def close(self) -> None:
        """Take no more runs; one that is being claimed at this moment is begun."""
        self._closed = True
        self._place.set()
        self._reason.set()
        await self._filling

    async def _fill(self) -> None:
        while not self._closed:
            await self._place.wait()
            self._reason.clear()
            if not self._closed and not await self._took_some():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._reason.wait(), self._look_seconds)

    async def _took_some(self) -> bool:
        try:
            holders = await self._take(min(self._free, MOST_AT_ONCE))
        except Exception:
            logger.exception("cannot look for runs to take")
            return False
        self._free -= len(holders)
        if not self._free and not self._closed:
            self._place.clear()
        for holder in holders:
            self._begin(holder).add_done_callback(self._ended)
        return bool(holders)

    def _ended(self, _work: "asyncio.Task[None]") -> None:
        self._free += 1
        self._place.set()
        self._reason.set()
