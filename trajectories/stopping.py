"""Ends background tasks for certain, and what must not be torn in the middle."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

AGAIN_SECONDS: Final = 0.2


async def stop(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks until they have ended.

    Once is not enough: `asyncio.wait_for` before Python 3.12, which the Redis client uses, swallows a cancellation that
    comes together with its result (python/cpython#86296).
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await work that no cancellation may tear; a cancellation that came meanwhile is raised when it is done."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
