"""Words of which the benchmark's texts are made."""

import random
from typing import Final

ADJECTIVES: Final = (
    "amber", "brisk", "calm", "dusty", "early", "faint", "gentle", "hollow", "idle", "jagged", "keen", "lively",
    "mellow", "narrow", "olive", "plain", "quiet", "rusty", "sturdy", "tidy", "uneven", "velvet", "wooden", "young",
)  # fmt: skip
NOUNS: Final = (
    "anchor", "bridge", "candle", "drawer", "engine", "fence", "garden", "harbor", "island", "jacket", "kettle",
    "ladder", "market", "needle", "orchard", "pillar", "quarry", "river", "saddle", "tunnel", "valley", "window",
)  # fmt: skip
VERBS: Final = (
    "carries", "follows", "greets", "hides", "joins", "leaves", "mirrors", "passes", "reaches", "shades", "touches",
    "watches",
)  # fmt: skip
MANNERS: Final = (
    "at dawn", "before noon", "by the old road", "for a while", "in silence", "once a week", "on most days", "slowly",
    "without a word", "with some care",
)  # fmt: skip
SYLLABLES: Final = (
    "ba", "cor", "den", "el", "fen", "gar", "hol", "in", "jor", "ka", "lim", "mor", "nev", "or", "pal", "quin", "ras",
    "sol", "tam", "ul", "vel", "wen", "yar", "zim",
)  # fmt: skip


def sentence(chance: random.Random) -> str:
    """Make a line that says nothing anybody asks for."""
    one, other = chance.choice(NOUNS), chance.choice(NOUNS)
    return (
        f"The {chance.choice(ADJECTIVES)} {one} {chance.choice(VERBS)} the {chance.choice(ADJECTIVES)} {other} "
        f"{chance.choice(MANNERS)}.\n"
    )


def name(chance: random.Random, syllables: int = 3) -> str:
    """Make a name out of syllables."""
    return "".join(chance.choice(SYLLABLES) for _ in range(syllables)).capitalize()
