"""The one retry loop of all providers: waits, deadlines and `Restarted` items around single attempts."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from rlmlab.engine.errors import ProviderTimeout, RateLimited
from rlmlab.engine.providers.base import ChatRequest, Completed, Restarted, TextDelta
from rlmlab.engine.providers.failures import Interrupted
from rlmlab.engine.providers.throttle import Throttle

Item = TextDelta | Restarted | Completed
Attempt = Callable[[ChatRequest, int], AsyncGenerator[TextDelta | Completed, None]]
"""One try, told its number from 1: yields text and `Completed`, raises `Interrupted` or a final `ProviderError`."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with equal jitter (half fixed, half random), never shorter than a Retry-After."""

    attempts: int = 6
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0
    random: Callable[[], float] = field(default=random.random)

    def wait_seconds(self, attempt: int, retry_after_seconds: float | None) -> float:
        """Return how long to wait after the failed attempt with this number (from 1)."""
        longest = min(self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** (attempt - 1))
        jittered = longest * (1 + self.random()) / 2
        return max(jittered, retry_after_seconds or 0.0)


async def stream_with_retries(
    request: ChatRequest, attempt: Attempt, *, policy: RetryPolicy, throttle: Throttle
) -> AsyncGenerator[Item, None]:
    """Make a call until it is answered, its attempts are used up or its time is over.

    Waiting between attempts does not occupy a place of the throttle.

    Raises:
        ProviderError: the last attempt's failure, or `ProviderTimeout` when `timeout_seconds` are over.
    """
    deadline = asyncio.get_running_loop().time() + request.timeout_seconds
    number = 0
    while True:
        number += 1
        try:
            async with aclosing(_admitted(request, attempt, number, deadline, throttle)) as items:
                async for item in items:
                    yield item
        except Interrupted as interruption:
            failed = interruption
        else:
            return
        wait = policy.wait_seconds(number, failed.retry_after_seconds)
        too_late = asyncio.get_running_loop().time() + wait >= deadline
        if number >= policy.attempts or too_late:
            raise failed.failure from failed
        yield Restarted(number + 1, f"{failed.failure}; next attempt in {wait:.1f} s")
        await asyncio.sleep(wait)


async def _admitted(
    request: ChatRequest, attempt: Attempt, number: int, deadline: float, throttle: Throttle
) -> AsyncGenerator[TextDelta | Completed, None]:
    """Make one attempt inside a place of the throttle, and tell the throttle how it went.

    The deadline is set around each wait and not around the whole loop: the consumer's own code runs between two
    items and must not be interrupted by it.
    """
    try:
        async with asyncio.timeout_at(deadline):
            mark = await throttle.enter()
    except TimeoutError as error:
        raise _too_late(request) from error
    try:
        async with aclosing(attempt(request, number)) as items:
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        item = await anext(items)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    raise _too_late(request) from error
                if isinstance(item, Completed):
                    throttle.answered()
                yield item
    except Interrupted as interruption:
        if isinstance(interruption.failure, RateLimited):
            throttle.pushed_back(mark)
        raise
    finally:
        throttle.leave()


def _too_late(request: ChatRequest) -> ProviderTimeout:
    return ProviderTimeout(f"no whole answer from {request.model} within {request.timeout_seconds:.3g} s")
