"""The memory of one run: what the engine asks, answered from the run's project and from nothing else."""

from collections.abc import Sequence

from memory import actions, queries
from memory.models import Memory
from rlmlab.engine.errors import MemoryUnavailable
from rlmlab.engine.memory import Recalled, Remembered
from rlmlab.errors import Invalid
from trajectories.database import AWAY, Database
from trajectories.models import Run


class RunMemory:
    """Searches and keeps the memories of a run's project; nothing that a cell passes can name another's."""

    def __init__(self, run: Run, database: Database) -> None:
        self._run = run
        self._database = database

    async def recall(self, query: str, limit: int) -> Sequence[Recalled]:
        """Return memories that share words with the query, best first.

        Raises:
            MemoryUnavailable: the database cannot be reached.
        """
        run = self._run
        try:
            found = await self._database(
                queries.recall,
                organization_id=run.organization_id,
                project_id=run.project_id,
                query=query,
                limit=limit,
            )
        except AWAY as error:
            raise MemoryUnavailable("the memory cannot be reached at the moment") from error
        return [recalled(item.memory, item.score) for item in found]

    async def remember(self, text: str) -> Remembered:
        """Keep a text, once.

        Raises:
            MemoryUnavailable: the database cannot be reached, or the text cannot be kept.
        """
        run = self._run
        try:
            kept = await self._database(
                actions.remember,
                organization_id=run.organization_id,
                project=run.project,
                run_id=run.id,
                text=text,
            )
        except AWAY as error:
            raise MemoryUnavailable("the memory cannot be reached at the moment") from error
        except Invalid as error:
            raise MemoryUnavailable(error.detail) from error
        return Remembered(str(kept.memory.id), kept.memory.text, kept.created)


def pinned_for(run: Run) -> tuple[Recalled, ...]:
    """Return what a run that uses memory is shown from the start."""
    found = queries.pinned_memories(organization_id=run.organization_id, project_id=run.project_id)
    return tuple(recalled(memory, 1.0) for memory in found)


def recalled(memory: Memory, score: float) -> Recalled:
    """Tell a memory in the engine's words."""
    return Recalled(
        id=str(memory.id),
        text=memory.text,
        kind=memory.kind,
        trust=memory.trust,
        score=score,
        created_at=memory.created_at.isoformat(),
    )
