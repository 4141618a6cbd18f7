"""What is on record of a run that is taken up again, by call path (docs/architecture.md, "Replay").

A stored stream is a prefix of what happened, so any prefix of it is a state that the run can be taken up from: after a
worker died, after a pause, and as the shared beginning of a fork.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from rlmlab.engine.accounts import Amount
from rlmlab.engine.events import (
    Answer,
    AnyPayload,
    BudgetState,
    Code,
    Event,
    Message,
    Output,
    SpanFinished,
    SpanStarted,
)
from rlmlab.engine.places import join
from rlmlab.engine.projection import Projection
from rlmlab.engine.types import Totals

SETTLED = frozenset({"ok", "error", "refused"})
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")


class OutputDigest:
    """Hashes what a cell printed, with the addresses of objects masked, however the text is cut into pieces."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._line = ""

    def add(self, text: str) -> None:
        """Take the next piece."""
        whole, newline, rest = (self._line + text).rpartition("\n")
        if newline:
            self._take(whole + newline)
        self._line = rest

    def digest(self) -> str:
        """Return the hash of all that came so far, in hex."""
        copy = self._hash.copy()
        copy.update(_ADDRESS.sub("0x", self._line).encode("utf-8", "surrogatepass"))
        return copy.hexdigest()

    def _take(self, text: str) -> None:
        self._hash.update(_ADDRESS.sub("0x", text).encode("utf-8", "surrogatepass"))


@dataclass(slots=True)
class RecordedSpan:
    """One span as it is on record; `finished` None: it was open when the record ends."""

    span_id: str
    parent_span_id: str | None
    depth: int
    first_seq: int
    started_at: datetime
    started: SpanStarted
    finished: SpanFinished | None = None
    reply: Message | None = None
    code: str | None = None
    answer: Answer | None = None
    output: OutputDigest = field(default_factory=OutputDigest)

    def add(self, payload: AnyPayload) -> None:
        """Take what happened in it."""
        match payload:
            case SpanFinished():
                self.finished = payload
            case Message(role="assistant") if self.started.kind == "model_call":
                self.reply = payload
            case Code(code=code):
                self.code = code
            case Output(text=text):
                self.output.add(text)
            case Answer():
                self.answer = payload
            case _:
                pass

    @property
    def settled(self) -> bool:
        """Tell whether it came to an end of its own, in this run or in the one it is shared from."""
        return self.finished is not None and self.finished.status in SETTLED

    @property
    def shared(self) -> bool:
        """Tell whether it is another run's, which this one goes on from: it is taken as it is."""
        return bool(self.started.data.get("shared"))


class Record:
    """A run's stored events, by the path of their span; of a path's attempts, the latest counts."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._spans: dict[str, RecordedSpan] = {}
        self._by_path: dict[str, RecordedSpan] = {}
        self._messages: dict[str, list[Message]] = {}
        self.exhausted: str | None = None
        self.last_seq = 0
        projection = Projection()
        for event in events:
            projection.apply(event)
            self._add(event)
        self.totals: Totals = projection.totals
        self._rows = list(projection.spans.values())

    def __bool__(self) -> bool:
        """Tell whether there is anything on record."""
        return self.last_seq > 0

    def span(self, path: str) -> RecordedSpan | None:
        """Return the latest attempt at a path."""
        return self._by_path.get(path)

    def messages(self, path: str) -> list[Message]:
        """Return the messages of all attempts at a path, in order."""
        return self._messages.get(path, [])

    def spent(self, path: str) -> Amount:
        """Sum up what was spent at a path and below it, in all attempts."""
        rows = [row for row in self._rows if row.path == path]
        below = [row for row in self._rows if row.kind == "sub_call" and row.path.startswith(f"{path}/")]
        return Amount(
            sum(row.input_tokens + row.output_tokens for row in rows),
            sum(row.cost_usd or 0.0 for row in rows),
            sum(row.attempt == 1 and row.status != "refused" for row in below),
        )

    def shared_steps(self, level: str) -> int:
        """Count the first steps of a level that are another run's."""
        number = 0
        while (step := self.span(join(level, number + 1))) is not None and step.shared and step.settled:
            number += 1
        return number

    def fell_back(self, level: str) -> bool:
        """Tell whether a level had been asked for its best answer so far."""
        return any(message.purpose == "fallback" for message in self.messages(level))

    def open_spans(self) -> list[RecordedSpan]:
        """Return what was open beside the run itself, innermost first."""
        found = [span for span in self._spans.values() if span.finished is None and span.parent_span_id is not None]
        return sorted(found, key=lambda span: span.first_seq, reverse=True)

    def _add(self, event: Event) -> None:
        self.last_seq = event.seq
        payload = event.payload
        if isinstance(payload, SpanStarted):
            span = RecordedSpan(event.span_id, event.parent_span_id, event.depth, event.seq, event.at, payload)
            self._spans[event.span_id] = self._by_path[payload.path] = span
            return
        span = self._spans[event.span_id]
        span.add(payload)
        if isinstance(payload, Message) and span.reply is not payload:
            self._messages.setdefault(span.started.path, []).append(payload)
        if isinstance(payload, BudgetState) and span.parent_span_id is None:
            self.exhausted = payload.exhausted or self.exhausted
