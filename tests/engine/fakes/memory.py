"""A memory that keeps texts in a list; passes `tests/engine/fakes/memory_contract.py` as a stored one must."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from rlmlab.engine.errors import MemoryUnavailable
from rlmlab.engine.memory import Recalled, Remembered

CREATED_AT = "2026-11-23T10:00:00.000000Z"


def recalled(number: int, text: str, score: float = 1.0) -> Recalled:
    """Make a fact."""
    return Recalled(f"m{number}", text, "fact", "user_stated", score, CREATED_AT)


@dataclass
class ListedMemory:
    """Finds the texts that share most words with a query; `down` says why it cannot be asked."""

    texts: list[str] = field(default_factory=list)
    down: str = ""
    seconds: float = 0.0
    queries: list[tuple[str, int]] = field(default_factory=list)

    async def recall(self, query: str, limit: int) -> Sequence[Recalled]:
        """Search."""
        self.queries.append((query, limit))
        await self._reach()
        words = set(query.lower().split())
        found = [
            recalled(number, text, len(words & set(text.lower().split())))
            for number, text in enumerate(self.texts, start=1)
        ]
        return sorted((item for item in found if item.score), key=lambda item: -item.score)[:limit]

    async def remember(self, text: str) -> Remembered:
        """Keep a text once."""
        await self._reach()
        created = text not in self.texts
        if created:
            self.texts.append(text)
        return Remembered(f"m{self.texts.index(text) + 1}", text, created)

    async def _reach(self) -> None:
        await asyncio.sleep(self.seconds)
        if self.down:
            raise MemoryUnavailable(self.down)
