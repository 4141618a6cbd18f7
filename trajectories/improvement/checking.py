"""Says whether an answer is the expected one; pure, so that a result can be computed again from what is stored."""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from trajectories.models.datasets import Checker

RELATIVE_TOLERANCE: Final = 1e-6
_AROUND: Final = " \t\r\n.,;:!?\"'`“”‘’«»*_()[]{}"  # noqa: RUF001  quotation marks as people type them
_SEPARATOR: Final = "[,'_\u2019\u00a0\u202f]"
_NUMBER: Final = re.compile(
    rf"(?<![^\W_])(?<!\.)[-+\u2212]?(?:\d{{1,3}}(?:{_SEPARATOR}\d{{3}})+(?!\d)|\d+)?(?:\.\d+)?(?:(?<=\d)[eE][-+]?\d+)?"
)


def is_right(checker: str, *, expected: Any, answer: Any) -> bool:
    """Compare a run's answer with the expected one as a dataset's checker does; no answer is a wrong one.

    * `exact`: the same text, but for case, runs of white space, and punctuation and quotes around it.
    * `contains`: the expected text stands in the answer, both with case and white space folded.
    * `number`: the last number in the answer, where texts say their result, is within 1e-6 of the expected one.
    * `json`: the same JSON value; 1 and 1.0 are the same, true and 1 are not. A text that holds JSON stands for it.
    """
    return answer is not None and _CHECKS[checker](expected, answer)


def problem_of(checker: str, expected: Any) -> str:
    """Say why no answer could ever match what is expected; empty where one could."""
    if expected is None:
        return "must not be null"
    if checker == Checker.NUMBER and number_in(expected) is None:
        return "has no number, which this dataset compares"
    if checker != Checker.JSON and not _text(expected).strip():
        return "must not be empty"
    return ""


def number_in(value: Any) -> float | None:
    """Return the last number of a text, None where it has none.

    Thousands may be separated by a comma, an apostrophe, an underscore or a space that does not break.
    """
    found = None
    for match in _NUMBER.finditer(_text(value)):
        if any(character.isdigit() for character in match[0]):
            number = float(re.sub(_SEPARATOR, "", match[0]).replace("\u2212", "-"))
            found = number if math.isfinite(number) else found
    return found


def _same_text(expected: Any, answer: Any) -> bool:
    return _bare(expected) == _bare(answer)


def _contains(expected: Any, answer: Any) -> bool:
    return _folded(expected) in _folded(answer)


def _same_number(expected: Any, answer: Any) -> bool:
    wanted, got = number_in(expected), number_in(answer)
    return wanted is not None and got is not None and math.isclose(wanted, got, rel_tol=RELATIVE_TOLERANCE)


def _same_json(expected: Any, answer: Any) -> bool:
    """Compare without recursion: a model may nest deeper than the stack is."""
    waiting = [(_parsed(expected), _parsed(answer))]
    while waiting:
        one, other = waiting.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            waiting += [(one[key], other[key]) for key in one]
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            waiting += zip(one, other, strict=True)
        elif isinstance(one, bool) is not isinstance(other, bool) or one != other:
            return False
    return True


_CHECKS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    Checker.EXACT: _same_text,
    Checker.CONTAINS: _contains,
    Checker.NUMBER: _same_number,
    Checker.JSON: _same_json,
}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _folded(value: Any) -> str:
    return " ".join(_text(value).casefold().split())


def _bare(value: Any) -> str:
    """Fold a text and trim what stands around it, unless nothing would be left."""
    folded = _folded(value)
    return folded.strip(_AROUND) or folded


def _parsed(value: Any) -> Any:
    """Return what a text's JSON says; the text itself where it holds none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return value


def _refuse(name: str) -> None:
    raise ValueError(f"JSON has no {name}")
