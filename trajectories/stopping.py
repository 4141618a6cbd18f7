"""Ends background tasks for certain."""

import asyncio
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
