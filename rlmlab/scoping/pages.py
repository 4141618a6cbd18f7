"""Pages of lists that grow at their head: keyset cursors, never offsets."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from rlmlab.errors import Invalid

ItemT = TypeVar("ItemT")
RowT = TypeVar("RowT", bound=Model)
DEFAULT_LIMIT: Final = 100
HIGHEST_LIMIT: Final = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """Some items, and where the next page starts; an empty cursor means that there is none."""

    items: Sequence[ItemT]
    next_cursor: str


def encode_cursor(at: datetime, row_id: UUID) -> str:
    """Name the place behind a row."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{row_id}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Read a place.

    Raises:
        Invalid: it is not one of ours.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, _, row_id = text.partition("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        return moment, UUID(row_id)
    except (ValueError, binascii.Error):
        raise Invalid.field("cursor", "is not a cursor of this list") from None


def newest_first(rows: QuerySet[RowT], *, cursor: str, limit: int) -> Page[RowT]:
    """Return up to `limit` rows by `created_at`, newest first, behind the place that a cursor names; within a scope.

    Raises:
        Invalid: the cursor cannot be read.
    """
    if cursor:
        at, row_id = decode_cursor(cursor)
        rows = rows.filter(Q(created_at__lte=at) & ~Q(created_at=at, id__gte=row_id))
    found = list(rows.order_by("-created_at", "-id")[: limit + 1])
    if len(found) <= limit:
        return Page(found, "")
    last: Any = found[limit - 1]
    return Page(found[:limit], encode_cursor(last.created_at, last.id))
