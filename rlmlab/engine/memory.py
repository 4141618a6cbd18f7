"""The port of a run's lasting memory: what the REPL's `recall` and `remember` ask, whoever keeps it.

The engine knows no store. Whoever starts the run passes a `MemoryPort` that is bound to the run's scope, so that no
argument of a cell can reach another's memories.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Recalled:
    """One memory that was found: `score` only orders those of one search; `created_at` is RFC 3339."""

    id: str
    text: str
    kind: str
    trust: str
    score: float
    created_at: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """What became of a text to keep: `created` False when a memory that says the same was there already."""

    id: str
    text: str
    created: bool


class MemoryPort(Protocol):
    """Searches and keeps the memories of one run's scope."""

    async def recall(self, query: str, limit: int) -> Sequence[Recalled]:
        """Return at most `limit` memories, best first; empty when nothing fits.

        Raises:
            MemoryUnavailable: the memory cannot be asked.
        """
        ...

    async def remember(self, text: str) -> Remembered:
        """Keep a text for later runs; it is durable when this returns.

        A replayed run may ask again for what it asked before, so the same text twice is one memory.

        Raises:
            MemoryUnavailable: the memory does not take it; the message says why.
        """
        ...
