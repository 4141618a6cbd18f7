"""Counting, comparison and timeline questions over a log of entries, in the manner of OOLONG (arXiv 2511.02817)."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from trajectories.benchmark.tasks.base import Ask, Family, Task, chance_of
from trajectories.benchmark.tasks.entries import ABOUT, SUBJECT_OF, SUBJECTS, Entry, entries, look

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def count(number: int, size: int, seed: int) -> Task:
    """Ask how many entries are about a subject."""
    subject = chance_of("oolong-count", seed, number, "plan").choice(SUBJECTS)
    log = _log("oolong-count", number, size, seed)
    question = f"{ABOUT} How many entries are about {subject}? Answer with the number alone."
    gold = sum(entry.subject == subject for entry in log())
    ask = {"by": "subject", "subjects": [subject]}
    return Task("oolong-count", number, question, gold, "number", ask, _lines(log))


def compare(number: int, size: int, seed: int) -> Task:
    """Ask which of two subjects has more entries."""
    one, other = chance_of("oolong-compare", seed, number, "plan").sample(SUBJECTS, 2)
    log = _log("oolong-compare", number, size, seed)
    question = (
        f"{ABOUT} Are there more entries about {one} than about {other}, fewer, or equally many? "
        'Answer with one word: "more", "fewer" or "equal".'
    )
    seen = Counter(entry.subject for entry in log())
    gold = "more" if seen[one] > seen[other] else "fewer" if seen[one] < seen[other] else "equal"
    ask = {"by": "subject", "subjects": [one, other]}
    return Task("oolong-compare", number, question, gold, "exact", ask, _lines(log))


def timeline(number: int, size: int, seed: int) -> Task:
    """Ask in which month there were the most entries about a subject."""
    subject = chance_of("oolong-timeline", seed, number, "plan").choice(SUBJECTS)
    log = _log("oolong-timeline", number, size, seed)
    question = (
        f"{ABOUT} In which month are there the most entries about {subject}? Answer with the month's English name "
        "alone; of several, with the earliest in the year."
    )
    seen = Counter(entry.month for entry in log() if entry.subject == subject)
    most = min(range(1, 13), key=lambda month: (-seen[month], month))
    ask = {"by": "month", "subjects": [subject], "names": MONTHS}
    return Task("oolong-timeline", number, question, MONTHS[most - 1], "exact", ask, _lines(log))


def conclude_count(parts: Sequence[Any], ask: Ask) -> Any:  # noqa: ARG001  of the form of all families
    """Add all up."""
    return sum(sum(part.values()) for part in parts)


def conclude_compare(parts: Sequence[Any], ask: Ask) -> Any:
    """Compare the sums of the two subjects."""
    one, other = (sum(part.get(subject, 0) for part in parts) for subject in ask["subjects"])
    if one == other:
        return "equal"
    return "more" if one > other else "fewer"


def conclude_timeline(parts: Sequence[Any], ask: Ask) -> Any:
    """Name the month with the largest sum, the earliest of several."""
    sums = [sum(part.get(f"{month:02}", 0) for part in parts) for month in range(1, 13)]
    return ask["names"][sums.index(max(sums))]


def _log(family: str, number: int, size: int, seed: int) -> Callable[[], Iterator[Entry]]:
    return lambda: entries(chance_of(family, seed, number, "text"), size)


def _lines(log: Callable[[], Iterator[Entry]]) -> Callable[[], Iterator[str]]:
    return lambda: (entry.line for entry in log())


FAMILIES: Final = (
    Family("oolong-count", "how many entries are about a subject", count, look, conclude_count, SUBJECT_OF),
    Family("oolong-compare", "which of two subjects is the more frequent", compare, look, conclude_compare, SUBJECT_OF),
    Family("oolong-timeline", "when a subject is most frequent", timeline, look, conclude_timeline, SUBJECT_OF),
)
