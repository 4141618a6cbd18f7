"""How many sessions a run tree may hold at a time."""

import asyncio
import heapq
import itertools
from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Tree:
    held: list[int] = field(default_factory=list)
    waiting: list[tuple[int, int, asyncio.Future[None]]] = field(default_factory=list)


class Admission:
    """Admits up to `limit` sessions of a tree, the deepest that wait first.

    Parents hold their session while they wait for children. So that a tree whose places are all held by parents can go
    on, a session deeper than every session held is admitted beyond the limit: at most one for each depth.
    """

    def __init__(self, limit: int = 16) -> None:
        self._limit = limit
        self._trees: defaultdict[str, _Tree] = defaultdict(_Tree)
        self._order = itertools.count()

    async def enter(self, tree: str, depth: int) -> None:
        """Wait for a place; an unnamed tree has as many as it likes."""
        if not tree:
            return
        state = self._trees[tree]
        if not state.waiting and self._has_place(state, depth):
            state.held.append(depth)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (-depth, next(self._order), turn)
        heapq.heappush(state.waiting, entry)
        self._admit(tree)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(tree, depth)
            elif entry in state.waiting:  # else somebody who left has dropped it already
                state.waiting.remove(entry)
                heapq.heapify(state.waiting)
                self._forget(tree)
            raise

    def leave(self, tree: str, depth: int) -> None:
        """Give a place back."""
        if not tree:
            return
        self._trees[tree].held.remove(depth)
        self._admit(tree)
        self._forget(tree)

    def _admit(self, tree: str) -> None:
        state = self._trees[tree]
        while state.waiting and self._has_place(state, -state.waiting[0][0]):
            depth, _, turn = heapq.heappop(state.waiting)
            if not turn.done():
                state.held.append(-depth)
                turn.set_result(None)

    def _has_place(self, state: _Tree, depth: int) -> bool:
        return len(state.held) < self._limit or depth > max(state.held)

    def _forget(self, tree: str) -> None:
        state = self._trees[tree]
        if not state.held and not state.waiting:
            del self._trees[tree]
