"""Identifiers that sort by the time they were made, so that new rows land at the end of their index."""

import secrets
import time
from uuid import UUID

_RANDOM_BITS = 74


def uuid7() -> UUID:
    """Make a version 7 UUID: 48 bits of Unix milliseconds, then 74 random bits (RFC 9562, section 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(_RANDOM_BITS)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
