"""What stands behind the keys of a query: words of a list, names, numbers, days."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Generic, TypeVar
from uuid import UUID

from trajectories.models.ratings import Dimension
from trajectories.models.runs import FinishReason, Mode, Purpose, RunStatus

TAG_CHARACTERS: Final = 50
DERIVED: Final = {"fork": "fork", "retry": "retry", "continued": "continue"}
"""Words for how a run came from another one, with what its `origin` then is."""
N = TypeVar("N", int, float, datetime)
_WHOLE: Final = r"[0-9]{1,15}"
_DECIMAL: Final = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_DAY: Final = r"(?:19[7-9][0-9]|2[0-9]{3})-[0-9]{2}-[0-9]{2}"
_ORDER: Final = re.compile(r"(?P<order><=|>=|<|>|=)?(?P<value>.+)", re.DOTALL)
_PROMPT: Final = re.compile(r"(?:(?P<name>[a-z0-9-]{1,50})@)?v?(?P<number>[0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Bounds(Generic[N]):
    """What a comparison lets pass; None is no bound, and `above` and `below` leave their bound itself out."""

    low: N | None = None
    high: N | None = None
    above: bool = False
    below: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """A key: which values it allows, and what it takes in words."""

    allows: Callable[[str], bool]
    wanted: str


def numbers(value: str) -> Bounds[float]:
    """Read `3`, `>0.5`, `<=10`, `2..4`, `2..` or `..4`.

    Raises:
        ValueError: it is none of these.
    """
    return _bounds(value, lambda text: _point(float(_matching(_DECIMAL, text))))


def whole_numbers(value: str) -> Bounds[int]:
    """Read whole numbers as `numbers` does.

    Raises:
        ValueError: it is none.
    """
    return _bounds(value, lambda text: _point(int(_matching(_WHOLE, text))))


def days(value: str) -> Bounds[datetime]:
    """Read days in UTC as `numbers` does: `2026-11-01` is the whole day, `>2026-11-01` begins with the next one.

    Raises:
        ValueError: it is no day between 1970 and 2999.
    """
    return _bounds(value, _day)


def prompt_version(value: str) -> tuple[str, int] | None:
    """Read a prompt's name (empty where it is left out) and a version's number: `3`, `v3`, `system@3`; else None."""
    match = _PROMPT.fullmatch(value)
    return None if match is None else (match["name"] or "", int(match["number"]))


def _run_id(value: str) -> UUID:
    return UUID(value)


def _bounds(value: str, read: Callable[[str], Bounds[N]]) -> Bounds[N]:
    if ".." in value:
        low, _, high = value.partition("..")
        if not low and not high:
            raise ValueError(value)
        first: Bounds[N] = read(low) if low else Bounds()
        last: Bounds[N] = read(high) if high else Bounds()
        return Bounds(first.low, last.high, below=last.below)
    match = _ORDER.fullmatch(value)
    if match is None:
        raise ValueError(value)
    found = read(match["value"])
    match match["order"]:
        case "<":
            return Bounds(high=found.low, below=True)
        case "<=":
            return Bounds(high=found.high, below=found.below)
        case ">":
            return Bounds(low=found.high, above=not found.below)
        case ">=":
            return Bounds(low=found.low)
        case _:
            return found


def _point(value: N) -> Bounds[N]:
    return Bounds(value, value)


def _day(text: str) -> Bounds[datetime]:
    start = datetime.combine(date.fromisoformat(_matching(_DAY, text)), time(), UTC)
    return Bounds(start, start + timedelta(days=1), below=True)


def _matching(pattern: str, text: str) -> str:
    if re.fullmatch(pattern, text, re.ASCII) is None:
        raise ValueError(text)
    return text


def _one_of(words: Iterable[str]) -> Key:
    known = tuple(words)
    return Key(known.__contains__, f"any of {', '.join(known)}")


def _read_by(read: Callable[[str], object], wanted: str) -> Key:
    def allows(value: str) -> bool:
        try:
            return read(value) is not None
        except ValueError:
            return False

    return Key(allows, wanted)


_WHOLE_KEY: Final = _read_by(whole_numbers, "a whole number, as 3, >3, <=3 or 2..4")
_NUMBER_KEY: Final = _read_by(numbers, "a number, as 0.5, >0.5, <=0.5 or 0.1..0.5")

KEYS: Final[dict[str, Key]] = {
    "status": _one_of(RunStatus.values),
    "reason": _one_of(FinishReason.values),
    "mode": _one_of(mode for mode in Mode.values if mode != Mode.AUTO),
    "model": Key(lambda _: True, "a model's name, with * for anything"),
    "prompt": _read_by(prompt_version, "a version of a prompt, as 3, v3 or system@3"),
    "tag": Key(lambda value: len(value) <= TAG_CHARACTERS, f"a tag of at most {TAG_CHARACTERS} characters"),
    **{f"rating.{dimension}": _NUMBER_KEY for dimension in Dimension.values},
    "has": _one_of(("rating", "correction")),
    "is": _one_of(("disputed", *DERIVED)),
    "origin": _read_by(_run_id, "a run's id: what came from it"),
    "depth": _WHOLE_KEY,
    "calls": _WHOLE_KEY,
    "tokens": _WHOLE_KEY,
    "cost": _NUMBER_KEY,
    "seconds": _NUMBER_KEY,
    "created": _read_by(days, "a day, as 2026-11-01, >2026-11-01 or 2026-11-01..2026-11-30"),
    "purpose": _one_of(Purpose.values),
}
"""The keys of the grammar, in the order in which people are told of them."""
