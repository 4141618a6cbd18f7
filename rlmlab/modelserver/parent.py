"""Dying with the parent process, however it dies."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, orphaned: Callable[[], None]) -> bool:
    """Arrange that this process ends with `parent`; return False where that is gone already.

    The kernel kills us when the *thread* that started us ends (prctl(2)), and everywhere else the end of our standard
    input tells: the parent holds its other end and never writes.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return False
    threading.Thread(target=_wait_for_end, args=(orphaned,), name="parent", daemon=True).start()
    return True


def _wait_for_end(orphaned: Callable[[], None]) -> None:
    while os.read(0, 1024):
        pass
    orphaned()
