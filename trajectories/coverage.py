"""What a run read of its input: what its spans report together, and whether a question about all of it left much out.

What a span reports is what the guest found again of the input in prompts and prints. Text that code counted, joined or
rewrote is read too, and not found: so nothing here says that a passage was *not* used, only that it was not shown to
a model as it stands.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from rlmlab import scoping
from trajectories.contexts import inputs_of
from trajectories.models import Event, Run, Span
from trajectories.models.runs import ContextKind

KNOWN: Final = (ContextKind.TEXT, ContextKind.FILES)
MOST_SPANS: Final = 5_000
MOST_CELLS: Final = 200
MUCH: Final = 0.5
"""Of the input: where more than this share was read, nothing is warned of."""
_AGGREGATE: Final = re.compile(
    r"\b(?:how many|how often|count|number of|total|sum|average|mean|median|all|every|each|list|most|least|"
    r"frequen\w+|summari[sz]e|summary|overall|entire|whole|any|compare|timeline|distribution)\b",
    re.IGNORECASE,
)
_PART: Final = re.compile(r"\b(?:len|type|isinstance)\(\s*context\b[^)]*\)|\bcontext\s*\[[^\]]*:[^\]]*\]")
_WHOLE: Final = re.compile(r"\bcontext\b")


@dataclass(frozen=True, slots=True)
class Reader:
    """One span and the bytes that it saw: start, end, start, …"""

    span_id: str
    kind: str
    name: str
    ranges: Sequence[int]


@dataclass(frozen=True, slots=True)
class Coverage:
    """A run's input in bytes, its files by where they begin, what was read of it and by what.

    `known` is false where nothing can be told: there is no input, or it is JSON. `warning` is for people.
    """

    known: bool
    size: int
    parts: Sequence[tuple[str, int]]
    read: Sequence[int]
    read_bytes: int
    readers: Sequence[Reader]
    complete: bool
    warning: str = ""


def coverage_of(run: Run) -> Coverage:
    """Read what a run's spans saw, in the order of their start."""
    if run.context_kind not in KNOWN:
        return Coverage(False, run.context_size, (), (), 0, (), complete=True)
    with scoping.organization(run.organization_id):
        rows = Span.objects.for_org(run.organization_id).filter(run=run).exclude(coverage=[]).order_by("first_seq")
        found = rows.values_list("span_id", "kind", "name", "coverage")[: MOST_SPANS + 1]
        readers = [Reader(*row) for row in found]
        parts = [(entry.name, entry.blob.size) for entry in inputs_of(run)]
        codes = _codes(run)
    read = merged(reader.ranges for reader in readers)
    read_bytes = sum(end - start for start, end in zip(read[::2], read[1::2], strict=True))
    complete = len(readers) <= MOST_SPANS
    warning = _warning(run, read_bytes, codes) if complete else ""
    return Coverage(True, run.context_size, _starts(parts), read, read_bytes, readers[:MOST_SPANS], complete, warning)


def merged(many: Iterable[Sequence[int]]) -> list[int]:
    """Join ranges that overlap or touch."""
    pairs = sorted((start, end) for flat in many for start, end in zip(flat[::2], flat[1::2], strict=True))
    joined: list[int] = []
    for start, end in pairs:
        if joined and start <= joined[-1]:
            joined[-1] = max(joined[-1], end)
        else:
            joined += [start, end]
    return joined


def asks_about_all(task: str) -> bool:
    """Tell whether a task looks as if its answer depended on all of the input: by words such as "how many"."""
    return _AGGREGATE.search(task) is not None


def works_on_all(codes: Iterable[str]) -> bool:
    """Tell whether some cell does more with `context` than to measure it or to take slices of it."""
    return any(_WHOLE.search(_PART.sub("", code)) for code in codes)


def _codes(run: Run) -> list[str]:
    rows = Event.objects.for_org(run.organization_id).filter(run=run, type="code", depth=0).order_by("seq")
    code = Cast(KeyTextTransform("code", "payload"), TextField())
    return list(rows.values_list(code, flat=True)[:MOST_CELLS])


def _starts(parts: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    offset, starts = 0, []
    for name, size in parts:
        starts.append((name, offset))
        offset += size
    return starts


def _warning(run: Run, read_bytes: int, codes: Sequence[str]) -> str:
    """Say that much was left out, where a run that has ended was asked about all, and no code went through all."""
    share = 1 - read_bytes / run.context_size if run.context_size else 0.0
    if not run.is_terminal or share < MUCH or not asks_about_all(run.task) or works_on_all(codes):
        return ""
    return (
        f"This question seems to ask about the whole input, but {share:.0%} of it was found in no prompt of a sub-call "
        "and in no print, and no cell seems to go through all of it."
    )
