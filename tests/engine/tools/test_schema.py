"""Tools made of typed functions: their schemas, their names, and functions that are none."""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict

import pytest

from rlmlab.engine.structured import unsupported
from rlmlab.engine.tools.base import TAKEN, Here, Tool, tool
from rlmlab.engine.tools.schema import BadTool
from sandbox.errors import Refused


class Place(TypedDict):
    """Where something is."""

    city: str
    street: NotRequired[str]


def everything(
    text: str,
    number: int,
    share: float,
    sure: bool,
    names: list[str],
    table: dict[str, list[int]],
    anything: dict,  # type: ignore[type-arg]
    kind: Literal["a", "b", 3],
    place: Place,
    either: str | int,
    maybe: Optional[int],  # noqa: UP045
    note: Annotated[str | None, "What to note."] = None,
    limit: Annotated[int, "How many.", {"minimum": 1, "maximum": 9}] = 5,
) -> str:
    """Take one of each kind. And say
    nothing.

    More is told here.
    """
    return f"{text}{number}{share}{sure}{names}{table}{anything}{kind}{place}{either}{maybe}{note}{limit}"


EVERYTHING = tool(everything)
GIVEN = {
    "text": "t",
    "number": 1,
    "share": 0.5,
    "sure": True,
    "names": ["n"],
    "table": {"x": [1]},
    "anything": {"y": None},
    "kind": "a",
    "place": {"city": "Bern"},
    "either": 2,
    "maybe": None,
}


def test_schema_follows_the_annotations() -> None:
    assert EVERYTHING.parameters == {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "number": {"type": "integer"},
            "share": {"type": "number"},
            "sure": {"type": "boolean"},
            "names": {"type": "array", "items": {"type": "string"}},
            "table": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}},
            "anything": {"type": "object"},
            "kind": {"enum": ["a", "b", 3]},
            "place": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "street": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": False,
            },
            "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "note": {"type": "string", "description": "What to note."},
            "limit": {"type": "integer", "description": "How many.", "minimum": 1, "maximum": 9, "default": 5},
        },
        "required": list(GIVEN),
        "additionalProperties": False,
    }
    assert unsupported(json.loads(json.dumps(EVERYTHING.parameters))) is None


def test_description_is_the_first_sentence() -> None:
    assert EVERYTHING.description == "Take one of each kind."


def test_signature_is_what_python_says_without_what_the_engine_gives() -> None:
    async def look(
        pattern: Annotated[str, "What for."], here: Here, place: Place, many: int | None = None
    ) -> list[str]:
        """Look."""
        return [f"{pattern}{here}{place}{many}"]

    made = tool(look, timeout_seconds=3)
    assert made.signature == "look(pattern: str, place: dict, many: int | None = None) -> list[str]"
    assert (made.here, made.timeout_seconds) == ("here", 3)
    assert list(made.parameters["properties"]) == ["pattern", "place", "many"]


def test_arguments_are_bound_by_position_and_by_name() -> None:
    assert EVERYTHING.bind(list(GIVEN.values()), {"limit": 2.0}) == {**GIVEN, "limit": 2}
    assert EVERYTHING.bind((), {**GIVEN, "note": None, "limit": None}) == GIVEN


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"text": 1}, "TypeError", "text: must be of type string"),
        ({"number": 1.5}, "TypeError", "number: must be of type integer"),
        ({"number": float("inf")}, "TypeError", "number: must be of type integer"),
        ({"names": ["a", 1]}, "ValueError", "names[1]: must be of type string"),
        ({"kind": "c"}, "ValueError", 'kind: must be one of ["a", "b", 3]'),
        ({"kind": None}, "ValueError", 'kind: must be one of ["a", "b", 3]'),
        ({"place": {"town": "Bern"}}, "ValueError", "place: lacks 'city'"),
        ({"either": []}, "TypeError", "either: matches none of its forms"),
        ({"limit": 0}, "ValueError", "limit: must be at least 1"),
        ({"limit": "5"}, "TypeError", "limit: must be of type integer"),
    ],
)
def test_wrong_argument_is_named(changes: dict[str, Any], kind: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        EVERYTHING.bind((), {**GIVEN, **changes})
    assert (caught.value.kind, caught.value.message) == (kind, f"everything(): {message}")


def test_missing_arguments_are_all_named() -> None:
    with pytest.raises(Refused, match=r"everything\(\) needs 'maybe'"):
        EVERYTHING.bind(list(GIVEN.values())[:-1], {})


def untyped(number) -> int:  # type: ignore[no-untyped-def]
    """Miss an annotation."""
    return number


def foreign(made: Tool) -> str:
    """Take what JSON has not."""
    return made.name


def nested(items: list[set[int]]) -> int:
    """Take what JSON has not, deeper."""
    return len(items)


def keyed(items: dict[int, str]) -> int:
    """Take a dict that JSON has not."""
    return len(items)


def valued(kind: Literal[b"x"]) -> int:
    """Take a value that JSON has not."""
    return len(kind)


def many(*numbers: int) -> int:
    """Take any number."""
    return sum(numbers)


def named(**numbers: int) -> int:
    """Take any name."""
    return len(numbers)


def unchecked(text: Annotated[str, {"pattern": "a+"}]) -> str:
    """Ask for what nothing checks."""
    return text


def unread(text: Annotated[str, 5]) -> str:
    """Say what nobody reads."""
    return text


def silent(text: str) -> str:
    return text


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (untyped, "untyped: the parameter 'number' has no annotation"),
        (foreign, r"foreign: the parameter 'made' is annotated with .*Tool.*, which has no JSON Schema here"),
        (nested, r"nested: the parameter 'items' is annotated with set\[int\]"),
        (keyed, "keyed: the parameter 'items' is a dict whose keys are not str"),
        (valued, "valued: the parameter 'kind' is a Literal of values that JSON does not have"),
        (many, "many: the parameter 'numbers' must be one that can be given by position and by name"),
        (named, "named: the parameter 'numbers' must be"),
        (unchecked, "unchecked: the parameter 'text'.pattern: this keyword is not supported"),
        (unread, "unread: the parameter 'text' has an annotation that is neither"),
        (silent, "silent: the function has no docstring"),
    ],
)
def test_function_that_cannot_be_told_is_refused(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(BadTool, match=message):
        tool(function)


@pytest.mark.parametrize("name", [*sorted(TAKEN), "print", "len", "class", "Grep", "a", "_x", "x" * 61, "é9"])
def test_name_that_would_hide_something_is_refused(name: str) -> None:
    with pytest.raises(BadTool, match=r"is no name of a tool|means something else"):
        tool(silent_but_told, name=name)


def silent_but_told(text: str) -> str:
    """Say nothing."""
    return text


def test_tool_may_have_another_name_than_its_function() -> None:
    made = tool(silent_but_told, name="whisper")
    assert (made.name, made.signature) == ("whisper", "whisper(text: str) -> str")
