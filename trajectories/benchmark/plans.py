"""What a benchmark runs, checked before anything is started."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rlmlab.errors import Invalid
from trajectories.benchmark.arms import ARMS, Arm
from trajectories.benchmark.tasks.base import LARGEST, SMALLEST, Task
from trajectories.benchmark.tasks.families import FAMILIES, make_task

UNITS: Final = {"": 1, "k": 1_000, "m": 1_000_000}
MOST_TASKS: Final = 1_000
MOST_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """The tasks and the arms that each of them is given to.

    `model_of` names an arm's model; an empty name is the project's default. `budget` holds limits beside the arm's.
    """

    families: Sequence[str]
    arms: Sequence[Arm]
    size: int
    tasks: int
    seed: int
    model_of: Callable[[Arm], str]
    sub_model: str = ""
    budget: Mapping[str, Any] = field(default_factory=dict)
    at_once: int = 4

    @property
    def runs(self) -> int:
        """How many runs there will be."""
        return len(self.families) * self.tasks * len(self.arms)

    def all_tasks(self) -> Iterator[Task]:
        """Make the tasks, each when it is asked for.

        Raises:
            Invalid: a text of this size has no room for what a question needs.
        """
        for number in range(self.tasks):
            for family in self.families:
                try:
                    yield make_task(family, number=number, size=self.size, seed=self.seed)
                except ValueError as error:
                    raise Invalid.field("size", str(error)) from None


def checked_families(names: Sequence[str]) -> list[str]:
    """Return the families of these names, each once; all of them where none is named.

    Raises:
        Invalid: there is no such family.
    """
    return _known("families", names, FAMILIES)


def checked_arms(names: Sequence[str]) -> list[Arm]:
    """Return the arms of these names, each once; all of them where none is named.

    Raises:
        Invalid: there is no such arm.
    """
    return [ARMS[name] for name in _known("arms", names, ARMS)]


def checked_count(name: str, value: int, most: int) -> int:
    """Return a number of things.

    Raises:
        Invalid: it is none, or too many.
    """
    if not 1 <= value <= most:
        raise Invalid.field(name, f"must be 1 to {most:,}")
    return value


def checked_size(text: str) -> int:
    """Read a size such as 4000, 100kB or 1.5MB, in bytes.

    Raises:
        Invalid: it is no size, or none that texts are made in.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([km]?)b?", text.strip().lower())
    if found is None:
        raise Invalid.field("size", "must be a number of bytes, such as 4000, 100kB or 1.5MB")
    size = int(float(found[1]) * UNITS[found[2]])
    if not SMALLEST <= size <= LARGEST:
        raise Invalid.field("size", f"must be {SMALLEST:,} to {LARGEST:,} bytes")
    return size


def _known(name: str, wanted: Sequence[str], there: Mapping[str, object]) -> list[str]:
    if unknown := [entry for entry in wanted if entry not in there]:
        raise Invalid.field(name, f'there is no "{unknown[0]}"; use {", ".join(there)}')
    return list(dict.fromkeys(wanted)) or list(there)
