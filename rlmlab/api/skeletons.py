"""A run's spans as columns, streamed and compressed: what a page draws the tree of fifty thousand spans from.

The rows are read by keyset pages, one at a time when the reader has taken the one before: bounded memory as with a
cursor of the server's, but no transaction stays open for as long as a slow reader likes.
"""

import json
import zlib
from collections.abc import AsyncIterator
from typing import Any, Final

from django.http import StreamingHttpResponse

from trajectories import hub, record
from trajectories.models import Run

CONTENT_TYPE: Final = "application/x-ndjson"
FORMATS: Final[dict[str, Any]] = {
    "responses": {200: {"content": {CONTENT_TYPE: {"schema": {"type": "string"}}}}},
}
COLUMNS: Final = tuple(record.SPAN_COLUMNS)
LINE_SPANS: Final = 2500
"""A line is read by one query, and parsed by a browser in one go, which must not take long."""
LEVEL: Final = 4
GZIP: Final = zlib.MAX_WBITS | 16


def streamed(run: Run, *, after: int, is_gzip: bool) -> StreamingHttpResponse:
    """Answer with the spans that started behind the event `after`."""
    lines = _lines(run, after, zlib.compressobj(LEVEL, wbits=GZIP) if is_gzip else None)
    response = StreamingHttpResponse(lines, content_type=CONTENT_TYPE)
    if is_gzip:
        response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept, Accept-Encoding"
    response["X-Accel-Buffering"] = "no"
    return response


async def _lines(run: Run, after: int, packer: Any) -> AsyncIterator[bytes]:
    """Yield the head, then line for line, each flushed so that its reader can begin."""
    head = {"columns": COLUMNS, "last_seq": run.last_seq}
    yield _packed(packer, f"{json.dumps(head)}\n".encode())
    while True:
        line, after = await hub.in_pool(_line, run, after, packer)
        if not after:
            break
        yield line
    if packer is not None:
        yield packer.flush()


def _line(run: Run, after: int, packer: Any) -> tuple[bytes, int]:
    """Read and write a line, off the event loop; return it and the last span's number, 0 behind the end."""
    text, last = record.span_columns(run, after=after, limit=LINE_SPANS)
    return (_packed(packer, f"{text}\n".encode()), last) if last else (b"", 0)


def _packed(packer: Any, data: bytes) -> bytes:
    return data if packer is None else packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
