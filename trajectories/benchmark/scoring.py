"""How right an answer to a benchmark task is."""

import json
import re
from typing import Any

from trajectories.benchmark.tasks.base import Task
from trajectories.improvement.checking import is_right
from trajectories.models.datasets import Checker


def score(task: Task, answer: Any) -> float:
    """Return 0 to 1: F1 over the items where the answer is a set, else right or wrong as datasets compare."""
    if answer is None:
        return 0.0
    if task.check == "f1":
        return f1(items(task.gold, task.item), items(answer, task.item))
    return float(is_right(checker_of(task), expected=task.gold, answer=answer))


def checker_of(task: Task) -> Checker:
    """Return how a dataset compares the task's answers: a set has to be the same list there, as its question says."""
    return {"exact": Checker.EXACT, "number": Checker.NUMBER, "f1": Checker.JSON}[task.check]


def items(answer: Any, item: str) -> set[str]:
    """Find the items of a set in an answer, whatever stands around them; words of an item are parted by one space."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return {" ".join(re.findall(r"\w+", found)) for found in re.findall(item, text)}


def f1(expected: set[str], found: set[str]) -> float:
    """Return the harmonic mean of precision and recall, 2·|E∩F| / (|E| + |F|); two empty sets agree."""
    if not expected and not found:
        return 1.0
    return 2 * len(expected & found) / (len(expected) + len(found))
