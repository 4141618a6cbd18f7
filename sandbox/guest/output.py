"""What a cell prints, sent to the host as it comes and cut at the limit, never silently."""

import time
from collections.abc import Callable
from typing import Any

from sandbox.guest.coverage import Glimpse
from sandbox.guest.wire import Channel

_EAGER_FRAMES = 100  # the first pieces go out at once, so that nothing is lost when the cell is killed
_FLUSH_SECONDS = 0.05
_FLUSH_BYTES = 8192


class Output:
    """Counts, cuts, buffers and sends the output of one cell."""

    def __init__(self, channel: Channel, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._channel = channel
        self._limit = limit
        self._clock = clock
        self._parts: list[str] = []
        self._buffered = 0
        self._name = "stdout"
        self.begin()

    def begin(self) -> None:
        """Start a cell: the whole limit is there again."""
        self._left = self._limit
        self._frames = 0
        self._flushed_at = 0.0
        self.truncated: dict[str, int] = {}
        self.shown = Glimpse()

    def write(self, name: str, text: str) -> None:
        """Add `text` to a channel; bytes beyond the limit are counted and dropped."""
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if size > self._left:
            text, size = self._cut(name, text, size)
        if not size:
            return
        self._left -= size
        self.shown.add(text)
        if name != self._name:
            self.flush()
            self._name = name
        self._parts.append(text)
        self._buffered += size
        if self._is_due():
            self.flush()

    def flush(self) -> None:
        """Send what is buffered."""
        if not self._parts:
            return
        text = "".join(self._parts)
        self._parts.clear()
        self._buffered = 0
        self._frames += 1
        self._flushed_at = self._clock()
        self._channel.send({"t": "output", "channel": self._name, "text": text})

    def _is_due(self) -> bool:
        return (
            self._frames < _EAGER_FRAMES
            or self._buffered >= _FLUSH_BYTES
            or self._clock() - self._flushed_at >= _FLUSH_SECONDS
        )

    def _cut(self, name: str, text: str, size: int) -> tuple[str, int]:
        kept = text[: self._left].encode("utf-8", "surrogatepass")[: self._left].decode("utf-8", "ignore")
        kept_size = len(kept.encode("utf-8"))
        self.truncated[name] = self.truncated.get(name, 0) + size - kept_size
        return kept, kept_size


class Printer:
    """A stream of the guest: what `sys.stdout` and `sys.stderr` are inside."""

    __slots__ = ("_name", "_output")

    def __init__(self, output: Output, name: str) -> None:
        self._output = output
        self._name = name

    def write(self, text: str) -> int:
        """Write text, as a text file does."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._output.write(self._name, text)
        return len(text)

    def flush(self) -> None:
        """Send what is buffered."""
        self._output.flush()


def make_print(stdout: Printer) -> Callable[..., None]:
    """Build the guest's `print`."""

    def print(  # noqa: A001 - that is what it stands for
        *values: Any, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
    ) -> None:
        """Print the values to the output of the cell, or to `file`."""
        text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        target = stdout if file is None else file
        target.write(text)
        if flush and hasattr(target, "flush"):
            target.flush()

    return print
