"""What every family of benchmark tasks is made of; pure, so that a seed gives the same tasks on every machine.

The families follow those of the paper on Recursive Language Models (Zhang, Kraska, Khattab, arXiv 2512.24601) and of
RULER (Hsieh et al., arXiv 2404.06654); every text is made here. All text is ASCII: a character is a byte.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

SMALLEST: Final = 4_000
LARGEST: Final = 100_000_000
PIECE: Final = 1 << 20

Check = Literal["exact", "number", "f1"]
Ask = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """A question over a text of a wanted size, with the answer that the code which made the text knows.

    `ask` is what the question says, for code that answers it. `units` makes the text anew, line by line or block by
    block. With the check `f1` the answer is a set, whose items are what `item` finds in it (a regular expression).
    """

    family: str
    number: int
    question: str
    gold: Any
    check: Check
    ask: Ask
    units: Callable[[], Iterator[str]]
    item: str = ""

    def pieces(self) -> Iterator[bytes]:
        """Yield the text in pieces of about a megabyte."""
        held: list[str] = []
        length = 0
        for unit in self.units():
            held.append(unit)
            length += len(unit)
            if length >= PIECE:
                yield "".join(held).encode("ascii")
                held, length = [], 0
        yield "".join(held).encode("ascii")

    def context(self) -> str:
        """Return the text in one piece."""
        return "".join(self.units())


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of task: what it shows, how one is made (from its number, a size in bytes and a seed), how code solves it.

    `look` finds in a part of the text what `conclude` needs of it to answer; both use nothing but `re`, `json` and
    `lore`, a value of their own, so that they run in a REPL too. Parts are cut at `cut` only.
    """

    name: str
    title: str
    make: Callable[[int, int, int], Task]
    look: Callable[[str, Ask, Any], Any]
    conclude: Callable[[Sequence[Any], Ask], Any]
    lore: Any = None
    cut: str = "\n"

    def solve(self, text: str, ask: Ask) -> Any:
        """Answer by code, from the text and what the question says."""
        return self.conclude([self.look(text, ask, self.lore)], ask)


def chance_of(family: str, seed: int, number: int, part: str) -> random.Random:
    """Return the source of chance for a part of a task; a text as seed means the same in every version of Python."""
    return random.Random(f"{family}/{seed}/{number}/{part}")  # noqa: S311  no secret


def fill(chance: random.Random, size: int, filler: Callable[[], str], planted: Sequence[str] = ()) -> Iterator[str]:
    """Yield units of at most `size` bytes in all: the planted ones at random depths, filler around them.

    Raises:
        ValueError: the planted ones alone need more.
    """
    room = size - sum(len(unit) for unit in planted)
    if room < 0:
        raise ValueError(f"a text of {size:,} bytes has no room for what the question needs")
    waiting = sorted(zip((chance.random() * room for _ in planted), planted, strict=True), reverse=True)
    written = 0
    while written + len(unit := filler()) <= room:
        while waiting and waiting[-1][0] <= written:
            yield waiting.pop()[1]
        yield unit
        written += len(unit)
    while waiting:
        yield waiting.pop()[1]
