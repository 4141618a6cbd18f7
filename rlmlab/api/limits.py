"""How many requests a key, a signed-in person or a guessing address may make.

A bucket for each of them lies on Valkey or Redis and is filled at a steady rate: the Generic Cell Rate Algorithm
(ITU-T I.371), in one script by the server's own clock, so that any number of web processes agree. Answers tell how the
bucket stands in the fields of draft-ietf-httpapi-ratelimit-headers-06; one request too many gets 429 (RFC 6585) with
Retry-After (RFC 9110). Where the server is away nothing is limited: work matters more than the count.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.retry import Retry

from rlmlab.errors import TooManyRequests
from rlmlab.tenancy.principals import Principal
from trajectories.doorbell import CHANNEL_ERRORS

logger = logging.getLogger(__name__)

WRONG_KEYS_PER_SECOND: Final = 20
WRONG_KEYS_AT_ONCE: Final = 400
ANSWER_SECONDS: Final = 0.5
AWAY_SECONDS: Final = 5.0
_MICROSECONDS: Final = 1_000_000

# KEYS: the bucket. ARGV: microseconds between two requests at the steady rate, requests that a full bucket holds.
# The bucket's value is the moment at which it will be full again; it never lies further ahead than filling takes, also
# after the server's clock was put back or the rate was changed.
_TAKE: Final = """
local interval, size = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full = tonumber(redis.call('GET', KEYS[1]) or 0)
full = math.max(now, math.min(full, now + size * interval))
local after = full + interval
local wait = after - size * interval - now
if wait > 0 then
    return {0, 0, math.ceil(full - now), math.ceil(wait)}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, math.floor(size - (after - now) / interval + 0.000001), math.ceil(after - now), 0}
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a bucket stands after a request.

    `limit` is what a full one holds, `reset_seconds` pass until it is full, `retry_seconds` until the next may come.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: float
    retry_seconds: float = 0.0

    @property
    def headers(self) -> Mapping[str, str]:
        """The fields of an answer; seconds are whole, rounded up."""
        fields = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(math.ceil(self.reset_seconds)),
        }
        if not self.allowed:
            fields["Retry-After"] = str(math.ceil(self.retry_seconds))
        return fields


class Limiter:
    """Takes from buckets; one that gets no answer from the server lets all pass, and asks again after a while."""

    def __init__(self, client: Redis, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._take = client.register_script(_TAKE)
        self._clock = clock
        self._away_until = -math.inf
        self._lock = threading.Lock()

    def take(self, name: str, *, per_second: float, size: int) -> Standing | None:
        """Take one request from a bucket; None where the server is away."""
        if self._clock() < self._away_until:
            return None
        try:
            allowed, remaining, reset, retry = self._take(
                keys=[f"rlmlab:requests:{name}"], args=[_MICROSECONDS / per_second, size]
            )
        except CHANNEL_ERRORS as error:
            self._note_away(error)
            return None
        return Standing(bool(allowed), size, remaining, reset / _MICROSECONDS, retry / _MICROSECONDS)

    def _note_away(self, error: Exception) -> None:
        """Log once for all the requests that wait in vain at the same time."""
        with self._lock:
            if self._clock() < self._away_until:
                return
            self._away_until = self._clock() + AWAY_SECONDS
        logger.warning("requests are not counted for %.0f s: Valkey or Redis is away: %s", AWAY_SECONDS, error)


@cache
def limiter() -> Limiter:
    """Return the process's limiter with its pool of connections; one that the server had closed is opened again."""
    return Limiter(
        Redis.from_url(
            settings.LIVE_URL,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 1, (Disconnected,)),
        )
    )


def count(principal: Principal) -> Standing | None:
    """Count a request of a key, or of a person in an organization.

    A key may have a limit of its own; the installation's holds for it as well.
    """
    highest: int = settings.RLMLAB.api_requests_per_second
    rate = min(principal.requests_per_second or highest, highest)
    name = f"{principal.actor.kind}:{principal.actor.id}:{principal.organization_id}"
    size = max(1, round(rate * settings.RLMLAB.api_burst_seconds))
    return limiter().take(name, per_second=rate, size=size)


def count_wrong_key(address: str) -> Standing | None:
    """Count a key that was none, by the address that sent it; valid keys from there are not touched by it."""
    return limiter().take(f"wrong:{address}", per_second=WRONG_KEYS_PER_SECOND, size=WRONG_KEYS_AT_ONCE)


def refuse_excess(standing: Standing | None) -> None:
    """Go on only where the bucket had a request left.

    Raises:
        TooManyRequests: it was empty.
    """
    if standing is not None and not standing.allowed:
        seconds = math.ceil(standing.retry_seconds)
        raise TooManyRequests(f"More requests came than are allowed; the next may come in {seconds} s.")
