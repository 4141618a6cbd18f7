"""How many streams a key or a person may have open at once.

Each costs this process memory for as long as its client likes, so they are counted where they are held: in the process,
not on the server that counts requests.
"""

import threading
from collections import Counter
from typing import Final
from weakref import finalize

from django.conf import settings

from rlmlab.errors import TooManyRequests
from rlmlab.tenancy.principals import Principal

_open: Final[Counter[str]] = Counter()
_lock: Final = threading.Lock()


class Place:
    """One open stream; it is given back when it is left, at the latest when nobody holds it any more."""

    def __init__(self, name: str) -> None:
        self.leave = finalize(self, _leave, name)
        """Also for an answer whose client went away before the first part of it was asked for."""

    def __enter__(self) -> None:
        """Hold it for a block."""

    def __exit__(self, *_: object) -> None:
        self.leave()


def take(principal: Principal) -> Place:
    """Take a place.

    Raises:
        TooManyRequests: all that the principal may have are taken.
    """
    name = f"{principal.actor.kind}:{principal.actor.id}:{principal.organization_id}"
    most: int = settings.RLMLAB.api_open_streams
    with _lock:
        if _open[name] >= most:
            raise TooManyRequests(f"{most:,} streams are open already, as many as may be; close one first.")
        _open[name] += 1
    return Place(name)


def _leave(name: str) -> None:
    with _lock:
        _open[name] -= 1
        if not _open[name]:
            del _open[name]
