"""What an entry changed, field by field, as people compare it: lines taken away and lines added."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Sign = Literal["+", "-", " ", "…"]
AROUND: Final = 2
MOST_LINES: Final = 1000
"""Comparing takes time that grows with the product of the lengths; what is cut is said."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line: added, taken away, the same on both sides, or `…` for those left out in between."""

    sign: Sign
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A field's value as text before and after; `lines` compares them. What was only set has no before and no signs."""

    field: str
    before: str
    after: str
    lines: tuple[Line, ...]


def changes_of(changes: Mapping[str, Any]) -> list[Change]:
    """List what an entry's `changes` say, by the name of the field."""
    return [_change(field, value) for field, value in sorted(changes.items())]


def _change(field: str, value: Any) -> Change:
    if not (isinstance(value, dict) and value.keys() == {"from", "to"}):
        text = as_text(value)
        return Change(field, "", text, tuple(Line(" ", line) for line in _bounded(text)))
    before, after = as_text(value["from"]), as_text(value["to"])
    return Change(field, before, after, tuple(_compared(_bounded(before), _bounded(after))))


def as_text(value: Any) -> str:
    """Write a value: text as it is, nothing as nothing, anything else as JSON, an item a line where it is nested."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2 if isinstance(value, dict | list) else None, sort_keys=True, ensure_ascii=False)


def _bounded(text: str) -> Sequence[str]:
    lines = text.splitlines()
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"({len(lines) - MOST_LINES} more lines are not shown)"]


def _compared(before: Sequence[str], after: Sequence[str]) -> Iterator[Line]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    shown = 0
    for group in matcher.get_grouped_opcodes(AROUND):
        if group[0][1] > shown:
            yield Line("…", "")
        for tag, start, end, new_start, new_end in group:
            if tag == "equal":
                yield from (Line(" ", text) for text in before[start:end])
            else:
                yield from (Line("-", text) for text in before[start:end])
                yield from (Line("+", text) for text in after[new_start:new_end])
        shown = group[-1][2]
    if 0 < shown < len(before):
        yield Line("…", "")
