"""A run's events, spans and export."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Header, Query, Router

from rlmlab.api import exports, open_streams, skeletons
from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Limit
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.coverage import CoverageOut
from rlmlab.api.schemas.events import EventOut, RunDocument, SpanOut, Which
from rlmlab.tenancy.principals import Principal
from trajectories import hub, queries, record
from trajectories.coverage import coverage_of
from trajectories.models import Run

router = Router(tags=["events"])
EventCursor = Annotated[int | None, Query(None, ge=0, le=2**63 - 1, description="As `after`, from `next_cursor`.")]
LastEventId = Annotated[int | None, Header(None, alias="Last-Event-ID", ge=0, le=2**63 - 1)]


@router.get("/runs/{uuid:run_id}/events", response=ListOf[EventOut], summary="Read or follow events")
def list_events(
    request: ApiRequest,
    run_id: UUID,
    which: Query[Which],
    cursor: EventCursor,
    limit: Limit,
    last_event_id: LastEventId,
) -> HttpResponseBase:
    """List events behind the number `after`; `next_cursor` is the next page's `after`, or `cursor`.

    With `span`, which may be repeated, only the events of these spans themselves; with `type`, only those of a type.

    With `Accept: text/event-stream` the events are sent as they come, each with its number as id, until the run has
    ended; `Last-Event-ID` takes the place of `after`. A stream has all of them: `span` and `type` are refused. Beside
    them come the events `hello`, `delta` (text in flight, which the stored message supersedes), `resync` (text in
    flight was dropped, since the client reads slowly) and `end`, with the data of the WebSocket's frames of this name,
    and comments while nothing happens. A client that takes nothing for a minute is cut off, and resumes.
    """
    run = queries.run_for(request.auth, run_id)
    after = which.after if cursor is None else cursor
    if "text/event-stream" in request.headers.get("Accept", ""):
        which.refuse_choice()
        start = after if last_event_id is None else last_event_id
        return _followed(request.auth, run, start, is_again=last_event_id is not None)
    rows = record.events_among(run, spans=which.span, type_=which.type or "", after=after, limit=limit + 1)
    following = f'"{rows[limit - 1].seq}"' if len(rows) > limit else "null"
    items = ",".join(event.encode() for event in rows[:limit])
    return HttpResponse(f'{{"items":[{items}],"next_cursor":{following}}}', content_type="application/json")


def _followed(by: Principal, run: Run, after: int, *, is_again: bool) -> HttpResponseBase:
    """Stream the run's frames; 204 tells a browser that has everything not to come again.

    A number beyond the run's last is not of this run; what comes is sent all the same. The first line names where the
    stream starts, so that a browser comes again with that number also where no event had come.
    """
    if is_again and run.is_terminal and after >= run.last_seq:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    lines = _lines(run, min(after, run.last_seq), open_streams.take(by))
    response = StreamingHttpResponse(lines, content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


async def _lines(run: Run, start: int, place: open_streams.Place) -> AsyncIterator[str]:
    with place:
        yield f"id: {start}\n\n"
        async with aclosing(hub.follow(run.organization_id, run.id, start)) as frames:
            async for frame in frames:
                yield frame.sse


@router.get(
    "/runs/{uuid:run_id}/spans", response=ListOf[SpanOut], summary="List spans", openapi_extra=skeletons.FORMATS
)
def list_spans(
    request: ApiRequest, run_id: UUID, cursor: Annotated[int, Query(0, ge=0, le=2**63 - 1)], limit: Limit
) -> ListOf[SpanOut] | StreamingHttpResponse:
    """List the skeleton of a run: its spans in the order of their start.

    With `Accept: application/x-ndjson` all of them (behind `cursor`) are streamed as columns, which is far less to
    send and to read: the first line is `{"columns": [names], "last_seq": number}`, each further line has some
    spans as a list of columns in that order. `started_ms` is a time in milliseconds since 1970, `first_seq`
    the number of a span's first event.
    """
    run = queries.run_for(request.auth, run_id)
    if skeletons.CONTENT_TYPE in request.headers.get("Accept", ""):
        return skeletons.streamed(run, after=cursor, is_gzip="gzip" in request.headers.get("Accept-Encoding", ""))
    rows = queries.spans_of(run, after=cursor, limit=limit + 1)
    more = str(rows[limit - 1].first_seq) if len(rows) > limit else None
    return ListOf(items=[SpanOut.of(row) for row in rows[:limit]], next_cursor=more)


@router.get("/runs/{uuid:run_id}/coverage", response=CoverageOut, summary="Get what was read of the input")
def get_coverage(request: ApiRequest, run_id: UUID) -> CoverageOut:
    """Return which bytes of the input stood in prompts of sub-calls and in prints, as far as that can be known."""
    return CoverageOut.of(coverage_of(queries.run_for(request.auth, run_id)))


@router.get("/runs/{uuid:run_id}/export", response=RunDocument, summary="Export a run", openapi_extra=exports.FORMATS)
def export(request: ApiRequest, run_id: UUID, format: exports.Format = "jsonl") -> StreamingHttpResponse:  # noqa: A002
    """Stream all that is stored of a run so far: its events a line each, or one document with run, spans and events."""
    run = queries.run_for(request.auth, run_id)
    response = StreamingHttpResponse(exports.parts(run, format), content_type=exports.CONTENT_TYPES[format])
    response["Content-Disposition"] = f'attachment; filename="run-{run.id}.{format}"'
    return response
