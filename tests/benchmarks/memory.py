"""How much memory a process and its children hold, as the kernel tells."""

from collections.abc import Iterator
from pathlib import Path


def family(pid: int, without: int = 0) -> Iterator[int]:
    """Yield a process and everything below it, but for one child."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if int(child) != without:
                yield from family(int(child), without)


def pss_bytes(pid: int) -> int:
    """Read a process's proportional set size; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
