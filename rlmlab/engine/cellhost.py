"""Answers what a cell asks of the host: sub-calls, what is left of the budget, and what the run's services offer."""

import asyncio
from collections.abc import Callable

from rlmlab.engine import arguments
from rlmlab.engine.errors import BudgetExhausted
from rlmlab.engine.places import Place
from rlmlab.engine.services import Asked
from rlmlab.engine.spans import OnRecord, OpenSpan, SpanStart
from rlmlab.engine.subcalls import FUNCTIONS as SUB_CALLS
from rlmlab.engine.subcalls import SubCalls
from rlmlab.engine.tree import RunChild, Tree
from rlmlab.engine.types import ContextOpener, no_context
from sandbox.base import JSON, HostCall
from sandbox.errors import Refused

BUDGET = "budget"
HISTORY = "history"


def functions(tree: Tree) -> tuple[str, ...]:
    """Name all host functions of a level's REPL."""
    asking = SUB_CALLS if tree.spec.mode == "rlm" else ()
    return (*asking, BUDGET, HISTORY, *(name for service in tree.services for name in service.functions))


class CellHost:
    """The host's side of one cell. The guest waits for each answer, so that one call is served at a time."""

    def __init__(
        self, tree: Tree, place: Place, span: OpenSpan, *, run_child: RunChild, before: Callable[[], None]
    ) -> None:
        self.open_context: ContextOpener = no_context  # of the level, for tools that read its input
        self.history: Callable[[], JSON] = list  # all that was said in the level's conversation
        self.calls = 0
        self.recalls: list[int] = []  # how many memories each found
        self.fatal: BaseException | None = None
        self._tree = tree
        self._place = place
        self._span = span
        self._sub_calls = SubCalls(tree, place, span, run_child)
        self._before = before
        self._serving: asyncio.Task[JSON] | None = None

    async def serve(self, call: HostCall) -> JSON:
        """Answer a host call.

        Raises:
            Refused: the cell gets an exception.
        """
        self._before()
        self.calls = max(self.calls, call.ordinal)
        try:
            self._tree.meter.count_host_call()
        except BudgetExhausted as error:
            raise Refused("BudgetExceeded", str(error)) from error
        self._serving = asyncio.ensure_future(self._answer(call))
        try:
            return await self._serving
        except (Refused, asyncio.CancelledError):
            raise
        except BaseException as error:
            self.fatal = error
            raise

    async def close(self) -> None:
        """End a call that is still being served, so that no span outlives its cell."""
        serving = self._serving
        if serving is not None and not serving.done():
            serving.cancel()
            await asyncio.wait({serving})
        if serving is not None and not serving.cancelled():
            serving.exception()  # seen: the guest or `fatal` has it

    async def _answer(self, call: HostCall) -> JSON:
        try:
            answer = await self._answered(call)
        except OnRecord as found:
            answer = found.result()
        if call.name == "recall" and isinstance(answer, list):
            self.recalls.append(len(answer))
        return answer

    async def _answered(self, call: HostCall) -> JSON:
        if call.name in SUB_CALLS:
            return await self._sub_calls.answer(call)
        if call.name == BUDGET:
            return self._budget(call)
        if call.name == HISTORY:  # follows from what is on record, so that it needs no record of its own
            arguments.bind(call)
            return self.history()
        for service in self._tree.services:
            if call.name in service.functions:
                return await service.answer(call, Asked(self._place.of(call), self._span, self.open_context))
        raise Refused("NameError", f"the host has no function {call.name!r}")

    def _budget(self, call: HostCall) -> JSON:
        """Tell what is left; it is on record, because it is another answer each time."""
        start = SpanStart(kind="tool_call", name=BUDGET, path=self._place.of(call), depth=self._place.depth)
        with self._tree.spans.open(start, self._span) as span:
            span.result = self._tree.meter.left(step=self._place.step, depth=self._place.depth)
        return span.result
