"""When the model server ends itself: idle, hung or orphaned."""

from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["idle", "hung"]
_MARKS = ("id_task", "n_prompt_tokens_processed", "next_token")


def progress_of(slots: list[dict[str, Any]]) -> tuple[bool, str]:
    """Tell from llama.cpp's /slots whether a slot works, and a mark that changes while it gets on."""
    busy = any(slot.get("is_processing") for slot in slots)
    mark = repr(
        [(slot.get("id_task"), slot.get("n_prompt_tokens_processed"), slot.get("next_token")) for slot in slots]
    )
    return busy, mark


@dataclass(slots=True)
class Watch:
    """Judges observations of the slots: `idle_seconds` without work, or `hung_seconds` of work without progress."""

    idle_seconds: float
    hung_seconds: float
    now: float
    _mark: str = field(default="", init=False)
    _busy: bool = field(default=False, init=False)
    _since: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._since = self.now

    def observe(self, busy: bool, mark: str, now: float) -> Verdict | None:
        """Take in an observation; return why the server should end, or None.

        A finished task leaves another mark than the one before it, so work between two observations counts as well.
        """
        if busy != self._busy or mark != self._mark:
            self._busy, self._mark, self._since = busy, mark, now
        quiet = now - self._since
        if busy and quiet >= self.hung_seconds:
            return "hung"
        return "idle" if not busy and quiet >= self.idle_seconds else None
