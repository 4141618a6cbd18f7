"""A run's events, spans and export."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Header, Query, Router

from rlmlab.api import exports
from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Limit
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.events import EventOut, RunDocument, SpanOut
from trajectories import hub, queries
from trajectories.models import Run

router = Router(tags=["events"])
After = Annotated[int, Query(0, ge=0, le=2**63 - 1, description="Start behind this number of an event.")]
EventCursor = Annotated[int | None, Query(None, ge=0, le=2**63 - 1, description="The same, as `next_cursor` gives it.")]
LastEventId = Annotated[int | None, Header(None, alias="Last-Event-ID", ge=0, le=2**63 - 1)]


@router.get("/runs/{uuid:run_id}/events", response=ListOf[EventOut], summary="Read or follow events")
def list_events(
    request: ApiRequest, run_id: UUID, after: After, cursor: EventCursor, limit: Limit, last_event_id: LastEventId
) -> HttpResponseBase:
    """List events behind the number `after`; `next_cursor` is the next page's `after`, or `cursor`.

    With `Accept: text/event-stream` the events are sent as they come, each with its number as id, until the run has
    ended; `Last-Event-ID` takes the place of `after`.
    """
    run = queries.run_for(request.auth, run_id)
    after = after if cursor is None else cursor
    if "text/event-stream" in request.headers.get("Accept", ""):
        return _followed(run, after if last_event_id is None else last_event_id, is_again=last_event_id is not None)
    rows = queries.events_page(run, after=after, limit=limit + 1)
    following = f'"{rows[limit - 1].seq}"' if len(rows) > limit else "null"
    items = ",".join(event.encode() for event in rows[:limit])
    return HttpResponse(f'{{"items":[{items}],"next_cursor":{following}}}', content_type="application/json")


def _followed(run: Run, after: int, *, is_again: bool) -> HttpResponseBase:
    """Stream the run's frames; 204 tells a browser that has everything not to come again.

    A number beyond the run's last is not of this run; what comes is sent all the same. The first line names where the
    stream starts, so that a browser comes again with that number also where no event had come.
    """
    if is_again and run.is_terminal and after >= run.last_seq:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    start = min(after, run.last_seq)

    async def lines() -> AsyncIterator[str]:
        yield f"id: {start}\n\n"
        async with aclosing(hub.follow(run.organization_id, run.id, start)) as frames:
            async for frame in frames:
                yield frame.sse

    response = StreamingHttpResponse(lines(), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


@router.get("/runs/{uuid:run_id}/spans", response=ListOf[SpanOut], summary="List spans")
def list_spans(
    request: ApiRequest, run_id: UUID, cursor: Annotated[int, Query(0, ge=0, le=2**63 - 1)], limit: Limit
) -> ListOf[SpanOut]:
    """List the skeleton of a run: its spans in the order of their start."""
    run = queries.run_for(request.auth, run_id)
    rows = queries.spans_of(run, after=cursor, limit=limit + 1)
    more = str(rows[limit - 1].first_seq) if len(rows) > limit else None
    return ListOf(items=[SpanOut.of(row) for row in rows[:limit]], next_cursor=more)


@router.get("/runs/{uuid:run_id}/export", response=RunDocument, summary="Export a run", openapi_extra=exports.FORMATS)
def export(request: ApiRequest, run_id: UUID, format: exports.Format = "jsonl") -> StreamingHttpResponse:  # noqa: A002
    """Stream all that is stored of a run so far: its events a line each, or one document with run, spans and events."""
    run = queries.run_for(request.auth, run_id)
    response = StreamingHttpResponse(exports.parts(run, format), content_type=exports.CONTENT_TYPES[format])
    response["Content-Disposition"] = f'attachment; filename="run-{run.id}.{format}"'
    return response
