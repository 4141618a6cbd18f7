"""What a run's sub-calls and cells saw of its input, in bytes, as far as that can be known.

The guest finds it (`sandbox/guest/coverage.py`), so it is what the guest reports, checked only for its form.
"""

from collections.abc import Sequence
from typing import Any

from rlmlab.engine.types import ContextInfo, RunSpec

MOST_RANGES = 256


def data(spec: RunSpec, seen: Sequence[int]) -> dict[str, Any]:
    """Return what a span tells of the bytes it saw, inside the input; empty where it saw none."""
    size = 0 if spec.context is None else spec.context.size
    kept = [number for number in seen if number <= size][: MOST_RANGES * 2]
    kept = kept[: len(kept) // 2 * 2]
    return {"coverage": kept} if kept else {}


def whole(context: ContextInfo | None) -> dict[str, Any]:
    """Return what a call tells that is given the whole input."""
    return {"coverage": [0, context.size]} if context is not None and context.size else {}
