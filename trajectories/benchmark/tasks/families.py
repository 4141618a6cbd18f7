"""All families of benchmark tasks, by name."""

from typing import Final

from trajectories.benchmark.tasks import hops, niah, oolong, package, pairs
from trajectories.benchmark.tasks.base import LARGEST, SMALLEST, Family, Task

FAMILIES: Final[dict[str, Family]] = {
    family.name: family for module in (niah, oolong, pairs, hops, package) for family in module.FAMILIES
}


def make_task(family: str, *, number: int, size: int, seed: int) -> Task:
    """Make the task of a family with this number, over a text of about `size` bytes.

    Raises:
        ValueError: there is no such family, or no text of this size is made.
    """
    if family not in FAMILIES:
        raise ValueError(f"there is no family {family}; use {', '.join(FAMILIES)}")
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"a text has {SMALLEST:,} to {LARGEST:,} bytes, not {size:,}")
    return FAMILIES[family].make(number, size, seed)
