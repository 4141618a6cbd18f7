"""Opens the steps of a level."""

from collections.abc import Iterator
from contextlib import contextmanager

from rlmlab.engine.record import RecordedSpan
from rlmlab.engine.spans import OpenSpan, SpanStart
from rlmlab.engine.tree import Tree


@contextmanager
def opened_step(tree: Tree, start: SpanStart, level: OpenSpan, *, again: bool) -> Iterator[OpenSpan]:
    """Open a step, which counts the first time that the run comes to it; `again`: what is on record of it may count."""
    with tree.spans.open(start, level, same=None if again else _never) as span:
        if not again:
            span.told.clear()
        if span.fresh:
            tree.meter.counts.steps += 1
        yield span


def _never(_: RecordedSpan) -> bool:
    """Let nothing on record count."""
    return False
