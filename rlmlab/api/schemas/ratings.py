"""Ratings as the API shows and takes them."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from ninja import Schema
from pydantic import Field, WithJsonSchema

from rlmlab.api.schemas.base import Body
from trajectories.actions.ratings import Judgement
from trajectories.models import Rating

AnyJson = Annotated[Any, WithJsonSchema({"description": "Any JSON value."})]


class RatingIn(Body):
    """A judgement on a run, or with `span_id` on a part; `correction` is the answer that should have been given."""

    dimension: str = Field(description="correct, helpful, format, safety or efficiency")
    value: float = Field(description="from 0 (not at all) to 1")
    span_id: str | None = None
    comment: str | None = None
    correction: AnyJson = None
    rater: str = Field("human", description="human; with an API key also checker, judge or implicit")

    def judgement(self) -> Judgement:
        """Return it in the domain's words."""
        return Judgement(
            dimension=self.dimension,
            value=self.value,
            span_id=self.span_id or "",
            comment=self.comment or "",
            correction=self.correction,
            rater=self.rater,
        )


class Rater(Schema):
    """Who judged; `name` is empty for somebody who is gone."""

    kind: str
    actor: str
    id: UUID | None
    name: str


class RatingOut(Schema):
    """A rating; `current` is false for one that was changed or withdrawn."""

    id: UUID
    run: UUID
    span_id: str | None
    dimension: str
    value: float
    comment: str
    correction: AnyJson
    rater: Rater
    version: int
    current: bool
    created_at: datetime

    @classmethod
    def of(cls, rating: Rating, name: str) -> Self:
        """Show a rating of somebody called so."""
        return cls(
            id=rating.id,
            run=rating.run_id,
            span_id=rating.span_id or None,
            dimension=rating.dimension,
            value=rating.value,
            comment=rating.comment,
            correction=rating.correction,
            rater=Rater(kind=rating.rater_kind, actor=rating.rater_actor, id=rating.rater_id, name=name),
            version=rating.version,
            current=rating.current,
            created_at=rating.created_at,
        )
