"""Answers what a cell asks of the run's memory: `recall` and `remember`.

Neither is pure, so that each answer is on record, and durable, before the guest sees it; a replay takes it from there.
"""

from dataclasses import asdict
from typing import Any

from rlmlab.engine import arguments, normalise
from rlmlab.engine.conversation import request_hash
from rlmlab.engine.errors import MemoryUnavailable
from rlmlab.engine.events import Memory
from rlmlab.engine.memory import MemoryPort
from rlmlab.engine.services import Asked
from rlmlab.engine.spans import OpenSpan, Spans, SpanStart, failure_of
from rlmlab.engine.stream import EventStream
from sandbox.base import JSON, HostCall
from sandbox.errors import Refused

FUNCTIONS = ("recall", "remember")
MOST_CHARS = 4_000  # of a query, and of a text to keep
MOST_ITEMS = 50
ITEMS = 8
MOST_REMEMBERED = 50  # by all levels of a run


class Recollection:
    """One run's access to its memory; it counts what the whole tree keeps."""

    functions = FUNCTIONS

    def __init__(self, port: MemoryPort, stream: EventStream, spans: Spans) -> None:
        self._port = port
        self._stream = stream
        self._spans = spans
        self._remembered = 0

    async def answer(self, call: HostCall, asked: Asked) -> JSON:
        """Answer one call of a cell, in a span of its own.

        Raises:
            Refused: the cell gets an exception.
            LostLease: another worker owns the run.
        """
        path, cell = asked.path, asked.cell
        result = await (self._recall(call, path, cell) if call.name == "recall" else self._remember(call, path, cell))
        await self._stream.commit()
        return result

    async def _recall(self, call: HostCall, path: str, cell: OpenSpan) -> JSON:
        """Search; what is found is a list of dicts, best first."""
        bound = arguments.bind(call, "query", "limit")
        query = _checked(call, "query", bound["query"])
        limit = _limit(call, bound["limit"])
        with self._spans.open(_start(call, path, cell, {"query": query, "limit": limit}), cell) as span:
            try:
                found = list(await self._port.recall(query, limit))[:limit]
            except MemoryUnavailable as error:
                raise _unavailable(call, error, span) from error
            items = normalise.data([asdict(item) for item in found])
            span.emit(Memory(action="recalled", data={"query": query, "items": items}))
            span.result = [{name: value for name, value in item.items() if name != "score"} for item in items]
        return span.result

    async def _remember(self, call: HostCall, path: str, cell: OpenSpan) -> JSON:
        """Keep a text; the answer is the id of the memory that holds it."""
        text = _checked(call, "text", arguments.bind(call, "text")["text"])
        if self._remembered >= MOST_REMEMBERED:
            raise Refused("RuntimeError", f"remember(): a run keeps at most {MOST_REMEMBERED} memories")
        self._remembered += 1
        with self._spans.open(_start(call, path, cell, {"text": text}), cell) as span:
            try:
                kept = await self._port.remember(text)
            except MemoryUnavailable as error:
                raise _unavailable(call, error, span) from error
            span.emit(Memory(action="remembered", data=asdict(kept)))
            span.result = kept.id
        return span.result


def _start(call: HostCall, path: str, cell: OpenSpan, data: dict[str, Any]) -> SpanStart:
    hashed = {**data, "request_hash": request_hash(call.name, data)}
    return SpanStart(kind="tool_call", name=call.name, path=path, depth=cell.depth, data=hashed)


def _checked(call: HostCall, name: str, value: Any) -> str:
    """Demand a text that says something and is not too long."""
    text = arguments.text(call, name, value)
    if not text.strip():
        raise Refused("ValueError", f"{call.name}(): {name} is empty")
    if len(text) > MOST_CHARS:
        raise Refused(
            "ValueError", f"{call.name}(): {name} has {len(text):,} characters, at most {MOST_CHARS:,} are taken"
        )
    return text


def _limit(call: HostCall, value: Any) -> int:
    """Demand how many memories are wanted; None: the usual number."""
    if value is None:
        return ITEMS
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused("TypeError", f"{call.name}(): limit must be an int, not {type(value).__name__}")
    if not 1 <= value <= MOST_ITEMS:
        raise Refused("ValueError", f"{call.name}(): limit must be between 1 and {MOST_ITEMS}")
    return value


def _unavailable(call: HostCall, error: MemoryUnavailable, span: OpenSpan) -> Refused:
    """Close the span of a call that the memory did not answer, and tell the cell."""
    span.fail(failure_of(error))
    return Refused("RuntimeError", f"{call.name} failed: {error}")
