"""Takes a run up again from its record: what was left open is closed, and what was not heard of is counted as paid."""

from collections.abc import Mapping
from typing import Any

from rlmlab.engine.events import Log, SpanFinished, Usage
from rlmlab.engine.projection import TAKEN_UP, plus
from rlmlab.engine.providers.base import Price
from rlmlab.engine.record import Record, RecordedSpan
from rlmlab.engine.reservations import dearest_input_usd
from rlmlab.engine.spans import OpenSpan
from rlmlab.engine.stream import EventStream
from rlmlab.engine.types import Totals


def take_up(record: Record, root: OpenSpan, stream: EventStream) -> Totals:
    """Close what was open when the record ended, innermost first; return the totals with what that may have cost.

    Of a model call that was under way nobody knows what it cost: it counts as its reservation, an upper bound.
    """
    message = "The run is taken up again: what is on record is not asked again"
    root.emit(Log(level="info", message=message, data={"code": TAKEN_UP, "last_seq": record.last_seq}))
    totals = record.totals
    for span in record.open_spans():
        asked = span.started.kind == "model_call" and not span.shared
        usage = _reserved(span) if asked else None
        if usage is not None:
            totals = plus(totals, usage)
        stream.emit(
            SpanFinished(kind=span.started.kind, status="interrupted", seconds=0.0, usage=usage),
            span_id=span.span_id,
            parent_span_id=span.parent_span_id,
            depth=span.depth,
        )
    return totals


def _reserved(span: RecordedSpan) -> Usage:
    """Bound what a call cost that was never heard of again."""
    data: Mapping[str, Any] = span.started.data
    prompt, output, price = data.get("prompt_bound", 0), data.get("max_tokens", 0), data.get("price")
    cost_usd = None
    if price is not None:
        known = Price(**price)
        cost_usd = prompt * dearest_input_usd(known) + output * known.output_usd
    return Usage(input_tokens=prompt, output_tokens=output, cost_usd=cost_usd, estimated=True)
