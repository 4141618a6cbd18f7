"""The query parameters and the answer of every list."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from ninja import Query

from rlmlab.api.schemas.base import ListOf
from rlmlab.scoping.pages import DEFAULT_LIMIT, HIGHEST_LIMIT, Page

RowT = TypeVar("RowT")
ItemT = TypeVar("ItemT")

Limit = Annotated[int, Query(DEFAULT_LIMIT, ge=1, le=HIGHEST_LIMIT)]
Cursor = Annotated[str, Query("", max_length=200)]


def listed(page: Page[RowT], show: Callable[[RowT], ItemT]) -> ListOf[ItemT]:
    """Show a page."""
    return ListOf(items=[show(row) for row in page.items], next_cursor=page.next_cursor or None)
