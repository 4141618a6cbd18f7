"""Writes down for the model what its code did.

A cell's output may be a megabyte; the model sees its head and tail and is told what is missing and how to see it.
"""

from dataclasses import dataclass, field

from sandbox.base import CellError, CellResult, Channel, Profile

SHOWN_CHARS = 8_000  # of one cell's output
TAIL_SHARE = 4  # a quarter of it from the end
LINE_CHARS = 200


@dataclass(slots=True)
class Shown:
    """The head and tail of a text that arrives in pieces, and how long it was."""

    limit: int = SHOWN_CHARS
    length: int = 0
    _head: str = ""
    _tail: str = ""

    def add(self, text: str) -> None:
        """Take the next piece."""
        self.length += len(text)
        room = self._head_room() - len(self._head)
        if room > 0:
            self._head += text[:room]
            text = text[room:]
        if text:
            self._tail = (self._tail + text)[-self._tail_room() :]

    def text(self) -> str:
        """Return it whole if it fits, else with a marker for what is left out."""
        missing = self.length - len(self._head) - len(self._tail)
        if missing <= 0:
            return self._head + self._tail
        return (
            f"{self._head}\n[… {missing:,} of {self.length:,} characters are not shown. To see them, keep the text in "
            f"a variable and print a part, such as print(text[{len(self._head)}:{len(self._head) + self.limit}]) …]\n"
            f"{self._tail}"
        )

    def _tail_room(self) -> int:
        return max(1, self.limit // TAIL_SHARE)

    def _head_room(self) -> int:
        return max(0, self.limit - self._tail_room())


@dataclass(slots=True)
class CellView:
    """What the model is shown of one cell."""

    code: str
    output: Shown = field(default_factory=Shown)
    channels: set[Channel] = field(default_factory=set)

    def add(self, channel: Channel, text: str) -> None:
        """Take a piece of output; a traceback is told by `observe` itself."""
        self.channels.add(channel)
        if channel != "error":
            self.output.add(text)


def observe(view: CellView, result: CellResult, profile: Profile) -> str:
    """Describe a cell that ran: what it printed, then how it failed, if it did."""
    parts = [view.output.text().rstrip("\n")] if view.output.length else []
    dropped = sum(result.truncated_bytes.values())
    if dropped:
        parts.append(f"[The cell printed {dropped:,} bytes more than the output limit; they are lost. Print less.]")
    if result.error is not None and result.alive:
        parts.append(_error(view, result.error))
    if not result.alive:
        parts.append(_lost(result, profile))
    return "\n".join(parts) or "[The cell ran and printed nothing. Use print() to see values.]"


def _error(view: CellView, error: CellError) -> str:
    """Name the error, its line and the line's text; what was printed before stands above it."""
    shown = Shown(limit=SHOWN_CHARS // 4)
    shown.add(error.message)
    message = f"{error.type}: {shown.text()}" if error.message else error.type
    lines = view.code.splitlines()
    if error.line is None or not 1 <= error.line <= len(lines):
        return f"[Error] {message}"
    before = "What was printed before it stands above." if view.output.length else "Nothing was printed before it."
    line = lines[error.line - 1].strip()[:LINE_CHARS]
    return f"[Error in line {error.line}] {message}\n    {line}\n[{before}]"


def _lost(result: CellResult, profile: Profile) -> str:
    """Say why the REPL is gone and what that means."""
    reasons = {
        "killed_time": f"it ran longer than {profile.cell_seconds:g} seconds",
        "killed_memory": f"it needed more than {profile.memory_bytes >> 20} MB of memory",
    }
    reason = reasons.get(result.status, "its process ended")
    detail = f" ({result.error.message})" if result.error is not None and result.error.message else ""
    return (
        f"[The cell was killed: {reason}{detail}. A new REPL was started: all variables you made are lost, `context` "
        "and the functions are there again. Do the work in smaller pieces.]"
    )
