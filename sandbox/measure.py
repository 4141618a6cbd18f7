"""What the kernel says about a guest: read from outside, so that the guest cannot forge it."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_MOST_BYTES = 64 << 10
_PEAK = re.compile(rb"\nVmHWM:\s+(\d+)")
_KILLS = re.compile(rb"\noom_kill (\d+)\n")


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds and peak resident bytes of a process since it was forked."""

    cpu_seconds: float
    peak_memory_bytes: int


def read(pid: int) -> Reading | None:
    """Measure a living process; None when it is gone."""
    try:
        on_cpu = int(_contents(f"{pid}/schedstat").split(None, 1)[0])
        status = _contents(f"{pid}/status")
    except (OSError, ValueError, IndexError):
        return None
    peak = _PEAK.search(status)
    return None if peak is None else Reading(on_cpu / 1e9, int(peak[1]) * 1024)


def out_of_memory_kills() -> int:
    """Count the processes that the kernel killed for want of memory since it started; 0 where it does not tell."""
    try:
        kills = _KILLS.search(_contents("vmstat"))
    except OSError:
        return 0
    return int(kills[1]) if kills else 0


def _contents(name: str) -> bytes:
    """Read a file of the kernel in one piece; it is done at every cell, and `Path.read_text` takes thrice as long."""
    file = os.open(f"{_PROC}/{name}", os.O_RDONLY)
    try:
        return os.read(file, _MOST_BYTES)
    finally:
        os.close(file)
