"""Identifiers that sort by the time they were made, so that new rows land at the end of their index."""

import secrets
import time
from threading import Lock
from uuid import UUID

_RANDOM_BITS = 74
_LOW_BITS = 62

_lock = Lock()
_last = 0


def uuid7() -> UUID:
    """Make a version 7 UUID: 48 bits of Unix milliseconds, then 74 random bits (RFC 9562, section 5.7).

    Within a process each one is greater than the one before, also within a millisecond (section 6.2, method 2), so that
    rows written together keep their order.
    """
    global _last  # noqa: PLW0603  the order is the process's
    with _lock:
        fresh = time.time_ns() // 1_000_000 << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        _last = max(fresh, _last + 1)
        value = _last
    milliseconds, random = value >> _RANDOM_BITS, value & ((1 << _RANDOM_BITS) - 1)
    high, low = random >> _LOW_BITS, random & ((1 << _LOW_BITS) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
