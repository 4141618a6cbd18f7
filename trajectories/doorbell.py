"""What travels through the channel layer: that a run has news, and text in flight. Never an event.

Channel layers deliver at most once, so a message is a hint; whoever waits for one also looks from time to time.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from rlmlab.engine.events import Event
from rlmlab.engine.stream import Delta
from trajectories.in_flight import TextsInFlight
from trajectories.stopping import stop

logger = logging.getLogger(__name__)

NEWS: Final = "run.news"
PAUSE_SECONDS: Final = 0.03
LAST_RING_SECONDS: Final = 1.0
HIGHEST_WAITING: Final = 2000
REPEAT_SECONDS: Final = 2.0
ENDS_TEXT: Final = ("message", "span_finished")
CHANNEL_ERRORS: Final = (RedisError, OSError)


def group_of(run_id: UUID) -> str:
    """Name the channel group of a run's viewers."""
    return f"run.{run_id}"


class Doorbell:
    """A sink that rings when events are stored, at most once in 30 ms, and takes deltas along.

    It publishes from the run's own event loop. `rang` is called once the database has the events. A delta waits until
    the start of its span is stored, so that no viewer sees text of a span it cannot know. Every two seconds the texts
    in flight go along whole, for hubs that came in the midst of them.
    """

    def __init__(self, run_id: UUID) -> None:
        self._group = group_of(run_id)
        self._layer = get_channel_layer()
        self._seq = 0
        self._started: dict[str, int] = {}
        self._deltas: deque[Delta] = deque(maxlen=HIGHEST_WAITING)
        self._texts = TextsInFlight()
        self._repeated = asyncio.get_running_loop().time()
        self._wanted = asyncio.Event()
        self._task = asyncio.create_task(self._publish())

    def write(self, event: Event) -> None:
        """Note where a span starts; `rang` says when it is stored."""
        if event.type == "span_started":
            self._started[event.span_id] = event.seq
        elif event.type == "span_finished":
            self._started.pop(event.span_id, None)
        if event.type in ENDS_TEXT:
            self._texts.drop(event.span_id)

    async def commit(self) -> None:
        """Return: nothing here is durable."""

    def delta(self, delta: Delta) -> None:
        """Take text in flight along with the next ring, joined to what it continues."""
        self._texts.add(delta.span_id, delta.offset, delta.text)
        last = self._deltas[-1] if self._deltas else None
        if last is not None and last.span_id == delta.span_id and delta.offset == last.offset + len(last.text):
            self._deltas[-1] = Delta(last.span_id, last.offset, last.text + delta.text)
        else:
            self._deltas.append(delta)
        self._wanted.set()

    def rang(self, seq: int) -> None:
        """Ring: the events up to `seq` are stored."""
        self._seq = seq
        self._wanted.set()

    async def close(self) -> None:
        """Ring a last time and stop."""
        await stop(self._task)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._send(), LAST_RING_SECONDS)

    async def _publish(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(REPEAT_SECONDS if self._texts else None):
                    await self._wanted.wait()
            self._wanted.clear()
            await self._send()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _send(self) -> None:
        deltas = [[delta.span_id, delta.offset, delta.text] for delta in self._deltas if self._is_known(delta)]
        self._deltas = deque((delta for delta in self._deltas if not self._is_known(delta)), HIGHEST_WAITING)
        message: Mapping[str, Any] = {"type": NEWS, "seq": self._seq, "deltas": deltas, "texts": self._repeat()}
        try:
            await self._layer.group_send(self._group, message)
        except CHANNEL_ERRORS:
            logger.warning("the channel layer cannot be reached; viewers will look by themselves", exc_info=True)

    def _repeat(self) -> list[list[str]]:
        """Return the texts in flight, whole, where it is time to."""
        now = asyncio.get_running_loop().time()
        if now < self._repeated + REPEAT_SECONDS:
            return []
        self._repeated = now
        return [[span_id, text] for span_id, _, text in self._texts if self._is_stored(span_id)]

    def _is_known(self, delta: Delta) -> bool:
        return self._is_stored(delta.span_id)

    def _is_stored(self, span_id: str) -> bool:
        return self._started.get(span_id, 0) <= self._seq
