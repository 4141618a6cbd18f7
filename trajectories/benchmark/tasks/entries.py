"""A log of dated entries by users, each about one of six subjects that it does not name: what OOLONG asks about.

OOLONG (Bertsch et al., arXiv 2511.02817) takes labelled sentences and asks for figures over all of them, so that no
part of the text may be left out. Here each entry has one of a subject's phrases, which is how code tells subjects
apart; a model has to understand the entry.
"""

import datetime as dt
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from trajectories.benchmark.tasks.base import Ask

PHRASES: Final[Mapping[str, tuple[str, ...]]] = {
    "cooking": (
        "let the broth simmer for an hour", "kneaded the dough twice", "burnt the onions again",
        "added too much salt to the stew", "tried a new way to peel garlic", "baked two loaves",
    ),
    "gardening": (
        "pruned the roses along the wall", "found slugs on the lettuce", "turned the compost heap",
        "planted three rows of beans", "watered the seedlings", "raked up the leaves",
    ),
    "music": (
        "practised the slow movement", "tuned the cello", "broke a guitar string", "sang the alto part",
        "learned a new chord", "heard the choir rehearse",
    ),
    "sailing": (
        "reefed the mainsail early", "anchored in the lee of the cape", "mended the jib",
        "missed the tide by an hour", "scrubbed the hull", "practised a man overboard drill",
    ),
    "money": (
        "paid the electricity bill", "moved the savings to another bank", "asked for a refund",
        "worked out the tax for the year", "split the rent three ways", "found an old invoice unpaid",
    ),
    "health": (
        "had a fever all night", "went to the dentist", "stretched the sore knee", "ran out of cough drops",
        "got the bandage changed", "slept badly because of the headache",
    ),
}  # fmt: skip
SUBJECTS: Final = tuple(PHRASES)
SUBJECT_OF: Final = {phrase: subject for subject, phrases in PHRASES.items() for phrase in phrases}
STARTS: Final = ("Today I", "This morning I", "After lunch I", "In the evening I", "Once more I", "As planned, I")
USERS: Final = 60
YEAR: Final = 2023
ABOUT: Final = (
    "The text is a log with one entry a line: date | user | what the user wrote. Each entry is about exactly one of "
    f"these subjects, though it does not name it: {', '.join(SUBJECTS)}."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log, and what it is about."""

    month: int
    user: str
    subject: str
    line: str


def entries(
    chance: random.Random, size: int, may_write: Callable[[str, str], bool] = lambda _user, _subject: True
) -> Iterator[Entry]:
    """Yield entries of at most `size` bytes in all; subjects are not equally frequent.

    `may_write` says whether a user writes about a subject.
    """
    weights = [chance.randrange(2, 12) for _ in SUBJECTS]
    first, left = dt.date(YEAR, 1, 1), size
    while True:
        day = first + dt.timedelta(days=chance.randrange(365))
        user, subject = f"u{chance.randrange(USERS):03}", chance.choices(SUBJECTS, weights)[0]
        line = f"{day} | {user} | {chance.choice(STARTS)} {chance.choice(PHRASES[subject])}.\n"
        if len(line) > left:
            return
        if may_write(user, subject):
            left -= len(line)
            yield Entry(day.month, user, subject, line)


def look(text: str, ask: Ask, lore: dict[str, str]) -> dict[str, int]:
    """Count the entries about the subjects that are asked for, by what the question needs of each."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        date, _, rest = line.partition(" | ")
        user, _, words = rest.partition(" | ")
        subject = lore[words.rstrip(".").split(" I ", 1)[1]]
        if subject in ask["subjects"]:
            key = {"subject": subject, "month": date[5:7], "user": f"{user} {subject}"}[ask["by"]]
            found[key] = found.get(key, 0) + 1
    return found
