"""What all bodies have in common."""

from typing import Generic, TypeVar

from ninja import Schema
from pydantic import ConfigDict

ItemT = TypeVar("ItemT")


class Body(Schema):
    """A request's body: no unknown fields, no conversion of one type into another."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ListOf(Schema, Generic[ItemT]):
    """A page of a list; `next_cursor` null: there is no next page."""

    items: list[ItemT]
    next_cursor: str | None


class FieldProblem(Schema):
    """One wrong field."""

    field: str
    message: str


class Problem(Schema):
    """An error, as `application/problem+json`."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem]
