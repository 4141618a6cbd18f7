"""How many calls may be open to one model: as many as it bears, found out by its 429s.

Additive increase, multiplicative decrease (Chiu and Jain 1989), as TCP does it: a 429 halves the number of
open calls, each answered call raises it by 1 / limit, so by about one for each round of calls. It never falls below a
few, because a place may be held for minutes by a call that hangs, and other runs wait behind it. A Retry-After that
comes with a 429 holds for all of the model's calls.
"""

import asyncio
from collections import deque

LEAST = 4
LONGEST_PAUSE_SECONDS = 60.0  # a Retry-After beyond it is a quota's: each call shall hear of that itself
TIMER_SECONDS = 0.001  # a timer may fire a clock's tick early


class Throttle:
    """Admits calls first come, first served; `limit` moves between `least` and `most`."""

    def __init__(self, most: int = 256, least: int = LEAST) -> None:
        self._most = most
        self._least = float(min(least, most))
        self._limit = float(most)
        self._open = 0
        self._cuts = 0
        self._paused_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """How many calls may be open now."""
        return int(self._limit)

    async def enter(self) -> int:
        """Wait for a place and take it; return the mark that `pushed_back` wants. `leave` gives the place back."""
        if self._open < self.limit and not self._waiting and not self.pause_seconds():
            self._open += 1
        else:
            await self._queue()
        return self._cuts

    def leave(self) -> None:
        """Give a place back."""
        self._open -= 1
        self._admit()

    def answered(self) -> None:
        """Note an answered call."""
        self._limit = min(self._most, self._limit + 1 / self._limit)
        self._admit()

    def pushed_back(self, mark: int, retry_after_seconds: float = 0.0) -> None:
        """Note a 429; the many of one burst count once, because they were admitted under the same limit."""
        if mark == self._cuts:
            self._cuts += 1
            self._limit = max(self._least, min(self._limit, self._open) / 2)
        if 0 < retry_after_seconds <= LONGEST_PAUSE_SECONDS:
            loop = asyncio.get_running_loop()
            self._paused_until = max(self._paused_until, loop.time() + retry_after_seconds)
            loop.call_at(self._paused_until + TIMER_SECONDS, self._admit)

    def pause_seconds(self) -> float:
        """Tell how long nobody is admitted, as the provider asked for."""
        return max(0.0, self._paused_until - asyncio.get_running_loop().time())

    async def _queue(self) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # admitted and cancelled in the same turn of the loop
                self.leave()
            raise

    def _admit(self) -> None:
        while self._waiting and self._open < self.limit and not self.pause_seconds():
            place = self._waiting.popleft()
            if not place.done():
                self._open += 1
                place.set_result(None)
