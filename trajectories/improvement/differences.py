"""What is different between two texts: line by line, and within changed lines word by word."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final, Literal

Kind = Literal["same", "gone", "new"]
CONTEXT: Final = 3
MOST_LINES: Final = 1_500
"""Beyond that many lines on either side, what lies between the first and the last difference is not aligned: the time
that it takes grows with the square."""
MOST_WORDS: Final = 400
LEAST_ALIKE: Final = 0.4
_WORDS: Final = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line; `changed`: the line beside it does not have it."""

    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one of the texts, with its number there (both numbers where both have it)."""

    kind: Kind
    before: int | None
    after: int | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Two lines side by side: equal ones, one taken for another, or one with nothing beside it."""

    left: Line | None
    right: Line | None

    @property
    def changed(self) -> bool:
        """Whether the sides differ."""
        return self.left is None or self.right is None or self.left.kind != "same"


@dataclass(frozen=True, slots=True)
class Hunk:
    """Rows around changes, behind `skipped` equal lines that are not shown."""

    skipped: int
    rows: tuple[Row, ...]

    @property
    def lines(self) -> Iterator[Line]:
        """The rows one below the other: within a change, first what is gone, then what is new."""
        gone: list[Line] = []
        new: list[Line] = []
        for row in self.rows:
            if row.changed:
                gone += [row.left] if row.left is not None else []
                new += [row.right] if row.right is not None else []
                continue
            yield from (*gone, *new)
            gone, new = [], []
            if row.left is not None:
                yield row.left
        yield from (*gone, *new)


@dataclass(frozen=True, slots=True)
class Difference:
    """All hunks, the equal lines behind the last one that are not shown, and how many lines came and went."""

    hunks: tuple[Hunk, ...]
    rest: int
    added: int
    removed: int


def difference(before: str, after: str, *, context: int | None = CONTEXT) -> Difference:
    """Compare two texts; `context` is how many equal lines are shown around changes, None: all."""
    old, new = _lines(before), _lines(after)
    if old == new and before != after:  # only the end of the last line differs
        old, new = before.split("\n"), after.split("\n")
    rows = list(_rows(old, new))
    hunks, rest = _hunks(rows, context)
    added = sum(row.changed and row.right is not None for row in rows)
    removed = sum(row.changed and row.left is not None for row in rows)
    return Difference(tuple(hunks), rest, added, removed)


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def _rows(before: Sequence[str], after: Sequence[str]) -> Iterator[Row]:
    for tag, start, end, other_start, other_end in _opcodes(before, after):
        if tag == "equal":
            for at in range(end - start):
                line = Line("same", start + at + 1, other_start + at + 1, (Part(before[start + at]),))
                yield Row(line, line)
        else:
            yield from _replaced(before, after, range(start, end), range(other_start, other_end))


def _opcodes(before: Sequence[str], after: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """Align lines; equal ones at both ends are taken off first, which leaves little to align in most cases."""
    head = _equal(before, after)
    tail = _equal(before[head:][::-1], after[head:][::-1])
    middle, other = before[head : len(before) - tail], after[head : len(after) - tail]
    found = [("equal", 0, head, 0, head)]
    if max(len(middle), len(other)) > MOST_LINES:
        found.append(("replace", head, head + len(middle), head, head + len(other)))
    else:
        aligned = SequenceMatcher(None, middle, other).get_opcodes()
        found += [(tag, head + a, head + b, head + c, head + d) for tag, a, b, c, d in aligned]
    return [*found, ("equal", len(before) - tail, len(before), len(after) - tail, len(after))]


def _equal(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the lines with which both begin."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


def _replaced(before: Sequence[str], after: Sequence[str], gone: range, new: range) -> Iterator[Row]:
    for old, fresh in zip_longest(gone, new):
        if old is None:
            yield Row(None, Line("new", None, fresh + 1, (Part(after[fresh]),)))
        elif fresh is None:
            yield Row(Line("gone", old + 1, None, (Part(before[old]),)), None)
        else:
            left, right = _words(before[old], after[fresh])
            yield Row(Line("gone", old + 1, None, left), Line("new", None, fresh + 1, right))


def _words(before: str, after: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Mark the words that differ; lines that have little in common are not marked, since nothing would be left."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > MOST_WORDS:
        return (Part(before),), (Part(after),)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < LEAST_ALIKE:
        return (Part(before),), (Part(after),)
    codes = matcher.get_opcodes()
    left = tuple(Part("".join(old[a:b]), tag != "equal") for tag, a, b, _, _ in codes if b > a)
    right = tuple(Part("".join(new[c:d]), tag != "equal") for tag, _, _, c, d in codes if d > c)
    return left, right


def _hunks(rows: Sequence[Row], context: int | None) -> tuple[list[Hunk], int]:
    """Keep the rows near changes; return them in groups, and how many equal rows come behind the last one."""
    if context is None:
        return [Hunk(0, tuple(rows))], 0
    near: list[list[int]] = []
    for at in (at for at, row in enumerate(rows) if row.changed):
        start, end = max(at - context, 0), min(at + context + 1, len(rows))
        if near and start <= near[-1][1]:
            near[-1][1] = end
        else:
            near.append([start, end])
    ends = [0, *(end for _, end in near)]
    hunks = [Hunk(start - shown, tuple(rows[start:end])) for shown, (start, end) in zip(ends, near, strict=False)]
    return hunks, len(rows) - ends[-1]
