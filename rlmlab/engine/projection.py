"""Folds a run's events into its spans and totals.

The stored `Span` rows and the totals of a run are this fold and nothing else: the live sink applies each event
once, and a rebuild applies the stored events again and must arrive at the same rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from rlmlab.engine.events import (
    Answer,
    Code,
    Event,
    Failure,
    FinishReason,
    Log,
    Message,
    RunStatus,
    SpanFinished,
    SpanKind,
    SpanStarted,
    SpanStatus,
    Usage,
)
from rlmlab.engine.types import STATUS_OF, Totals

PREVIEW_CHARS = 200
TAKEN_UP = "taken_up"
"""The `code` of the log event that a run's further time counts from."""
PREVIEWED = ("task", "prompt", "query", "text", "shown")  # of a span's start, the first that it has


@dataclass(frozen=True, slots=True)
class Saved:
    """What the cache of sub-calls saved; `cost_usd` None: some price is unknown."""

    sub_calls: int = 0
    cost_usd: float | None = 0.0


@dataclass(frozen=True, slots=True)
class SpanRow:
    """One span as lists and trees show it. Tokens and cost are sums over the span and everything below it.

    `seconds` is None while it runs; `cost_usd` None: some price below is unknown. `preview` is one line.
    """

    span_id: str
    parent_span_id: str | None
    kind: SpanKind
    name: str
    path: str
    attempt: int
    depth: int
    status: SpanStatus
    started_at: datetime
    first_seq: int
    seconds: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    preview: str = ""
    coverage: tuple[int, ...] = ()
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


Summed = TypeVar("Summed", SpanRow, Totals)
SUMMED = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")


class Projection:
    """The spans and totals of one run. An event costs the depth of its span, never the length of the history."""

    def __init__(self) -> None:
        self.spans: dict[str, SpanRow] = {}
        self.totals = Totals()
        self.saved = Saved()
        self.status: RunStatus = "queued"
        self.finish_reason: FinishReason | None = None
        self.answer: Any = None
        self.error: Failure | None = None
        self.last_seq = 0
        self._changed: set[str] = set()
        self._since: datetime | None = None
        self._before = 0.0
        self._counted: set[str] = set()

    def apply(self, event: Event) -> None:
        """Fold one event in; an event that was folded already changes nothing."""
        if event.seq <= self.last_seq:
            return
        self.last_seq = event.seq
        match event.payload:
            case SpanStarted() as started:
                self._start(event, started)
            case SpanFinished() as finished:
                self._finish(event, finished)
            case Message(role="assistant", content=content):
                self._preview(event.span_id, content)
            case Code(code=code):
                self._preview(event.span_id, code)
                self._preview(event.parent_span_id, code)
            case Answer(content=content) if event.parent_span_id is None:
                self.answer = content
            case _:
                pass
        self._tick(event)

    def take_changed(self) -> list[SpanRow]:
        """Return the rows that changed since the last call, in the order of their start."""
        rows = sorted((self.spans[span_id] for span_id in self._changed), key=lambda row: row.first_seq)
        self._changed.clear()
        return rows

    def _start(self, event: Event, started: SpanStarted) -> None:
        row = SpanRow(
            span_id=event.span_id,
            parent_span_id=event.parent_span_id,
            kind=started.kind,
            name=started.name,
            path=started.path,
            attempt=started.attempt,
            depth=event.depth,
            status="running",
            started_at=event.at,
            first_seq=event.seq,
            preview=one_line(str(next(filter(None, map(started.data.get, PREVIEWED)), ""))),
        )
        self._store(row)
        self._count(event, started)
        if event.parent_span_id is None:
            self.status = "running"
            self._since = event.at

    def _count(self, event: Event, started: SpanStarted) -> None:
        """Count a span that was opened; one that is shared was counted in the run that it comes from."""
        if started.data.get("shared"):
            return
        first = started.attempt == 1 or bool(started.data.get("first"))
        if first:
            self._counted.add(event.span_id)
        self.totals = replace(
            self.totals,
            model_calls=self.totals.model_calls + (started.kind == "model_call"),
            steps=self.totals.steps + (first and started.kind == "step"),
            sub_calls=self.totals.sub_calls + (first and started.kind == "sub_call"),
            max_depth=max(self.totals.max_depth, event.depth),
        )

    def _finish(self, event: Event, finished: SpanFinished) -> None:
        row = self.spans[event.span_id]
        coverage = tuple(finished.data.get("coverage", ()))
        self._store(replace(row, status=finished.status, seconds=finished.seconds, coverage=coverage))
        if finished.usage is not None:
            self._spend(event.span_id, finished.usage)
        cached = None if finished.data.get("shared") else finished.data.get("cached")
        if cached is not None:
            self.saved = Saved(self.saved.sub_calls + 1, add_cost(self.saved.cost_usd, cached["saved_usd"]))
        refused = finished.status == "refused" and finished.kind == "sub_call"
        if refused and event.span_id in self._counted:  # refused before it was made, so that it does not count
            self.totals = replace(self.totals, sub_calls=self.totals.sub_calls - 1)
        if event.parent_span_id is None:
            reason: FinishReason = finished.data["finish_reason"]
            self.finish_reason = reason
            self.status = STATUS_OF[reason]
            self.error = finished.failure
            self.totals = replace(self.totals, seconds=finished.seconds)

    def _spend(self, span_id: str, usage: Usage) -> None:
        """Add a call's usage to its span, to all spans above it, and to the run."""
        for row in list(self._upwards(span_id)):
            self._store(plus(row, usage))
        self.totals = plus(self.totals, usage)

    def _upwards(self, span_id: str | None) -> Iterator[SpanRow]:
        """Walk from a span to the root."""
        while span_id is not None and (row := self.spans.get(span_id)) is not None:
            yield row
            span_id = row.parent_span_id

    def _preview(self, span_id: str | None, content: str) -> None:
        """Show the first line of what a span produced, where nothing is shown yet."""
        row = self.spans.get(span_id or "")
        if row is not None and not row.preview:
            self._store(replace(row, preview=one_line(content)))

    def _store(self, row: SpanRow) -> None:
        self.spans[row.span_id] = row
        self._changed.add(row.span_id)

    def _tick(self, event: Event) -> None:
        """Count the seconds of a run that has not ended; those in which nobody worked on it do not count."""
        if self._since is None or self.finish_reason is not None:
            return
        if isinstance(event.payload, Log) and event.payload.data.get("code") == TAKEN_UP:
            self._since, self._before = event.at, self.totals.seconds
        self.totals = replace(self.totals, seconds=self._before + (event.at - self._since).total_seconds())


def plus(sums: Summed, usage: Usage) -> Summed:
    """Add a call's usage to sums."""
    tokens = {name: getattr(sums, name) + getattr(usage, name) for name in SUMMED}
    return replace(sums, **tokens, cost_usd=add_cost(sums.cost_usd, usage.cost_usd))


def add_cost(left: float | None, right: float | None) -> float | None:
    """Add two costs; one unknown makes the sum unknown."""
    return None if left is None or right is None else left + right


def one_line(text: str) -> str:
    """Shorten a text to one line of at most 200 characters."""
    line = " ".join(text[: PREVIEW_CHARS * 2].split())
    return line if len(line) <= PREVIEW_CHARS else line[: PREVIEW_CHARS - 1] + "…"
