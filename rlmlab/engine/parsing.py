"""Finds the code in a model's reply.

Only fences count, never prose: `repl`, `python` and untagged ones (CommonMark 0.31, fenced code blocks). Each is a
cell.
"""

import re
from dataclasses import dataclass

LANGUAGES = frozenset({"", "repl", "python", "python3", "py"})
FENCE = re.compile(r"^ {0,3}(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]*)$")
STRINGS = re.compile(r"""#[^\n]*|\"{3}|'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\\.""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The cells of a reply in order; `unclosed` when the last fence has no end."""

    cells: tuple[str, ...]
    unclosed: bool = False


def parse(reply: str) -> Parsed:
    """Return the code of a reply.

    A fence line inside a triple-quoted string of the code is part of the string. A fence without an end runs to the end
    of the reply: some models stop there.
    """
    cells: list[str] = []
    lines = reply.replace("\r\n", "\n").split("\n")
    number = 0
    unclosed = False
    while number < len(lines):
        opening = FENCE.match(lines[number])
        number += 1
        if opening is None:
            continue
        end = _closing(lines, number, opening["mark"])
        unclosed = end is None
        last = len(lines) if end is None else end
        if _language(opening["info"]) in LANGUAGES:
            cells.append("\n".join(lines[number:last]))
        number = last + 1
    kept = tuple(cell for cell in cells if cell.strip())
    return Parsed(kept, unclosed and bool(kept) and bool(cells[-1].strip()))


def _language(info: str) -> str:
    """Read the language off a fence's info string: ```` ```Python title=x ```` is python."""
    words = info.strip().strip("{}.").split()
    return words[0].lower().rstrip(",") if words else ""


def _closing(lines: list[str], first: int, mark: str) -> int | None:
    """Find the line that ends a fence; None if there is none.

    Where every candidate lies inside a string, the first one is taken: then it is the code that is broken.
    """
    candidates = (number for number in range(first, len(lines)) if _closes(lines[number], mark))
    earliest: int | None = None
    quote: str | None = None
    scanned = first
    for number in candidates:
        quote = _open_quote("\n".join(lines[scanned:number]), quote)
        scanned = number
        if quote is None:
            return number
        earliest = number if earliest is None else earliest
    return earliest


def _closes(line: str, mark: str) -> bool:
    """Tell whether a line is a closing fence for an opening mark."""
    found = FENCE.match(line)
    return found is not None and not found["info"].strip() and found["mark"].startswith(mark)


def _open_quote(code: str, quote: str | None) -> str | None:
    """Return the triple quote that is open at the end of a piece of code which began inside `quote`."""
    position = 0
    while position < len(code):
        if quote is not None:
            end = code.find(quote, position)
            if end < 0:
                return quote
            position, quote = end + 3, None
            continue
        found = STRINGS.search(code, position)
        if found is None:
            return None
        position = found.end()
        if found.group() in ('"""', "'''"):
            quote = found.group()
    return quote
