"""The one retry loop of all providers: waits, deadlines and `Restarted` items around single attempts."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from rlmlab.engine.errors import ProviderTimeout, RateLimited
from rlmlab.engine.providers.base import ChatRequest, Completed, Restarted, TextDelta
from rlmlab.engine.providers.breaker import CircuitPolicy, Circuits
from rlmlab.engine.providers.failures import Interrupted
from rlmlab.engine.providers.throttle import Throttle

MOST_CONCURRENT = 1024  # as many as one worker may have runs: 429s say what a provider bears
Item = TextDelta | Restarted | Completed
Attempt = Callable[[ChatRequest, int], AsyncGenerator[TextDelta | Completed, None]]
"""One try, told its number from 1: yields text and `Completed`, raises `Interrupted` or a final `ProviderError`."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter, on top of a Retry-After.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    attempts: int = 6
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0
    random: Callable[[], float] = field(default=random.random)
    circuit: CircuitPolicy = field(default_factory=CircuitPolicy)

    def wait_seconds(self, attempt: int, retry_after_seconds: float | None) -> float:
        """Return how long to wait after the failed attempt with this number (from 1)."""
        longest = min(self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** (attempt - 1))
        return (retry_after_seconds or 0.0) + longest * self.random()


@dataclass(frozen=True, slots=True)
class Lane:
    """What the calls of one model at one endpoint share."""

    policy: RetryPolicy
    throttle: Throttle
    circuits: Circuits


class Lanes:
    """The lanes of one endpoint, a lane for each of its models."""

    def __init__(self, policy: RetryPolicy | None = None, most_concurrent: int = MOST_CONCURRENT) -> None:
        self._policy = policy or RetryPolicy()
        self._circuits = Circuits(self._policy.circuit)
        self._most_concurrent = most_concurrent
        self._lanes: dict[str, Lane] = {}

    def lane(self, model: str) -> Lane:
        """Return a model's lane."""
        found = self._lanes.get(model)
        if found is None:
            found = self._lanes[model] = Lane(self._policy, Throttle(self._most_concurrent), self._circuits)
        return found


async def stream_with_retries(request: ChatRequest, attempt: Attempt, lane: Lane) -> AsyncGenerator[Item, None]:
    """Make a call until it is answered, its attempts are used up, its time is over or its endpoint is given up.

    Waiting between attempts does not occupy a place of the throttle.

    Raises:
        ProviderError: the last attempt's failure, `ProviderTimeout` when `timeout_seconds` are over, `EndpointDown`.
    """
    deadline = asyncio.get_running_loop().time() + request.timeout_seconds
    number = 0
    while True:
        number += 1
        try:
            async with aclosing(_admitted(request, attempt, number, deadline, lane)) as items:
                async for item in items:
                    yield item
        except Interrupted as interruption:
            failed = interruption
        else:
            return
        wait = lane.policy.wait_seconds(number, failed.retry_after_seconds)
        too_late = asyncio.get_running_loop().time() + wait >= deadline
        if number >= lane.policy.attempts or too_late:
            raise failed.failure from failed
        lane.circuits.check(request.model)
        yield Restarted(number + 1, f"{failed.failure}; next attempt in {wait:.1f} s")
        await asyncio.sleep(wait)


async def _admitted(
    request: ChatRequest, attempt: Attempt, number: int, deadline: float, lane: Lane
) -> AsyncGenerator[TextDelta | Completed, None]:
    """Make one attempt inside a place of the throttle, and tell throttle and circuits how it went."""
    mark = await _place(request, deadline, lane)
    try:
        with lane.circuits.passing(request.model) as passage:
            async with aclosing(_in_time(request, attempt(request, number), deadline)) as items:
                async for item in items:
                    if isinstance(item, Completed):
                        lane.throttle.answered()
                        passage.answered()
                    yield item
    except Interrupted as interruption:
        if isinstance(interruption.failure, RateLimited):
            lane.throttle.pushed_back(mark, interruption.retry_after_seconds or 0.0)
        raise
    finally:
        lane.throttle.leave()


async def _place(request: ChatRequest, deadline: float, lane: Lane) -> int:
    """Wait for a place; not in vain, where it is known that none will be given in time.

    Raises:
        EndpointDown: the endpoint is not asked now.
        RateLimited: the provider asked all callers to wait for longer than this call can.
        ProviderTimeout: the call's time was over before there was a place.
    """
    lane.circuits.check(request.model)
    pause = lane.throttle.pause_seconds()
    if pause and asyncio.get_running_loop().time() + pause >= deadline:
        raise RateLimited(
            f"The provider's rate limit is reached; it asks to wait {pause:.0f} s", retry_after_seconds=pause
        )
    try:
        async with asyncio.timeout_at(deadline):
            return await lane.throttle.enter()
    except TimeoutError as error:
        raise _too_late(request) from error


async def _in_time(
    request: ChatRequest, items: AsyncGenerator[TextDelta | Completed, None], deadline: float
) -> AsyncGenerator[TextDelta | Completed, None]:
    """Pass items on until the deadline.

    It is set around each wait and not around the whole loop: the consumer's own code runs between two items and must
    not be interrupted by it.
    """
    async with aclosing(items):
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    item = await anext(items)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise _too_late(request) from error
            yield item


def _too_late(request: ChatRequest) -> ProviderTimeout:
    return ProviderTimeout(f"no whole answer from {request.model} within {request.timeout_seconds:.3g} s")
