"""A run's spans as columns, streamed and compressed: what a page draws the tree of fifty thousand spans from.

The rows are read by keyset pages, one at a time when the reader has taken the one before: bounded memory as with a
cursor of the server's, but no transaction stays open for as long as a slow reader likes.
"""

import json
import zlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

from django.http import StreamingHttpResponse

from trajectories import hub, record
from trajectories.models import Run

CONTENT_TYPE: Final = "application/x-ndjson"
FORMATS: Final[dict[str, Any]] = {
    "responses": {200: {"content": {CONTENT_TYPE: {"schema": {"type": "string"}}}}},
}
STORED: Final = (
    "span_id", "parent_span_id", "kind", "name", "depth", "status", "started_at", "seconds", "input_tokens",
    "output_tokens", "cost_usd", "preview", "first_seq",
)  # fmt: skip
COLUMNS: Final = tuple("started_ms" if name == "started_at" else name for name in STORED)
STARTED: Final = STORED.index("started_at")
PARENT: Final = STORED.index("parent_span_id")
LINE_SPANS: Final = 1000
"""A line's span ids lie within the 32 KB in which gzip finds them again as the parents of other spans."""
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
    rows = record.span_values(run, STORED, after=after, limit=LINE_SPANS)
    if not rows:
        return b"", 0
    text = json.dumps(_columns(rows), ensure_ascii=False, separators=(",", ":"))
    return _packed(packer, f"{text}\n".encode()), rows[-1][-1]


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[Sequence[Any]]:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    columns[PARENT] = [parent or None for parent in columns[PARENT]]
    columns[STARTED] = [_milliseconds(at) for at in columns[STARTED]]
    return columns


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _packed(packer: Any, data: bytes) -> bytes:
    return data if packer is None else packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
