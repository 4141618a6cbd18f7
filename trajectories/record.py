"""Parts of a run's record: the events of some spans or of a type, and columns of its spans."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Min, QuerySet, TextField
from django.db.models.functions import Cast

from rlmlab import scoping
from rlmlab.scoping.pages import DEFAULT_LIMIT
from trajectories.models import Event, Run, Span
from trajectories.wire import StoredEvent


def stored(rows: QuerySet[Event], limit: int) -> list[StoredEvent]:
    """Read up to `limit` events in order, their payloads as the text that is passed on."""
    columns = ("seq", "at", "span_id", "parent_span_id", "depth", "type")
    found = rows.annotate(body=Cast("payload", TextField())).order_by("seq")
    return [StoredEvent(*row) for row in found.values_list(*columns, "body")[:limit]]


def events_among(
    run: Run, *, spans: Sequence[str] = (), type_: str = "", after: int = 0, limit: int = DEFAULT_LIMIT
) -> list[StoredEvent]:
    """Return up to `limit` events behind the number `after`, in order: all, those of some spans, or those of a type.

    Reading starts where the first of the spans does: what a span costs does not grow with what was before it.
    """
    with scoping.organization(run.organization_id):
        rows = Event.objects.for_org(run.organization_id).filter(run=run)
        if spans:
            known = Span.objects.for_org(run.organization_id).filter(run=run, span_id__in=spans)
            after = max(after, (known.aggregate(first=Min("first_seq"))["first"] or 1) - 1)
            rows = rows.filter(span_id__in=spans)
        if type_:
            rows = rows.filter(type=type_)
        return stored(rows.filter(seq__gt=after), limit)


def span_values(run: Run, columns: Sequence[str], *, after: int, limit: int) -> list[tuple[Any, ...]]:
    """Return columns of up to `limit` spans that started behind the event `after`, in the order of their start."""
    with scoping.organization(run.organization_id):
        rows = Span.objects.for_org(run.organization_id).filter(run=run, first_seq__gt=after).order_by("first_seq")
        return list(rows.values_list(*columns)[:limit])
