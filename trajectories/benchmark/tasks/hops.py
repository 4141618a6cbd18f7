"""Questions over a graph of facts that stand far apart: the answer to one part is what the next part asks about.

RULER's variable tracking and the multi-hop questions of the RLM paper are of this kind. Other facts of the same forms
are about other people and places.
"""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from trajectories.benchmark.tasks.base import Ask, Family, Task, chance_of, fill
from trajectories.benchmark.tasks.words import name, sentence

FACTS: Final = {
    "teacher": "{} was taught by {}.\n",
    "employer": "{} works for {}.\n",
    "seat": "{} has its head office in {}.\n",
    "river": "{} lies on the river {}.\n",
}
CHAINS: Final = (
    ("teacher", "employer"),
    ("teacher", "employer", "seat"),
    ("teacher", "teacher", "employer", "seat"),
    ("teacher", "teacher", "employer", "seat", "river"),
)
QUESTIONS: Final = (
    "For whom does the teacher of {} work?",
    "In which town is the head office of the company for which the teacher of {} works?",
    "In which town is the head office of the company for which the teacher of {}'s teacher works?",
    "On which river lies the town with the head office of the company for which the teacher of {}'s teacher works?",
)
OTHER_FACTS: Final = 4


def make(number: int, size: int, seed: int) -> Task:
    """Ask along a chain of two to five facts."""
    chance = chance_of("multi-hop", seed, number, "plan")
    kind = number % len(CHAINS)
    chain = CHAINS[kind]
    names: list[str] = []
    while len(names) <= len(chain):
        if (found := name(chance, 4)) not in names:
            names.append(found)
    planted = [FACTS[relation].format(names[at], names[at + 1]) for at, relation in enumerate(chain)]

    def units() -> Iterator[str]:
        own = chance_of("multi-hop", seed, number, "text")
        return fill(own, size, lambda: _other(own, set(names)), planted)

    question = f"{QUESTIONS[kind].format(names[0])} Answer with the name alone."
    ask = {"start": names[0], "chain": list(chain)}
    return Task("multi-hop", number, question, names[-1], "exact", ask, units)


def look(text: str, ask: Ask, lore: dict[str, str]) -> Any:
    """Collect the facts of the kinds that the chain needs."""
    return {relation: dict(re.findall(lore[relation], text, re.MULTILINE)) for relation in sorted(set(ask["chain"]))}


def conclude(parts: Sequence[Any], ask: Ask) -> Any:
    """Walk along the chain."""
    at = ask["start"]
    for relation in ask["chain"]:
        at = next((part[relation][at] for part in parts if at in part[relation]), "")
    return at


def _other(chance: random.Random, taken: set[str]) -> str:
    """Make a line of filler: in one of four a fact, about nobody of the chain."""
    if chance.randrange(OTHER_FACTS):
        return sentence(chance)
    while (one := name(chance, 4)) in taken:
        pass
    return chance.choice(list(FACTS.values())).format(one, name(chance, 4))


LORE: Final = {relation: "^" + re.escape(form.strip()).replace(r"\{\}", r"(\w+)") for relation, form in FACTS.items()}
FAMILIES: Final = (Family("multi-hop", "a chain of facts that stand far apart", make, look, conclude, LORE),)
