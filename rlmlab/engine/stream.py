"""The only writer of a run's events, and what takes them.

Everything that stores, shows or exports a run is a `Sink` of this stream; why is told in
docs/adr/0002-the-event-stream-is-the-spine.md.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from rlmlab.engine import normalise
from rlmlab.engine.clock import Clock
from rlmlab.engine.errors import LostLease
from rlmlab.engine.events import AnyPayload, Event, Payload


@dataclass(frozen=True, slots=True)
class Delta:
    """Text in flight, never stored: the stored `message` of the same span supersedes it.

    `offset` counts code points from the start of the span's text; an offset of 0 again means: what came before is void.
    """

    span_id: str
    offset: int
    text: str


class Sink(Protocol):
    """Takes a run's events."""

    def write(self, event: Event) -> None:
        """Take an event; never blocks, so it buffers."""
        ...

    async def commit(self) -> None:
        """Return when everything written so far is durable.

        Raises:
            LostLease: the run belongs to somebody else now.
        """
        ...

    def delta(self, delta: Delta) -> None:
        """Take text in flight, best effort."""
        ...


def span_id_of(run_id: UUID, path: str, attempt: int) -> str:
    """Name a span by its place in the run, so that a replay names it alike: 16 hex digits."""
    return hashlib.sha256(f"{run_id}|{path}|{attempt}".encode()).hexdigest()[:16]


class EventStream:
    """Numbers, stamps and normalises events and hands each to every sink."""

    def __init__(self, run_id: UUID, sinks: Sequence[Sink], clock: Clock, last_seq: int = 0) -> None:
        self.run_id = run_id
        self.last_seq = last_seq
        self._sinks = tuple(sinks)
        self._clock = clock
        self._lost = False

    def emit(self, payload: AnyPayload, *, span_id: str, parent_span_id: str | None, depth: int) -> Event:
        """Append an event; `seq` continues without gaps. After the lease was lost nothing is written any more."""
        event = Event(
            seq=self.last_seq + 1,
            at=self._clock.now(),
            span_id=span_id,
            parent_span_id=parent_span_id,
            depth=depth,
            payload=storable(payload),
        )
        if self._lost:
            return event
        self.last_seq = event.seq
        for sink in self._sinks:
            sink.write(event)
        return event

    def delta(self, span_id: str, offset: int, text: str) -> None:
        """Show text in flight."""
        delta = Delta(span_id, offset, normalise.text(text))
        for sink in self._sinks:
            sink.delta(delta)

    async def commit(self) -> None:
        """Return when all events so far are durable in every sink.

        Raises:
            LostLease: the run belongs to somebody else now.
        """
        try:
            for sink in self._sinks:
                await sink.commit()
        except LostLease:
            self._lost = True
            raise


def storable(payload: AnyPayload) -> AnyPayload:
    """Return the payload with every text in it normalised; itself when there is nothing to mend."""
    mended: dict[str, Any] = {}
    for name, value in vars(payload).items():
        if normalise.is_storable(value):  # nearly always, and cheaper told than made anew and compared
            continue
        clean = _storable_part(value)
        if clean is not value and clean != value:
            mended[name] = clean
    return payload.model_copy(update=mended) if mended else payload


def _storable_part(value: Any) -> Any:
    """Normalise one field: a text, JSON data, or a payload within a payload."""
    if isinstance(value, Payload):
        return value.model_copy(update={name: normalise.data(part) for name, part in value})
    return normalise.data(value)
