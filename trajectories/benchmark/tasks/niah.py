"""Needles in a haystack: S-NIAH, and RULER's kinds with many keys and with many values (arXiv 2404.06654, section 3).

One line among very many says the number that is asked for. With many keys, lines of the same form about other keys
stand everywhere, one for every twenty of filler; with many values, several lines say numbers of the one key.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trajectories.benchmark.tasks.base import Ask, Check, Family, Task, chance_of, fill
from trajectories.benchmark.tasks.words import ADJECTIVES, NOUNS, sentence

VALUES: Final = 4
OTHER_KEYS: Final = 20


@dataclass(frozen=True, slots=True)
class _Kind:
    """How many values the key has, and whether other keys stand beside it."""

    name: str
    values: int
    other_keys: bool

    def make(self, number: int, size: int, seed: int) -> Task:
        """Make a task."""
        chance = chance_of(self.name, seed, number, "plan")
        key, values = _key(chance), _codes(chance, self.values)
        needles = [_needle(key, value) for value in values]

        def units() -> Iterator[str]:
            own = chance_of(self.name, seed, number, "text")

            def filler() -> str:
                if self.other_keys and own.randrange(OTHER_KEYS) == 0:
                    return _other(own, key)
                return sentence(own)

            return fill(own, size, filler, needles)

        many = self.values > 1
        asked = (
            f"Find all {self.values} access codes for the {key}. Answer with a list of the codes."
            if many
            else f"What is the access code for the {key}? Answer with the code alone."
        )
        check: Check = "f1" if many else "exact"
        gold = sorted(values) if many else values[0]
        return Task(self.name, number, asked, gold, check, {"key": key, "many": many}, units, item=r"\d{7}")


def look(text: str, ask: Ask, lore: None) -> Any:  # noqa: ARG001  of the form of all families
    """Find the codes of the key."""
    return re.findall(r"access code for the " + ask["key"] + r" is (\d{7})\.", text)


def conclude(parts: Sequence[Any], ask: Ask) -> Any:
    """Bring the codes together."""
    found = sorted({code for part in parts for code in part})
    if ask["many"]:
        return found
    return found[0] if found else ""


def _key(chance: random.Random) -> str:
    return f"{chance.choice(ADJECTIVES)} {chance.choice(NOUNS)} {chance.randrange(100, 1000)}"


def _codes(chance: random.Random, count: int) -> list[str]:
    return [str(code) for code in chance.sample(range(1_000_000, 10_000_000), count)]


def _needle(key: str, value: str) -> str:
    return f"Note that the access code for the {key} is {value}.\n"


def _other(chance: random.Random, wanted: str) -> str:
    """Make a line about another key."""
    while (key := _key(chance)) == wanted:
        pass
    return _needle(key, _codes(chance, 1)[0])


def _family(kind: _Kind, title: str) -> Family:
    return Family(kind.name, title, kind.make, look, conclude)


FAMILIES: Final = (
    _family(_Kind("s-niah", 1, other_keys=False), "one line to be found among many"),
    _family(_Kind("niah-multi-key", 1, other_keys=True), "the right one of many lines of its form"),
    _family(_Kind("niah-multi-value", VALUES, other_keys=True), "all lines about a key, of many of their form"),
)
