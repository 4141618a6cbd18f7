"""Events as everybody outside reads them: one encoder for pages, live frames, SSE and export.

The payload comes from PostgreSQL as JSON text and is passed on as it is: parsing and writing it again would cost more
than everything else on the way to a browser.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A stored event; `payload` is JSON text. The root span's parent is the empty string."""

    seq: int
    at: datetime
    span_id: str
    parent_span_id: str
    depth: int
    type: str
    payload: str

    def encode(self) -> str:
        """Write the event: `{seq, at, span_id, parent_span_id, depth, type, payload}`."""
        parent = f'"{self.parent_span_id}"' if self.parent_span_id else "null"
        return (
            f'{{"seq":{self.seq},"at":"{timestamp(self.at)}","span_id":"{self.span_id}","parent_span_id":{parent},'
            f'"depth":{self.depth},"type":"{self.type}","payload":{self.payload}}}'
        )


def timestamp(at: datetime) -> str:
    """Write a time in RFC 3339, UTC, with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def hello(run_id: str, head: int) -> str:
    """Greet a viewer with the number of the last stored event."""
    return json.dumps({"t": "hello", "run": run_id, "head": head})


def events(batch: Sequence[StoredEvent]) -> str:
    """Write consecutive events as one frame."""
    body = ",".join(event.encode() for event in batch)
    return f'{{"t":"ev","from":{batch[0].seq},"to":{batch[-1].seq},"e":[{body}]}}'


def delta(span_id: str, offset: int, text: str) -> str:
    """Write text in flight."""
    return json.dumps({"t": "delta", "span_id": span_id, "offset": offset, "text": text})


def resync(reason: str) -> str:
    """Say that text in flight was dropped and stored events follow from where the viewer stands."""
    return json.dumps({"t": "resync", "reason": reason})


END = json.dumps({"t": "end"})
PING = json.dumps({"t": "ping"})
