"""Memories as the API shows and takes them."""

from datetime import datetime
from typing import Self
from uuid import UUID

from ninja import Schema

from memory.models import Memory
from rlmlab.api.schemas.base import Body


class MemoryIn(Body):
    """Something to keep; `kind` is one of fact, episode, skill, lesson."""

    text: str
    kind: str = "fact"


class MemoryChangeIn(Body):
    """What to change; what is left out stays."""

    text: str | None = None
    pinned: bool | None = None


class MemoryOut(Schema):
    """A memory; `text` is empty once it was erased, `run` is the run that kept it."""

    id: UUID
    project: str
    kind: str
    text: str
    trust: str
    status: str
    pinned: bool
    run: UUID | None
    uses: int
    last_used_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, memory: Memory) -> Self:
        """Show a memory whose project is at hand."""
        return cls(
            id=memory.id,
            project=memory.project.slug,
            kind=memory.kind,
            text=memory.text,
            trust=memory.trust,
            status=memory.status,
            pinned=memory.pinned,
            run=memory.source_run_id,
            uses=memory.uses,
            last_used_at=memory.last_used_at,
            created_at=memory.created_at,
            updated_at=memory.updated_at,
        )
