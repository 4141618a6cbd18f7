"""Examples as the API shows them."""

from datetime import datetime
from typing import Self
from uuid import UUID

from ninja import Schema

from trajectories.improvement.examples import Chosen
from trajectories.models import Example, RunExample


class ExampleOut(Schema):
    """An example; `text` is what a prompt gets of it, `used` how many runs got it."""

    id: UUID
    project: str
    run: UUID
    rating: UUID
    kind: str
    task: str
    text: str
    used: int
    created_at: datetime
    retired_at: datetime | None

    @classmethod
    def of(cls, example: Example) -> Self:
        """Show an example whose project is at hand and whose uses were counted."""
        return cls(
            id=example.id,
            project=example.project.slug,
            run=example.run_id,
            rating=example.rating_id,
            kind=example.kind,
            task=example.task,
            text=example.text,
            used=getattr(example, "used", 0),
            created_at=example.created_at,
            retired_at=example.retired_at,
        )


class RunExampleOut(Schema):
    """An example that a run was or would be given: in which place, how well it fits, and why it is taken."""

    id: UUID
    position: int
    score: float
    reason: str
    kind: str
    task: str
    text: str
    run: UUID

    @classmethod
    def of(cls, item: RunExample) -> Self:
        """Show a use whose example is at hand."""
        example = item.example
        return cls(
            id=example.id,
            position=item.position,
            score=item.score,
            reason=item.reason,
            kind=example.kind,
            task=example.task,
            text=example.text,
            run=example.run_id,
        )

    @classmethod
    def of_chosen(cls, position: int, chosen: Chosen) -> Self:
        """Show what would be used."""
        example = chosen.example
        return cls(
            id=example.id,
            position=position,
            score=chosen.score,
            reason=chosen.reason,
            kind=example.kind,
            task=example.task,
            text=example.text,
            run=example.run_id,
        )
