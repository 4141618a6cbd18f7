"""A run's events, spans and export."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Limit
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.events import EventOut, SpanOut
from trajectories import queries

router = Router(tags=["events"])
After = Annotated[int, Query(0, ge=0, le=2**63 - 1, description="Start behind this number of an event.")]


@router.get("/runs/{uuid:run_id}/events", response=ListOf[EventOut], summary="Read or follow events")
def list_events(request: ApiRequest, run_id: UUID, after: After, limit: Limit) -> HttpResponse:
    """List events behind the number `after`; `next_cursor` is the next page's `after`."""
    run = queries.run_for(request.auth, run_id)
    rows = queries.events_page(run, after=after, limit=limit + 1)
    cursor = f'"{rows[limit - 1].seq}"' if len(rows) > limit else "null"
    items = ",".join(event.encode() for event in rows[:limit])
    return HttpResponse(f'{{"items":[{items}],"next_cursor":{cursor}}}', content_type="application/json")


@router.get("/runs/{uuid:run_id}/spans", response=ListOf[SpanOut], summary="List spans")
def list_spans(
    request: ApiRequest, run_id: UUID, cursor: Annotated[int, Query(0, ge=0)], limit: Limit
) -> ListOf[SpanOut]:
    """List the skeleton of a run: its spans in the order of their start."""
    run = queries.run_for(request.auth, run_id)
    rows = queries.spans_of(run, after=cursor, limit=limit + 1)
    more = str(rows[limit - 1].first_seq) if len(rows) > limit else None
    return ListOf(items=[SpanOut.of(row) for row in rows[:limit]], next_cursor=more)
