"""Which pairs of users have something in common: OOLONG-Pairs of the RLM paper (arXiv 2512.24601, appendix).

The answer grows with the square of what has to be found, and is judged by F1 over the pairs. At most a dozen users
write about the subject that is asked for, so that the answer stays of a size that a model can write down.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, Final

from trajectories.benchmark.tasks.base import Ask, Family, Task, chance_of
from trajectories.benchmark.tasks.entries import ABOUT, SUBJECT_OF, SUBJECTS, USERS, Entry, entries, look

MOST_WRITERS: Final = 12


def make(number: int, size: int, seed: int) -> Task:
    """Ask for the pairs of users who both wrote about a subject."""
    chance = chance_of("oolong-pairs", seed, number, "plan")
    subject = chance.choice(SUBJECTS)
    writers = {f"u{user:03}" for user in chance.sample(range(USERS), chance.randrange(4, MOST_WRITERS + 1))}

    def log() -> Iterator[Entry]:
        def may_write(user: str, about: str) -> bool:
            return about != subject or user in writers

        return entries(chance_of("oolong-pairs", seed, number, "text"), size, may_write)

    question = (
        f"{ABOUT} List all pairs of users who both wrote at least one entry about {subject}, each pair once, the lower "
        'user first, in order. Answer with a list of texts such as "u001 u002".'
    )
    found = sorted({entry.user for entry in log() if entry.subject == subject})
    gold = [f"{one} {other}" for one, other in combinations(found, 2)]
    ask = {"by": "user", "subjects": [subject]}
    units = lambda: (entry.line for entry in log())  # noqa: E731  two lines more say no more
    return Task("oolong-pairs", number, question, gold, "f1", ask, units, item=r"u\d{3}\W+u\d{3}")


def conclude(parts: Sequence[Any], ask: Ask) -> Any:  # noqa: ARG001  of the form of all families
    """Pair all users that some part saw."""
    users = sorted({key.split()[0] for part in parts for key in part})
    return [f"{one} {other}" for at, one in enumerate(users) for other in users[at + 1 :]]


FAMILIES: Final = (
    Family("oolong-pairs", "all pairs of users with a subject in common", make, look, conclude, SUBJECT_OF),
)
