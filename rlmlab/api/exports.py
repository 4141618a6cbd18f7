"""A run as a file, streamed: never more than a page of it is in memory."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, Literal

from ninja import Schema
from ninja.responses import NinjaJSONEncoder

from rlmlab.api.schemas.events import SpanOut
from rlmlab.api.schemas.runs import RunOut
from rlmlab.scoping.pages import HIGHEST_LIMIT
from trajectories import hub, queries
from trajectories.models import Run

Format = Literal["jsonl", "json"]
CONTENT_TYPES: Final[dict[Format, str]] = {"jsonl": "application/jsonl", "json": "application/json"}
FORMATS: Final[dict[str, Any]] = {
    "responses": {
        200: {
            "description": "`jsonl`: an event a line. `json`: one document.",
            "content": {
                CONTENT_TYPES["jsonl"]: {"schema": {"type": "string"}},
                CONTENT_TYPES["json"]: {"schema": {"$ref": "#/components/schemas/RunDocument"}},
            },
        }
    }
}


def parts(run: Run, name: Format) -> AsyncIterator[str]:
    """Yield a run in a format, piece by piece."""
    return document(run) if name == "json" else lines(run)


async def lines(run: Run) -> AsyncIterator[str]:
    """Yield the events, a JSON document a line."""
    async for page in event_pages(run):
        yield "".join(f"{event}\n" for event in page)


async def document(run: Run) -> AsyncIterator[str]:
    """Yield `{run, spans, events}`.

    Run and spans are read before the events, so that of a run that goes on no span tells of events that are not there.
    """
    yield f'{{"run":{encoded(RunOut.of(run))},"spans":['
    async for part in joined(span_pages(run)):
        yield part
    yield '],"events":['
    async for part in joined(event_pages(run)):
        yield part
    yield "]}\n"


def encoded(shown: Schema) -> str:
    """Write it as the other answers of the API do."""
    return json.dumps(shown.model_dump(), cls=NinjaJSONEncoder, ensure_ascii=False, separators=(",", ":"))


async def joined(pages: AsyncIterator[Sequence[str]]) -> AsyncIterator[str]:
    """Yield pages of encoded items as the inside of one JSON array."""
    comma = ""
    async for page in pages:
        yield comma + ",".join(page)
        comma = ","


async def event_pages(run: Run) -> AsyncIterator[Sequence[str]]:
    """Yield the run's events, encoded, page by page."""
    after = 0
    while rows := await hub.in_pool(queries.events_page, run, after=after, limit=HIGHEST_LIMIT):
        after = rows[-1].seq
        yield [event.encode() for event in rows]


async def span_pages(run: Run) -> AsyncIterator[Sequence[str]]:
    """Yield the run's spans, encoded, page by page, in the order of their start."""
    after = 0
    while rows := await hub.in_pool(queries.spans_of, run, after=after, limit=HIGHEST_LIMIT):
        after = rows[-1].first_seq
        yield [encoded(SpanOut.of(row)) for row in rows]
