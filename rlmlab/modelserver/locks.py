"""Advisory file locks, which the kernel gives back when their holder dies."""

import fcntl
import os
from pathlib import Path
from typing import Self


class FileLock:
    """An exclusive lock on a file of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """Take the lock, or return None where another process or object holds it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def release(self) -> None:
        """Give it back."""
        os.close(self._descriptor)
