"""Finds which passages of the input stand in a text that is printed or asked about.

The input lies here already, so that looking costs the host neither memory nor time. Windows of the text are looked for
in the input and grown to the longest run that is equal; what a cell computed, rephrased or cut up finely is not found.
Where a passage stands in the input more than once, the next one behind the last finding is taken.

A miss reads all of the input, at 1.2 ms a megabyte as measured: so what one report may read is bounded, windows that
were missed are remembered, and of a large input only what is near the last finding, the start and some of the rest is
read. So a program that jumps about in many megabytes saw more than is found.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

WINDOW = 32
STRIDE = 64
LEAST = 48  # characters of a finding; shorter ones are too often chance
MOST_PROBES = 128  # in one text
MOST_READ = 1 << 21  # characters of the input that one report may read in vain
NEAR = 1 << 19
ENOUGH = 0.9  # of a text
MOST_MISSED = 4096
_HEAD = 6_000  # what the host shows of a cell's output, its head and its tail
_TAIL = 2_000
_TABLE = 1 << 16

Range = tuple[int, int]


class Glimpse:
    """What of a cell's output the model is shown: its head and its tail."""

    def __init__(self) -> None:
        self._head = ""
        self._tail = ""

    def add(self, text: str) -> None:
        """Take the next piece."""
        room = _HEAD - len(self._head)
        if room > 0:
            self._head += text[:room]
            text = text[room:]
        if text:
            self._tail = (self._tail + text)[-_TAIL:]

    def texts(self) -> list[str]:
        """Return its parts."""
        return [part for part in (self._head, self._tail) if part]


class _Part:
    """One text of the input, and where its first byte stands."""

    def __init__(self, text: str, offset: int, errors: str) -> None:
        self.text = text
        self._offset = offset
        self._errors = errors
        self._table: list[int] | None = None

    def byte(self, char: int) -> int:
        """Return the offset of a character in bytes."""
        if self.text.isascii():
            return self._offset + char
        if self._table is None:
            self._table = [0]
            for start in range(0, len(self.text), _TABLE):
                self._table.append(self._table[-1] + len(self._encoded(start, start + _TABLE)))
        block = char // _TABLE
        return self._offset + self._table[block] + len(self._encoded(block * _TABLE, char))

    def _encoded(self, start: int, end: int) -> bytes:
        return self.text[start:end].encode("utf-8", self._errors)


class Corpus:
    """The input as far as it is text: one string, or files by name. Of a JSON document nothing is found."""

    def __init__(self, description: dict[str, Any] | None, context: Any) -> None:
        self._parts: list[_Part] = []
        if description is not None and description["kind"] == "text":
            self._parts = [_Part(context, 0, "surrogatepass")]
        elif description is not None and description["kind"] == "files":
            self._parts = [_Part(context[name], at, "surrogateescape") for name, at, _ in description["parts"]]
        self._part = 0
        self._at = 0
        self._left = 0
        self._missed: set[str] = set()

    def seen(self, groups: list[list[str]]) -> list[list[int]]:
        """Return for each group of texts the bytes of the input that stand in it: start, end, start, …; in order."""
        if not self._parts:
            return []
        self._left = MOST_READ
        return [_flat([found for text in texts for found in self._look(text)]) for texts in groups]

    def _look(self, text: str) -> Iterator[Range]:
        """Yield the ranges of the input that stand in a text, the widest gaps looked at first."""
        covered: list[Range] = []
        known = 0
        for start in _probes(len(text)):
            if self._left <= 0 or known >= len(text) * ENOUGH:
                return
            place = bisect_right(covered, (start, len(text)))
            if place and covered[place - 1][1] > start:
                continue
            at = self._find(text[start : start + WINDOW])
            if at is None:
                continue
            source = self._parts[self._part]
            before = start - (covered[place - 1][1] if place else 0)
            left = _common(text[start - before : start][::-1], source.text[max(0, at - before) : at][::-1])
            right = _common(text[start:], source.text[at : at + len(text) - start])
            covered.insert(place, (start - left, start + right))
            known += left + right
            self._at = at + right
            if left + right >= LEAST:
                yield source.byte(at - left), source.byte(at + right)

    def _find(self, window: str) -> int | None:
        """Look for a window behind the last finding, then all around it; sets the part where it is."""
        if window in self._missed:
            return None
        for step in range(len(self._parts)):
            number = (self._part + step) % len(self._parts)
            text = self._parts[number].text
            for start, end in self._regions(len(text), 0 if step else self._at):
                at = text.find(window, start, end)
                self._left -= (end if at < 0 else at) - start
                if at >= 0:
                    self._part = number
                    return at
                if self._left <= 0:
                    return None
        if len(self._missed) < MOST_MISSED:
            self._missed.add(window)
        return None

    def _regions(self, length: int, last: int) -> Iterator[Range]:
        """Yield where to look: behind the last finding, at the start, then the rest, as far as is bearable."""
        last = max(0, last - WINDOW)
        near = min(length, last + NEAR)
        yield last, near
        bearable = min(self._left, MOST_READ // 2)
        for start, end in ((0, min(last + WINDOW, length)), (max(0, near - WINDOW), length)):
            stop = min(end, start + bearable)
            if start < stop and (start, stop) != (last, near):
                bearable -= stop - start
                yield start, stop


def _probes(length: int) -> Iterator[int]:
    """Yield where windows of a text begin: its middle, the middles of its halves, and so on."""
    stride = max(STRIDE, -(-length // MOST_PROBES))
    count = (length - WINDOW) // stride + 1
    waiting = [(0, count)] if count > 0 else []
    for low, high in waiting:  # grows while it is walked
        middle = (low + high) // 2
        yield middle * stride
        waiting += [(a, b) for a, b in ((low, middle), (middle + 1, high)) if a < b]


def _common(left: str, right: str) -> int:
    """Return how many characters two texts begin with alike."""
    low, high = 0, min(len(left), len(right))
    if left[:high] == right[:high]:
        return high
    while low < high - 1:
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _flat(ranges: list[Range]) -> list[int]:
    """Join ranges that touch, and write them as one list."""
    flat: list[int] = []
    for start, end in sorted(ranges):
        if flat and start <= flat[-1]:
            flat[-1] = max(flat[-1], end)
        else:
            flat += [start, end]
    return flat
