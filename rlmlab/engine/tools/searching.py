"""Tools over the input of a level: lines that match, and a part by position.

The pattern is a model's, and the input a stranger's, so matching must not be able to run for ever. RE2 matches in time
linear to the text and within bounded memory, whatever the pattern (https://swtch.com/~rsc/regexp/); it has neither
look-around nor back-references, which are what makes `re` exponential. Between two matches a search looks whether it is
still wanted, so that one that timed out ends.
"""

import codecs
import mmap
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict, TypeVar

import re2

from rlmlab.engine.errors import ToolFailed
from rlmlab.engine.tools.base import Here, Tool, tool
from sandbox.base import ContextPart, ContextSource

T = TypeVar("T")
PATTERN_CHARS = 1_000
MOST_MATCHES = 1_000
MOST_CHARS = 200_000  # of one slice
AROUND_BYTES = 150  # shown before and after a match, within its line
PIECE = 1 << 20
MATCHER_BYTES = 8 << 20
DECODING = {"text": "surrogatepass", "json": "strict", "files": "surrogateescape"}


class Match(TypedDict, total=False):
    """A match: the file it is in, its line from 1, its characters, and what stands around it in the line."""

    file: str
    line: int
    start: int
    end: int
    text: str


class Found(TypedDict):
    """What a search found; `more`: there may be further matches."""

    matches: list[Match]
    more: bool


def grep_tool() -> Tool:
    """Make the tool that searches the input."""

    async def grep(
        here: Here,
        pattern: Annotated[str, "A regular expression in RE2 syntax.", {"minLength": 1, "maxLength": PATTERN_CHARS}],
        ignore_case: bool = False,
        limit: Annotated[int, "Matches at most.", {"minimum": 1, "maximum": MOST_MATCHES}] = 50,
    ) -> Found:
        """Find a regular expression in the input: a dict {matches: [{line, start, end, text, file}], more}.

        `context[start:end]` is the match where `context` is a str. In several files each match names its file; a JSON
        input is searched as JSON text. Without look-around and back-references.
        """
        expression = _compiled(pattern, ignore_case=ignore_case)
        search = Search(expression, limit)
        try:
            return await _with_input(here, search.through)
        finally:
            search.stop.set()

    return tool(grep)


def slice_tool() -> Tool:
    """Make the tool that reads a part of the input."""

    async def slice_context(
        here: Here,
        start: Annotated[int, "The first character.", {"minimum": 0}],
        end: Annotated[int, "The first character that is not wanted.", {"minimum": 0}],
    ) -> str:
        """Return context[start:end] of a text; of a JSON input, a part of its JSON text."""
        if end - start > MOST_CHARS:
            raise ToolFailed(f"{end - start:,} characters are asked for, at most {MOST_CHARS:,} are given")
        return await _with_input(here, lambda source: _slice(source, start, end))

    return tool(slice_context)


async def _with_input(here: Here, work: Callable[[ContextSource], T]) -> T:
    """Open the level's input, work on it in a thread, and close it: there, or here where no thread ever began.

    Raises:
        ToolFailed: there is no input.
    """
    source = await here.open_context()
    if source is None:
        raise ToolFailed("there is no input: `context` is None")
    fd, closes = source.fd, threading.Lock()

    def close_after() -> T:
        if not closes.acquire(blocking=False):
            raise ToolFailed("it was given up")
        try:
            return work(source)
        finally:
            os.close(fd)

    try:
        return await here.in_thread(close_after)
    finally:
        if closes.acquire(blocking=False):
            os.close(fd)


@dataclass(slots=True)
class Search:
    """One search; `stop` ends it between two matches."""

    expression: Any
    limit: int
    stop: threading.Event = field(default_factory=threading.Event)
    matches: list[Match] = field(default_factory=list)

    def through(self, source: ContextSource) -> Found:
        """Search an input."""
        if not source.size:
            return Found(matches=[], more=False)
        try:
            with mmap.mmap(source.fd, source.size, prot=mmap.PROT_READ) as data:
                more = any(self._through(data, part, DECODING[source.kind]) for part in _parts(source))
        finally:
            re2.purge()  # its cache would keep what a matcher learnt of a hostile pattern
        return Found(matches=self.matches, more=more)

    def _through(self, data: mmap.mmap, part: ContextPart, errors: str) -> bool:
        """Search one part; tell whether the limit is reached."""
        end = part.offset + part.length
        place = _Place(data, part.offset, codecs.getincrementaldecoder("utf-8")(errors))
        last = (-1, -1)
        for match in self.expression.finditer(data, part.offset, end):
            if self.stop.is_set():
                raise ToolFailed("the search was given up")
            if match.span() == last:  # the binding gives an empty match twice
                continue
            last = match.span()
            if len(self.matches) == self.limit:
                return True
            place.advance(match.start())
            line, start = place.line, place.chars
            place.advance(match.end())
            shown = _around(data, match.span(), (part.offset, end))
            found = Match(line=line, start=start, end=place.chars, text=shown.decode("utf-8", "replace"))
            self.matches.append(Match(file=part.name, **found) if part.name else found)
        return False


class _Place:
    """Counts characters and lines up to a byte, each byte once."""

    def __init__(self, data: mmap.mmap, at: int, decoder: codecs.IncrementalDecoder) -> None:
        self.line = 1
        self.chars = 0
        self._data = data
        self._at = at
        self._decoder = decoder

    def advance(self, to: int) -> None:
        """Go on to a byte."""
        while self._at < to:
            piece = self._data[self._at : min(to, self._at + PIECE)]
            self.line += piece.count(b"\n")
            self.chars += len(self._decoder.decode(piece))
            self._at += len(piece)


def _compiled(pattern: str, *, ignore_case: bool) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MATCHER_BYTES
    options.never_nl = True  # as grep: a match stays within its line
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(b"(?m)" + pattern.encode("utf-8", "surrogatepass"), options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise ToolFailed(
            f"the pattern cannot be used: {reason}. RE2 has no look-around and no back-references; `re` in the REPL has"
        ) from error


def _parts(source: ContextSource) -> tuple[ContextPart, ...]:
    return source.parts if source.kind == "files" else (ContextPart("", 0, source.size),)


def _around(data: mmap.mmap, span: tuple[int, int], bounds: tuple[int, int]) -> bytes:
    """Return the line of a match, cut where it is long."""
    first = max(bounds[0], span[0] - AROUND_BYTES)
    last = min(bounds[1], span[0] + 2 * AROUND_BYTES, max(span[1], span[0]) + AROUND_BYTES)
    before = data.rfind(b"\n", first, span[0]) + 1 or first
    after = data.find(b"\n", span[0], last)
    return data[before : last if after < 0 else after].strip(b"\r")


def _slice(source: ContextSource, start: int, end: int) -> str:
    """Decode an input up to `end`, and keep what is wanted."""
    if source.kind == "files":
        raise ToolFailed("`context` is a dict of several files; read_file(name, …) reads one, as context[name] does")
    decoder = codecs.getincrementaldecoder("utf-8")(DECODING[source.kind])
    kept: list[str] = []
    at = offset = 0
    while at < end and offset < source.size:
        piece = os.pread(source.fd, PIECE, offset)
        offset += len(piece)
        text = decoder.decode(piece)
        kept.append(text[max(0, start - at) : max(0, end - at)])
        at += len(text)
    return "".join(kept)
