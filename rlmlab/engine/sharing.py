"""Lets a run begin with another run's first events: a fork, a retry, a run that goes on where another was exhausted.

They are told again in the new run, under its own names and without cost, so that it can be read and replayed by itself.
"""

from collections.abc import Sequence

from rlmlab.engine.events import AnyPayload, BudgetState, Event, SpanFinished, SpanStarted
from rlmlab.engine.record import Record
from rlmlab.engine.spans import OpenSpan
from rlmlab.engine.stream import EventStream, span_id_of


def share(events: Sequence[Event], root: OpenSpan, stream: EventStream) -> Record:
    """Tell another run's first events inside `root`, in one go, and return the record that they make.

    `events` begin with the other run's root span; a budget's state is not shared.
    """
    first = events[0]
    names = {first.span_id: root.span_id}
    own = SpanStarted(kind="run", name=root.start.name, path="", data=root.start.data)
    told = [Event(seq=stream.last_seq, at=first.at, span_id=root.span_id, parent_span_id=None, depth=0, payload=own)]
    for event in events[1:]:
        payload = event.payload
        if isinstance(payload, SpanStarted):
            names[event.span_id] = span_id_of(stream.run_id, payload.path, payload.attempt)
        if isinstance(payload, BudgetState):
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
