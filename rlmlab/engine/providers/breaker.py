"""A circuit for each endpoint, shared by all runs of a worker: what is down is not asked again and again.

Closed, open, half-open (Nygard, Release It!, 2007). It opens after some failures in a row that went on for a while: the
calls of one burst fail together and say no more than one of them does. While it is open, calls fail at once and say
when the endpoint is asked again, so that a run's next model gets its turn. Then one call is let through as a probe;
when it fails, the circuit stays open twice as long.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rlmlab.engine.errors import BadRequest, EndpointDown, ProviderError, RateLimited, RejectedCredentials, UnknownModel
from rlmlab.engine.providers.failures import Interrupted

ANSWERS = (BadRequest, RateLimited, RejectedCredentials, UnknownModel)
"""Failures that only an endpoint which works can tell."""


@dataclass(frozen=True, slots=True)
class CircuitPolicy:
    """When a circuit opens, and for how long; failures further apart than `memory_seconds` are not in a row."""

    failures: int = 5
    streak_seconds: float = 10.0
    memory_seconds: float = 60.0
    first_open_seconds: float = 15.0
    longest_open_seconds: float = 120.0
    probe_seconds: float = 5.0  # what those are told to wait who come while a probe is under way
    now: Callable[[], float] = time.monotonic


class Breaker:
    """One circuit; `what` is how its error calls what it stands for."""

    def __init__(self, what: str, policy: CircuitPolicy) -> None:
        self._what = what
        self._policy = policy
        self._failures = 0
        self._since = self._latest = 0.0
        self._reason = ""
        self._open_seconds = 0.0
        self._open_until: float | None = None
        self._is_probed = False

    def check(self, model: str) -> None:
        """Pass where a call may be made.

        Raises:
            EndpointDown: it may not, and when it may.
        """
        if self._open_until is None:
            return
        wait = self._open_until - self._policy.now()
        if wait <= 0 and not self._is_probed:
            return
        wait = max(wait, self._policy.probe_seconds if self._is_probed else 0.0)
        raise EndpointDown(
            f"{model} is not asked: {self._what} failed {self._failures} times in a row, last because {self._reason}. "
            f"It is asked again in {wait:.0f} s",
            retry_after_seconds=wait,
        )

    def begin(self) -> bool:
        """Note a call that was let through; tell whether it is the probe of an open circuit."""
        is_probe = self._open_until is not None and not self._is_probed
        self._is_probed = self._is_probed or is_probe
        return is_probe

    def end_probe(self) -> None:
        """Let the next call probe, whatever became of this one."""
        self._is_probed = False

    def answered(self) -> None:
        """Note that what it stands for works."""
        self._failures = 0
        self._open_seconds = 0.0
        self._open_until = None

    def failed(self, reason: str) -> None:
        """Note a failure; what was under way when the circuit opened changes nothing."""
        now = self._policy.now()
        if self._open_until is not None and now < self._open_until:
            return
        if now - self._latest > self._policy.memory_seconds and self._open_until is None:
            self._failures = 0
        self._since = self._since if self._failures else now
        self._failures += 1
        self._latest, self._reason = now, reason
        is_streak = self._failures >= self._policy.failures and now - self._since >= self._policy.streak_seconds
        if is_streak or self._open_until is not None:
            longest = self._policy.longest_open_seconds
            self._open_seconds = min(longest, self._open_seconds * 2 or self._policy.first_open_seconds)
            self._open_until = now + self._open_seconds


class Passage:
    """One attempt that was let through."""

    def __init__(self, breakers: tuple[Breaker, ...]) -> None:
        self._breakers = breakers

    def answered(self) -> None:
        """Note an answer."""
        for breaker in self._breakers:
            breaker.answered()


class Circuits:
    """The circuits of one endpoint: what cannot be reached holds for all, an answer of 5xx for its model alone."""

    def __init__(self, policy: CircuitPolicy) -> None:
        self._endpoint = Breaker("its endpoint", policy)
        self._models: defaultdict[str, Breaker] = defaultdict(lambda: Breaker("it", policy))

    def check(self, model: str) -> None:
        """Pass where a call may be made.

        Raises:
            EndpointDown: it may not, and when it may.
        """
        for breaker in (self._endpoint, self._models[model]):
            breaker.check(model)

    @contextmanager
    def passing(self, model: str) -> Iterator[Passage]:
        """Let an attempt through and note how it went; one that is given up says nothing.

        Raises:
            EndpointDown: a circuit is open.
        """
        self.check(model)
        endpoint, own = self._endpoint, self._models[model]
        probed = [breaker for breaker in (endpoint, own) if breaker.begin()]
        passage = Passage((endpoint, own))
        try:
            yield passage
        except Interrupted as interruption:
            self._note(own, passage, interruption)
            raise
        except ANSWERS:
            passage.answered()
            raise
        finally:
            for breaker in probed:
                breaker.end_probe()

    def _note(self, own: Breaker, passage: Passage, interruption: Interrupted) -> None:
        failure: ProviderError = interruption.failure
        if isinstance(failure, ANSWERS):
            passage.answered()
        elif interruption.is_answer:
            self._endpoint.answered()
            own.failed(str(failure))
        else:
            self._endpoint.failed(str(failure))
