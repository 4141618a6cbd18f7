"""Brings an `rlm_query` to its end within the slice of the budget that it was given.

It ends as a run does: when its slice is used up, after that cell or a few seconds, it is asked once for the best answer
so far, in what was held back for that. The level that made it goes on with that answer, or with the error that there is
none; only what is used up above it ends it without a word.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from rlmlab.engine.budget import Meter
from rlmlab.engine.errors import BudgetExhausted, ProviderError, SliceUsedUp
from rlmlab.engine.spans import OpenSpan

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Working(Protocol[T_co]):
    """A level at work."""

    async def run(self) -> T_co | None:
        """Go on until there is an answer; None when the steps are used up."""
        ...

    async def fallback(self, limit: str, *, held: bool) -> T_co | None:
        """Ask once for the best answer so far."""
        ...


async def finish(level: Working[T], meter: Meter, span: OpenSpan) -> T:
    """Work until there is an answer, or the best one so far.

    Raises:
        BudgetExhausted: what is above it is used up.
        SliceUsedUp: there is no answer within the slice.
        EngineError: the level failed.
        SandboxError: its environment failed.
    """
    try:
        answer = await _until(level.run(), meter.time_up(), meter.ended())
    except BudgetExhausted:
        if not meter.used_up:
            raise
        answer = None
    return await _fallback(level, meter, span) if answer is None else answer


async def _fallback(level: Working[T], meter: Meter, span: OpenSpan) -> T:
    """Ask for the best answer so far, in what was held back for that."""
    limit = meter.account.exhausted or ("max_steps" if meter.work_seconds_left > 0 else "max_seconds")
    meter.exhaust(limit)
    meter.release_fallback()
    span.emit(meter.state())
    why = "without an answer"
    try:
        answer = await _until(level.fallback(limit, held=True), meter.time_up(last_call=True))
    except BudgetExhausted:
        if not meter.used_up:
            raise
        answer, why = None, "and there was no room left for a last call"
    except ProviderError as error:
        answer, why = None, f"and the last call failed: {error}"
    if answer is None:
        raise SliceUsedUp(f"{limit} is reached {why}")
    return answer


async def _until(work: Coroutine[Any, Any, T | None], *ends: Coroutine[Any, Any, None]) -> T | None:
    """Work until it is done or one of `ends` returns, then None; when this returns, no part of it runs on."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_settled(work))
        watchers = [group.create_task(end) for end in ends]
        await asyncio.wait({task, *watchers}, return_when=asyncio.FIRST_COMPLETED)
        for each in (task, *watchers):
            each.cancel()
    if task.cancelled():
        return None
    outcome = task.result()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def _settled(work: Coroutine[Any, Any, T]) -> T | Exception:
    """Return what is raised, so that a group of tasks leaves it as it is."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - raised again by `_until`
        return error
