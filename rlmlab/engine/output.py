"""Gathers what a cell prints into events that are few, prompt and exact."""

import asyncio

from rlmlab.engine.events import Output
from rlmlab.engine.observations import CellView
from rlmlab.engine.record import OutputDigest
from rlmlab.engine.spans import OpenSpan
from sandbox.base import CellResult, Channel

PIECE_CHARS = 16_384
DELAY_SECONDS = 0.1


class OutputBuffer:
    """Joins pieces of one channel until there are enough of them or 0.1 s went by.

    A guest that prints a character at a time would otherwise write an event for each.
    """

    def __init__(self, span: OpenSpan, view: CellView) -> None:
        self.digest = OutputDigest()  # of a cell that is on record, to compare with
        self._span = span
        self._view = view
        self._channel: Channel = "stdout"
        self._pieces: list[str] = []
        self._chars = 0
        self._timer: asyncio.TimerHandle | None = None

    def write(self, channel: Channel, text: str) -> None:
        """Take what was printed."""
        self._view.add(channel, text)
        if self._span.recorded is not None:
            self.digest.add(text)
        if channel != self._channel:
            self.flush()
            self._channel = channel
        self._pieces.append(text)
        self._chars += len(text)
        if self._chars >= PIECE_CHARS:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DELAY_SECONDS, self.flush)

    def flush(self) -> None:
        """Write what is buffered as events."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text = "".join(self._pieces)
        self._pieces.clear()
        self._chars = 0
        for start in range(0, len(text), PIECE_CHARS):
            self._span.emit(Output(channel=self._channel, text=text[start : start + PIECE_CHARS]))

    def finish(self, result: CellResult) -> None:
        """Write the rest: a traceback that did not come as output, and marks where output was dropped."""
        if result.error is not None and "error" not in self._view.channels:
            self.write("error", result.error.traceback or f"{result.error.type}: {result.error.message}\n")
        self.flush()
        for channel, dropped in result.truncated_bytes.items():
            if dropped:
                self._span.emit(Output(channel=channel, text="", truncated=True))
