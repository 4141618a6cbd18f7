"""The scripted model server's books: what it was asked, and what it said that this cost.

A ledger counts what really went over the wire, so that a test can hold a run's own totals against it, and can show that
no paid call was made twice.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


def prompt_hash(model: str, messages: Sequence[Mapping[str, Any]]) -> str:
    """What makes two requests the same question: the model's name (without a prefix) and the messages."""
    return hashlib.sha256((model + json.dumps(messages)).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class Reported:
    """Tokens that whole answers reported, summed; cached and written ones are in `input`, reasoning in `output`."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(slots=True)
class Ledger:
    """`asked`: requests by `prompt_hash`, failed attempts too. `answered`: those that got a whole 200 answer."""

    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    reported: Reported = field(default_factory=Reported)

    @property
    def requests(self) -> int:
        """How many requests came."""
        return self.asked.total()

    def twice(self) -> dict[str, int]:
        """The questions that were answered, so paid, more than once."""
        return {key: count for key, count in self.answered.items() if count > 1}

    def note_asked(self, key: str) -> int:
        """Count a request; returns how many came before it."""
        self.asked[key] += 1
        return self.asked[key] - 1

    def note_answered(self, key: str, usage: Mapping[str, Any] | None, cached: tuple[int, int]) -> None:
        """Count a whole answer with what it reported; `cached` is what it read and wrote, whatever form told it."""
        self.answered[key] += 1
        if usage is None:
            return
        sums = self.reported
        sums.calls += 1
        sums.input_tokens += usage["prompt_tokens"]
        sums.output_tokens += usage["completion_tokens"]
        sums.cached_tokens += cached[0]
        sums.cache_write_tokens += cached[1]
        sums.reasoning_tokens += usage["completion_tokens_details"]["reasoning_tokens"]

    def document(self) -> dict[str, Any]:
        """The books as JSON, for the process form."""
        counts = {"asked": dict(self.asked), "answered": dict(self.answered), "twice": self.twice()}
        return {"requests": self.requests, **counts, "reported": asdict(self.reported)}
