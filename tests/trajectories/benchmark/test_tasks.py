"""Generated tasks: the same for a seed, of the size asked for, with a gold answer that a slow reading agrees with."""

import ast
import calendar
import itertools
import re
from collections import Counter, defaultdict
from typing import Any

import pytest

from trajectories.benchmark.tasks.base import PIECE, chance_of, fill
from trajectories.benchmark.tasks.entries import PHRASES
from trajectories.benchmark.tasks.families import FAMILIES, make_task
from trajectories.benchmark.tasks.hops import FACTS

NUMBERS = range(6)
MONTHS = list(calendar.month_name)[1:]


def entries_of(text: str) -> list[tuple[str, str, str]]:
    """Read a log as month, user and subject, by trying every phrase of every subject."""
    found = []
    for line in text.splitlines():
        date, user, words = line.split(" | ")
        (subject,) = [name for name, phrases in PHRASES.items() if any(phrase in words for phrase in phrases)]
        found.append((date.split("-")[1], user, subject))
    return found


def subject_in(question: str) -> str:
    return re.findall(r"about (\w+)(?=[?,;. ])", question)[-1]


def s_niah(text: str, question: str) -> Any:
    key = re.findall(r"code for the ([a-z ]+\d+)", question)[0]
    (line,) = [line for line in text.splitlines() if f" {key} is " in line]
    return line.split()[-1].rstrip(".")


def niah_values(text: str, question: str) -> Any:
    key = re.findall(r"codes for the ([a-z ]+\d+)", question)[0]
    return sorted(line.split()[-1].rstrip(".") for line in text.splitlines() if f" {key} is " in line)


def count(text: str, question: str) -> Any:
    return sum(subject == subject_in(question) for _, _, subject in entries_of(text))


def compare(text: str, question: str) -> Any:
    one, other = re.findall(r"entries about (\w+) than about (\w+)", question)[0]
    seen = Counter(subject for _, _, subject in entries_of(text))
    return {1: "more", 0: "equal", -1: "fewer"}[(seen[one] > seen[other]) - (seen[one] < seen[other])]


def timeline(text: str, question: str) -> Any:
    wanted = re.findall(r"most entries about (\w+)", question)[0]
    months = [int(month) for month, _, subject in entries_of(text) if subject == wanted]
    return MONTHS[max(sorted(set(months)), key=months.count) - 1]


def pairs(text: str, question: str) -> Any:
    wanted = re.findall(r"at least one entry about (\w+)", question)[0]
    subjects = defaultdict(set)
    for _, user, subject in entries_of(text):
        subjects[user].add(subject)
    every = itertools.combinations(sorted(subjects), 2)
    return [f"{one} {other}" for one, other in every if wanted in subjects[one] & subjects[other]]


def multi_hop(text: str, question: str) -> Any:
    def after(name: str, words: str) -> str:
        (line,) = [line for line in text.splitlines() if line.startswith(f"{name} {words} ")]
        return line.split()[-1].rstrip(".")

    at = re.findall(r"teacher of (\w+)", question)[0]
    at = after(at, "was taught by")
    at = after(at, "was taught by") if "'s teacher" in question else at
    at = after(at, "works for")
    at = after(at, "has its head office in") if "head office" in question else at
    return after(at, "lies on the river") if "river" in question else at


def code(text: str, question: str) -> Any:
    if value := re.search(r"What does (\w+)\((\d+)\)", question):
        names: dict[str, Any] = {}
        wanted = re.findall(r"^def \w+\(x\):\n    return .+$", text, re.MULTILINE)
        exec("\n".join(wanted), names)  # noqa: S102 - what the task generated
        return names[value[1]](int(value[2]))
    if place := re.search(r"does the function (\w+) stand", question):
        before = text[: text.index(f"def {place[1]}(x)")]
        return before[before.rindex("# file: ") :].split()[2]
    called = re.findall(r"call the function (\w+)\?", question)[0]
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return sum(node.func.id == called for node in calls if isinstance(node.func, ast.Name))


SLOWLY = {
    "s-niah": s_niah,
    "niah-multi-key": s_niah,
    "niah-multi-value": niah_values,
    "oolong-count": count,
    "oolong-compare": compare,
    "oolong-timeline": timeline,
    "oolong-pairs": pairs,
    "multi-hop": multi_hop,
    "code": code,
}


def test_every_family_has_a_slow_reading():
    assert SLOWLY.keys() == FAMILIES.keys()


@pytest.mark.parametrize("family", FAMILIES)
def test_gold_is_what_a_slow_reading_finds(family: str):
    for number in NUMBERS:
        task = make_task(family, number=number, size=12_000, seed=3)
        assert SLOWLY[family](task.context(), task.question) == task.gold, task.question


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [4_000, 100_000])
def test_text_has_the_size_and_is_ascii(family: str, size: int):
    text = make_task(family, number=1, size=size, seed=1).context()
    assert size - 130 < len(text) <= size
    assert text.isascii()


@pytest.mark.parametrize("family", FAMILIES)
def test_seed_and_number_make_the_task(family: str):
    def made(number: int, seed: int) -> tuple[Any, ...]:
        task = make_task(family, number=number, size=5_000, seed=seed)
        return task.question, task.gold, task.context()

    assert made(1, 1) == made(1, 1)
    assert made(1, 1) != made(1, 2)
    assert made(1, 1) != made(2, 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_code_of_the_family_solves_it_in_parts_too(family: str):
    entry = FAMILIES[family]
    for number in NUMBERS:
        task = make_task(family, number=number, size=9_000, seed=7)
        text = task.context()
        assert entry.solve(text, task.ask) == task.gold
        units = text.split(entry.cut)
        halves = [entry.cut.join(units[: len(units) // 2]) + entry.cut, entry.cut.join(units[len(units) // 2 :])]
        assert "".join(halves) == text
        assert entry.conclude([entry.look(half, task.ask, entry.lore) for half in halves], task.ask) == task.gold


def test_pieces_stream_a_large_text():
    task = make_task("niah-multi-key", number=0, size=3_000_000, seed=1)
    sizes = [len(piece) for piece in task.pieces()]
    assert len(sizes) == 3
    assert max(sizes) < PIECE + 100
    assert b"".join(task.pieces()).decode() == task.context()


def test_planted_units_stand_at_random_depths_and_all_are_there():
    depths = []
    for seed in range(40):
        text = "".join(fill(chance_of("x", seed, 0, "text"), 1_000, lambda: "....\n", ["here\n"]))
        assert text.count("here") == 1
        depths.append(text.index("here") / len(text))
    assert min(depths) < 0.2
    assert max(depths) > 0.8


def test_planted_units_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="a text of 5 bytes has no room"):
        list(fill(chance_of("x", 1, 0, "text"), 5, lambda: ".", ["here", "there"]))


@pytest.mark.parametrize(
    ("family", "size", "message"),
    [("s-nia", 5_000, "there is no family s-nia"), ("code", 3_999, "4,000 to 100,000,000 bytes, not 3,999")],
)
def test_unknown_family_or_size_is_refused(family: str, size: int, message: str):
    with pytest.raises(ValueError, match=message):
        make_task(family, number=0, size=size, seed=1)


def test_other_facts_are_about_nobody_of_the_chain():
    task = make_task("multi-hop", number=3, size=50_000, seed=2)
    text = task.context()
    facts = [line for line in text.splitlines() if any(form.split("{}")[1] in line for form in FACTS.values())]
    assert len(facts) > 100
    assert sum(line.startswith(f"{task.ask['start']} ") for line in facts) == 1
