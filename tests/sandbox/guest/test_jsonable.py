"""Values as JSON."""

from collections import Counter, namedtuple
from enum import IntEnum
from typing import Any

import pytest

from sandbox.guest.jsonable import to_json


class Level(IntEnum):
    """A number of a class of its own."""

    HIGH = 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (5, 5),
        (Level.HIGH, 3),
        (1.5, 1.5),
        (float("nan"), None),
        (float("-inf"), None),
        ("é", "é"),
        ((1, [2, (3,)]), [1, [2, [3]]]),
        (Counter("aab"), {"a": 2, "b": 1}),
        (namedtuple("P", "x y")(1, 2), [1, 2]),
        ({1: "a", None: "b", False: "c", 2.5: "d"}, {"1": "a", "null": "b", "false": "c", "2.5": "d"}),
    ],
)
def test_values(value: Any, expected: Any) -> None:
    assert to_json(value) == expected
    assert type(to_json(value)) is type(expected)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1, 2}, "x must be JSON (text, numbers, True, False, None, lists and dicts of them), but contains a set"),
        ([b"a"], "x must be JSON (text, numbers, True, False, None, lists and dicts of them), but contains a bytes"),
        ({(1,): 2}, "x has a dict key of type tuple; keys must be text"),
    ],
)
def test_other_types_are_named(value: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        to_json(value, what="x")
    assert str(caught.value) == message


def test_own_container_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="the value is nested deeper than 64 levels or contains itself"):
        to_json(loop)
