"""What the kernel says about a guest: read from outside, so that the guest cannot forge it."""

from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds and peak resident bytes of a process since it was forked."""

    cpu_seconds: float
    peak_memory_bytes: int


def read(pid: int) -> Reading | None:
    """Measure a living process; None when it is gone."""
    try:
        on_cpu = int((_PROC / str(pid) / "schedstat").read_text("ascii").split()[0])
        status = (_PROC / str(pid) / "status").read_text("utf-8", "replace")
    except (OSError, ValueError, IndexError):
        return None
    peak = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")), None)
    return None if peak is None else Reading(on_cpu / 1e9, int(peak) * 1024)


def out_of_memory_kills() -> int:
    """Count the processes that the kernel killed for want of memory since it started; 0 where it does not tell."""
    try:
        counters = (_PROC / "vmstat").read_text("ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in counters.splitlines() if line.startswith("oom_kill ")), 0)
