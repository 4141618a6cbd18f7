"""A sink that keeps what it is given, and checks of the stream's promises."""

from dataclasses import dataclass, field

from rlmlab.engine.errors import LostLease
from rlmlab.engine.events import Event, SpanFinished, SpanStarted
from rlmlab.engine.projection import Projection
from rlmlab.engine.stream import Delta


@dataclass
class MemorySink:
    """Keeps events and deltas; `lose_after` commits the lease is lost."""

    events: list[Event] = field(default_factory=list)
    deltas: list[Delta] = field(default_factory=list)
    committed: int = 0
    commits: int = 0
    lose_after: int | None = None

    def write(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    async def commit(self) -> None:
        """Remember what was durable."""
        self.commits += 1
        if self.lose_after is not None and self.commits > self.lose_after:
            raise LostLease("another worker owns this run")
        self.committed = len(self.events)

    def delta(self, delta: Delta) -> None:
        """Keep a delta."""
        self.deltas.append(delta)

    def payloads(self, kind: type, span_kind: str | None = None) -> list:
        """Return payloads of a class, of one span kind where told."""
        kinds = {event.span_id: event.payload.kind for event in self.events if event.type == "span_started"}
        return [
            event.payload
            for event in self.events
            if isinstance(event.payload, kind) and span_kind in {None, kinds[event.span_id]}
        ]

    def paths(self, span_kind: str) -> list[str]:
        """Return the call paths of the spans of a kind, in the order of their start."""
        return [start.path for start in self.payloads(SpanStarted) if start.kind == span_kind]

    def finished(self, path: str) -> SpanFinished:
        """Return the end of the span at a path."""
        span_id = next(e.span_id for e in self.events if e.type == "span_started" and e.payload.path == path)
        return next(e.payload for e in self.events if e.type == "span_finished" and e.span_id == span_id)

    def projection(self) -> Projection:
        """Fold the events."""
        projection = Projection()
        for event in self.events:
            projection.apply(event)
        return projection


def check_stream(events: list[Event]) -> None:
    """Check what every stream of an ended run promises: no gap, every span closed once, children inside parents."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    open_spans: dict[str, str | None] = {}
    seen: set[str] = set()
    for event in events:
        if event.type == "span_started":
            assert event.span_id not in seen
            assert event.parent_span_id is None or event.parent_span_id in open_spans
            seen.add(event.span_id)
            open_spans[event.span_id] = event.parent_span_id
        assert event.span_id in open_spans, f"{event.type} outside its span"
        assert open_spans[event.span_id] == event.parent_span_id
        if event.type == "span_finished":
            assert event.span_id not in open_spans.values(), "a child is still open"
            del open_spans[event.span_id]
    assert open_spans == {}
    assert events[-1].type == "span_finished"
    assert events[-1].parent_span_id is None
    assert events[-1].payload.kind == "run"
    assert [event.at for event in events] == sorted(event.at for event in events)
