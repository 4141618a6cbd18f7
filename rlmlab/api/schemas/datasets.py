"""Datasets and their items as the API shows and takes them."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from ninja import Schema
from pydantic import BaseModel, Field, WithJsonSchema, model_validator

from rlmlab.api.schemas.base import Body
from rlmlab.api.schemas.runs import Context, ContextOut
from trajectories.improvement.datasets import DatasetView
from trajectories.improvement.items import NewItem
from trajectories.models import Item

AnyJson = Annotated[Any, WithJsonSchema({"description": "Any JSON value but null."})]


class DatasetIn(Body):
    """A new dataset; `checker` says how answers are compared: exact, contains, number or json."""

    name: str
    description: str = ""
    checker: str = "exact"


class DatasetOut(Schema):
    """A dataset; `items` counts those in use by split."""

    id: UUID
    name: str
    description: str
    checker: str
    items: dict[str, int]
    created_at: datetime

    @classmethod
    def of(cls, view: DatasetView) -> Self:
        """Show a dataset."""
        row = view.dataset
        return cls(
            id=row.id,
            name=row.name,
            description=row.description,
            checker=row.checker,
            items=view.counts,
            created_at=row.created_at,
        )


class ItemIn(Body):
    """A new item."""

    task: str
    expected: AnyJson
    context: Context = None
    split: str = "holdout"

    def new(self) -> NewItem:
        """Return it in the domain's words."""
        return NewItem(self.task, self.expected, split=self.split, context=self.context)


class ItemsIn(BaseModel):
    """New items; all are added, or none. An item by itself, or a list, stands for `items`."""

    model_config = Body.model_config  # no Body itself: ninja's schemas hide from validators what was sent
    items: Annotated[list[ItemIn], Field(min_length=1, max_length=1000)]

    @model_validator(mode="before")
    @classmethod
    def wrapped(cls, given: Any) -> Any:
        """Take an item alone, and a list alone, as `items`."""
        if isinstance(given, list):
            return {"items": given}
        return given if not isinstance(given, dict) or "items" in given else {"items": [given]}


class ItemOut(Schema):
    """An item; `run` is the run that it was made from, `context` only says what the input is."""

    id: UUID
    number: int
    split: str
    task: str
    expected: AnyJson
    context: ContextOut | None
    run: UUID | None
    created_at: datetime
    retired_at: datetime | None

    @classmethod
    def of(cls, item: Item) -> Self:
        """Show an item whose blob is at hand."""
        context = None if item.blob is None else ContextOut(kind=item.context_kind, size=item.blob.size)
        return cls(
            id=item.id,
            number=item.number,
            split=item.split,
            task=item.task,
            expected=item.expected,
            context=context,
            run=item.source_run_id,
            created_at=item.created_at,
            retired_at=item.retired_at,
        )


class AddedItems(Schema):
    """The items that were added, in order."""

    items: list[ItemOut]
