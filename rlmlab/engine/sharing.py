"""Lets a run begin with another run's first events: a fork, a retry, a run that goes on where another was exhausted.

They are told again in the new run, under its own names and without cost, so that it can be read and replayed by itself.
"""

from collections.abc import Iterable, Sequence

from rlmlab.engine.events import Answer, AnyPayload, BudgetState, Event, Message, SpanFinished, SpanStarted
from rlmlab.engine.record import Record
from rlmlab.engine.spans import OpenSpan
from rlmlab.engine.stream import EventStream, span_id_of


def beginning(events: Iterable[Event], last_seq: int) -> list[Event]:
    """Return a run's events up to a number, as another run may go on from them: without its end and its last call."""
    kept: list[Event] = []
    for event in events:
        if event.seq > last_seq or _ends(event):
            break
        kept.append(event)
    return kept


def salvage(events: Sequence[Event]) -> list[Event]:
    """Return what is good of a run that failed or was exhausted, up to where it went wrong.

    Whatever failed, was refused or broken off in its last step is left out, and so is the end of all that stands around
    it, with what was said of it: that is done anew. What succeeded beside it is kept, however deep it stands.
    """
    parents = {event.span_id: event.parent_span_id for event in events}
    last = max((event.seq for event in events if _opens_root_step(event)), default=0)
    bad = {
        event.span_id
        for event in events
        if isinstance(event.payload, SpanFinished) and event.seq > last > 0 and _went_wrong(event.payload)
    }
    undone = set(bad)
    for span_id in bad:
        parent = parents[span_id]
        while parent is not None:
            undone.add(parent)
            parent = parents[parent]
    return [event for event in events if event.span_id not in undone or not _undone(event)]


def _opens_root_step(event: Event) -> bool:
    """Tell whether a step of the root's level begins."""
    return isinstance(event.payload, SpanStarted) and event.payload.kind == "step" and event.depth == 0


def _went_wrong(finished: SpanFinished) -> bool:
    """Tell whether a span is no good to go on from; an error in a cell is only what its code did."""
    return finished.status not in {"ok", "running"} and (finished.kind != "execution" or finished.status != "error")


def _undone(event: Event) -> bool:
    """Tell whether an event tells the end of a span: it is left out where that span is done anew."""
    payload = event.payload
    if event.parent_span_id is None:
        return False
    said = isinstance(payload, Message) and payload.purpose in {"observation", "nudge"}
    return said or isinstance(payload, SpanFinished | Answer)


def _ends(event: Event) -> bool:
    """Tell whether an event belongs to the end of a whole run: its answer, its last call, the close of its root."""
    payload = event.payload
    if event.parent_span_id is not None:
        return False
    return isinstance(payload, Answer | SpanFinished) or (
        isinstance(payload, Message) and payload.purpose == "fallback"
    )


def share(events: Sequence[Event], root: OpenSpan, stream: EventStream, system: str | None = None) -> Record:
    """Tell another run's first events inside `root`, in one go, and return the record that they make.

    `events` begin with the other run's root span; a budget's state is not shared. `system` replaces the system prompt.
    """
    first = events[0]
    names = {first.span_id: root.span_id}
    own = SpanStarted(kind="run", name=root.start.name, path="", data=root.start.data)
    told = [Event(seq=stream.last_seq, at=first.at, span_id=root.span_id, parent_span_id=None, depth=0, payload=own)]
    for event in events[1:]:
        payload = event.payload
        if system is not None and event.parent_span_id is None and isinstance(payload, Message):
            payload = payload.model_copy(update={"content": system}) if payload.purpose == "system" else payload
        if isinstance(payload, SpanStarted):
            names[event.span_id] = span_id_of(stream.run_id, payload.path, payload.attempt)
        if isinstance(payload, BudgetState) or _of_its_own(event):
            continue
        told.append(
            stream.emit(
                _without_cost(payload),
                span_id=names[event.span_id],
                parent_span_id=None if event.parent_span_id is None else names[event.parent_span_id],
                depth=event.depth,
            )
        )
    return Record(told)


def _of_its_own(event: Event) -> bool:
    """Tell whether a message is what another run was told of its own going on; each run is told that anew."""
    return event.parent_span_id is None and isinstance(event.payload, Message) and event.payload.purpose == "nudge"


def _without_cost(payload: AnyPayload) -> AnyPayload:
    """Mark a span as shared; what it used is kept as a remark."""
    match payload:
        case SpanStarted():
            return payload.model_copy(update={"data": {**payload.data, "shared": True}})
        case SpanFinished():
            used = None if payload.usage is None else payload.usage.model_dump()
            remark = payload.data.get("shared") or {"seconds": payload.seconds, "usage": used}
            return payload.model_copy(
                update={"seconds": 0.0, "usage": None, "data": {**payload.data, "shared": remark}}
            )
        case _:
            return payload
