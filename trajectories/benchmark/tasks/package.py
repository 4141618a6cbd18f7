"""Questions about a generated Python package: who calls a function, where it stands, what a chain of calls returns.

The RLM paper asks such questions over real repositories (CodeQA); a generated one has answers that code knows and that
no model can have seen. Functions are simple, but there are many, and those that matter stand in different files.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trajectories.benchmark.tasks.base import Ask, Check, Family, Task, chance_of, fill
from trajectories.benchmark.tasks.words import ADJECTIVES, NOUNS, VERBS

A_FILE: Final = 6
CHAIN: Final = 4
ABOUT: Final = (
    "The text is a Python package, one file after another; a comment with its path stands before the first function "
    "of each."
)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, and the functions that the answer needs, each with its file's path and its text."""

    text: str
    gold: Any
    check: Check
    ask: Ask
    planted: list[str]


def make(number: int, size: int, seed: int) -> Task:
    """Ask one of three questions, in turn."""
    chance = chance_of("code", seed, number, "plan")
    asked = (_callers, _place, _value)[number % 3](chance)

    def units() -> Iterator[str]:
        own = chance_of("code", seed, number, "text")
        return fill(own, size, _filler(own), asked.planted)

    return Task("code", number, f"{ABOUT} {asked.text}", asked.gold, asked.check, asked.ask, units)


def look(text: str, ask: Ask, lore: None) -> Any:  # noqa: ARG001  of the form of all families
    """Collect what matters of each function: its text where the question needs that, its file."""
    found = []
    pattern = r"(?:^# file: (\S+)\n)?^def (\w+)\(x\):\n(?:    #.*\n)?    return (.+)$"
    for path, name, body in re.findall(pattern, text, re.MULTILINE):
        wanted = {
            "callers": f"{ask['name']}(" in body,
            "place": name == ask["name"],
            "value": True,
        }
        if wanted[ask["kind"]]:
            found.append([path, name, body])
    return found


def conclude(parts: Sequence[Any], ask: Ask) -> Any:
    """Count the callers, name the file, or compute the value."""
    functions = [function for part in parts for function in part]
    if ask["kind"] == "callers":
        return len(functions)
    if ask["kind"] == "place":
        return functions[0][0] if functions else ""
    bodies = {name: body for _, name, body in functions}
    body, steps = bodies.get(ask["name"], "x + 0"), []
    while body[:2] != "x ":
        name, sign, constant = re.findall(r"(\w+)\(x\) ([-+*]) (\d+)", body)[0]
        steps.append((sign, int(constant)))
        body = bodies.get(name, "x + 0")
    steps.append((body.split()[1], int(body.split()[2])))
    value = ask["x"]
    for sign, constant in reversed(steps):
        value = value + constant if sign == "+" else value - constant if sign == "-" else value * constant
    return value


def _callers(chance: random.Random) -> _Question:
    name, count = _name(chance), chance.randrange(2, 9)
    planted = [_in_file(chance, _function(f"uses_{name}_{at}", f"{name}(x) + {at}")) for at in range(count)]
    planted.append(_in_file(chance, _function(name, "x * 3")))
    mention = f"    # once called {name}(x)\n    return x + 1"
    planted.append(_in_file(chance, f"def no_longer_uses_{name}(x):\n{mention}\n\n"))
    question = f"How many functions call the function {name}? Answer with the number alone."
    return _Question(question, count, "number", {"kind": "callers", "name": name}, planted)


def _place(chance: random.Random) -> _Question:
    name, path = _name(chance), _path(chance)
    text = f"# file: {path}\n{_function(name, 'x - 9')}"
    question = f"In which file does the function {name} stand? Answer with its path alone."
    return _Question(question, path, "exact", {"kind": "place", "name": name}, [text])


def _value(chance: random.Random) -> _Question:
    """Make functions of which each calls the next, and compute what the first returns by computing them."""
    start, base = chance.randrange(2, 9), _name(chance)
    names = [f"{base}_{at}" for at in range(CHAIN)]
    bodies = [f"{called}(x) {chance.choice('+-*')} {chance.randrange(2, 9)}" for called in names[1:]]
    bodies.append(f"x {chance.choice('+-*')} {chance.randrange(2, 9)}")
    value = start
    for body in reversed(bodies):
        sign, constant = body.split()[-2:]
        value = {"+": value + int(constant), "-": value - int(constant), "*": value * int(constant)}[sign]
    planted = [_in_file(chance, _function(name, body)) for name, body in zip(names, bodies, strict=True)]
    question = f"What does {names[0]}({start}) return? Answer with the number alone."
    return _Question(question, value, "number", {"kind": "value", "name": names[0], "x": start}, planted)


def _filler(chance: random.Random) -> Callable[[], str]:
    """Make functions that matter to nobody; `calc_` begins no planted one."""
    made = 0

    def filler() -> str:
        nonlocal made
        made += 1
        called = f"calc_{chance.choice(NOUNS)}_{chance.randrange(made)}"
        body = f"{called}(x) {chance.choice('+-*')} {chance.randrange(2, 99)}"
        text = _function(f"calc_{chance.choice(NOUNS)}_{made}", body)
        return _in_file(chance, text) if made % A_FILE == 1 else text

    return filler


def _function(name: str, body: str) -> str:
    return f"def {name}(x):\n    return {body}\n\n"


def _in_file(chance: random.Random, text: str) -> str:
    return f"# file: {_path(chance)}\n{text}"


def _path(chance: random.Random) -> str:
    return f"works/{chance.choice(NOUNS)}/{chance.choice(ADJECTIVES)}_{chance.randrange(10_000)}.py"


def _name(chance: random.Random) -> str:
    return f"{chance.choice(VERBS)}_{chance.choice(ADJECTIVES)}_{chance.choice(NOUNS)}"


FAMILIES: Final = (Family("code", "questions about a generated package", make, look, conclude, cut="\n\n"),)
