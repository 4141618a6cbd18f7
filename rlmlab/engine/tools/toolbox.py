"""Answers what cells and models ask of a run's tools.

Each call is a span with its own timeout; its answer is on record, and durable, before anybody sees it. What goes wrong
in a tool is told to the model, and the run goes on.
"""

import asyncio
import functools
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from rlmlab.engine import normalise
from rlmlab.engine.conversation import request_hash
from rlmlab.engine.errors import ToolFailed
from rlmlab.engine.events import Failure
from rlmlab.engine.services import Asked
from rlmlab.engine.spans import OnRecord, OpenSpan, Spans, SpanStart
from rlmlab.engine.stream import EventStream
from rlmlab.engine.tools.base import BATCH, Here, Tool
from rlmlab.engine.tools.schema import BadTool
from sandbox.base import JSON, HostCall
from sandbox.errors import Refused

logger = logging.getLogger(__name__)
T = TypeVar("T")
AT_ONCE = 8  # tool calls of a run, and threads they may hold
MOST_IN_BATCH = 64
ARGUMENT_BYTES = 64 << 10
RESULT_BYTES = 256 << 10
SHOWN_CHARS = 200  # of the arguments, in a line of a tree
FAILED = "ToolError"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call whose arguments have been checked."""

    tool: Tool
    arguments: Mapping[str, Any]


class Toolbox:
    """One run's tools; all levels of its tree share the room."""

    def __init__(self, tools: Sequence[Tool], stream: EventStream, spans: Spans) -> None:
        self.tools = {tool.name: tool for tool in tools}
        if len(self.tools) != len(tools):
            raise BadTool("two tools have the same name")
        self._stream = stream
        self._spans = spans
        self._room = asyncio.Semaphore(AT_ONCE)
        self._threads: ThreadPoolExecutor | None = None

    @property
    def functions(self) -> tuple[str, ...]:
        """Name the functions it answers."""
        return (*self.tools, BATCH) if self.tools else ()

    async def answer(self, call: HostCall, asked: Asked) -> JSON:
        """Answer a call of a cell: one tool, or several at the same time with their answers in order.

        Raises:
            Refused: the cell gets an exception.
            LostLease: another worker owns the run.
        """
        if call.name == BATCH:
            return await self._batch(call, asked)
        wanted = self.wanted(call.name, call.args, call.kwargs)
        try:
            return await self.call(wanted, asked)
        finally:
            await self._stream.commit()

    def wanted(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Wanted:
        """Look up a tool and check its arguments.

        Raises:
            Refused: there is none of this name, or an argument does not fit; the message names it.
        """
        tool = self.tools.get(name)
        if tool is None:
            raise Refused("ValueError", f"there is no tool {name[:60]!r}; there are {', '.join(self.tools)}")
        arguments = tool.bind(args, kwargs)
        size = len(json.dumps(arguments))
        if size > ARGUMENT_BYTES:
            raise Refused("ValueError", f"{name}(): the arguments have {size:,} bytes; {ARGUMENT_BYTES:,} are taken")
        return Wanted(tool, arguments)

    async def call(self, wanted: Wanted, asked: Asked) -> JSON:
        """Make one call, in a span of its own, or answer it as it is on record; the caller commits it.

        Raises:
            Refused: it failed, as `ToolError`.
        """
        async with self._room:
            try:
                with self._spans.open(_start(wanted, asked), asked.cell) as span:
                    span.result = await self._result(wanted, asked, span)
            except OnRecord as found:
                return found.result()
        return span.result

    async def _batch(self, call: HostCall, asked: Asked) -> JSON:
        """Make several calls; nothing is made when one of them is wrong, and one that fails is a text that says so."""
        wanted = [self._item(at, item) for at, item in enumerate(_items(call))]
        places = [Asked(f"{asked.path}/{at}", asked.cell, asked.open_context) for at in range(len(wanted))]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._settled(*each)) for each in zip(wanted, places, strict=True)]
        await self._stream.commit()
        outcomes = [task.result() for task in tasks]
        return [f"[{item.kind}: {item.message}]" if isinstance(item, Refused) else item for item in outcomes]

    def _item(self, at: int, item: Any) -> Wanted:
        """Read one item of a batch: the name of a tool, and its arguments by name."""
        match item:
            case [str(name)]:
                item = [name, {}]
            case [str(), dict()]:
                pass
            case _:
                raise Refused("TypeError", f"{BATCH}(): item {at} must be (name, {{argument: value}})")
        try:
            return self.wanted(item[0], (), item[1])
        except Refused as error:
            raise Refused(error.kind, f"{BATCH}(): item {at}: {error.message}") from error

    async def _settled(self, wanted: Wanted, asked: Asked) -> JSON | Refused:
        try:
            return await self.call(wanted, asked)
        except Refused as error:
            return error

    async def _result(self, wanted: Wanted, asked: Asked, span: OpenSpan) -> JSON:
        """Run a tool as long as it may, and name its failure for the model."""
        tool = wanted.tool
        try:
            async with asyncio.timeout(tool.timeout_seconds) as limit:
                return _as_json(await self._run(wanted, asked))
        except TimeoutError:
            if limit.expired():
                raise _failed(span, tool, "tool_timeout", f"took longer than {tool.timeout_seconds:g} s") from None
            raise _failed(span, tool, "tool_failed", "timed out") from None
        except ToolFailed as error:
            raise _failed(span, tool, error.code, str(error)) from error
        except Exception as error:
            logger.exception("the tool %s failed", tool.name)
            raise _failed(span, tool, "tool_failed", f"an unforeseen {type(error).__name__}") from error

    async def _run(self, wanted: Wanted, asked: Asked) -> Any:
        tool = wanted.tool
        arguments = dict(wanted.arguments)
        if tool.here:
            arguments[tool.here] = Here(asked.open_context, self._in_thread)
        if asyncio.iscoroutinefunction(tool.function):
            return await tool.function(**arguments)
        return await self._in_thread(functools.partial(tool.function, **arguments))

    def _in_thread(self, work: Callable[..., T], *args: Any) -> Awaitable[T]:
        """Work in a thread of this run's own, so that tools that hang hold up no other run."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="tool")
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *args)


def _start(wanted: Wanted, asked: Asked) -> SpanStart:
    name, arguments = wanted.tool.name, normalise.data(dict(wanted.arguments))
    shown = ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items())
    data = {"arguments": arguments, "shown": shown[:SHOWN_CHARS], "request_hash": request_hash(name, arguments)}
    return SpanStart(kind="tool_call", name=name, path=asked.path, depth=asked.cell.depth, data=data)


def _items(call: HostCall) -> list[Any]:
    """Read the one argument of a batch."""
    given = [*call.args, *call.kwargs.values()]
    if len(given) != 1 or not isinstance(given[0], list):
        raise Refused("TypeError", f"{BATCH}() takes one list of (name, {{argument: value}})")
    if len(given[0]) > MOST_IN_BATCH:
        raise Refused("ValueError", f"{BATCH}(): {len(given[0])} calls at once; at most {MOST_IN_BATCH} are taken")
    return given[0]


def _as_json(value: Any) -> JSON:
    """Return a result as the JSON that is recorded and handed over.

    Raises:
        ToolFailed: it is none, or too large.
    """
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ToolFailed(f"its result is not JSON: {error}") from error
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > RESULT_BYTES:
        raise ToolFailed(f"its result has {size:,} bytes, at most {RESULT_BYTES:,} are taken: ask for less at a time")
    return normalise.data(json.loads(text))


def _failed(span: OpenSpan, tool: Tool, code: str, why: str) -> Refused:
    """Close the span of a call that failed, and tell whoever made it."""
    message = f"{tool.name}: {why}"
    span.fail(Failure(code=code, message=message))
    return Refused(FAILED, message)
