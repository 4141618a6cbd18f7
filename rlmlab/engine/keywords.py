"""The keywords of JSON Schema (draft 2020-12) that answers are checked against, one function each.

What they cost is bounded, because a schema is a tenant's: definitions that refer to each other can ask for more work
than any schema or value is long.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

MOST_WORK = 200_000  # schemas looked at and values compared, about 0.1 s
DEEPEST_VALUE = 150  # schemas within schemas on the way to one value, three frames of Python each
DEFINITIONS = ("$defs", "definitions")


class TooMuchWork(Exception):
    """A value cannot be checked within bounds; the message says which."""


class Checking:
    """One value on its way through one schema: its definitions, and the work that is left."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = MOST_WORK
        self._depth = 0

    def differ(self, value: Any, schema: Any, place: str) -> str | None:
        """Return a sentence about the first way in which a value differs from a schema.

        Raises:
            TooMuchWork: that cannot be told within bounds.
        """
        self.work(1)
        if isinstance(schema, bool):
            return None if schema else f"{place}: nothing is allowed here"
        if self._depth == DEEPEST_VALUE:
            raise TooMuchWork("nests too deep to be checked")
        self._depth += 1
        try:
            for keyword, rule in schema.items():
                check = CHECKS.get(keyword)
                problem = check(self, value, rule, place, schema) if check else None
                if problem:
                    return problem
            return None
        finally:
            self._depth -= 1

    def work(self, amount: int) -> None:
        """Count work that is about to be done.

        Raises:
            TooMuchWork: it is more than is left.
        """
        self._left -= amount
        if self._left < 0:
            raise TooMuchWork("would take too long to check")

    def definition(self, pointer: str) -> Any:
        """Return what a reference within the schema names."""
        return definition(self._root, pointer)

    def same(self, left: Any, right: Any) -> bool:
        """Compare as JSON does: true is not 1, but 1.0 is."""
        return bool(self.frozen(left) == self.frozen(right))

    def frozen(self, value: Any) -> Any:
        """Return what is equal, and hashed alike, for values that JSON holds for equal."""
        self.work(1)
        match value:
            case bool():
                return ("boolean", value)
            case list():
                return ("array", tuple(self.frozen(item) for item in value))
            case dict():
                return ("object", frozenset((name, self.frozen(item)) for name, item in value.items()))
            case _:
                return value


def definition(root: Any, pointer: str) -> Any:
    """Return what a local reference names: `#`, `#/$defs/<name>` or `#/definitions/<name>`.

    Raises:
        KeyError: there is no such definition.
    """
    if pointer == "#":
        return root
    hash_, _, rest = pointer.partition("/")
    keyword, _, name = rest.partition("/")
    if hash_ != "#" or keyword not in DEFINITIONS:
        raise KeyError(pointer)
    return root[keyword][name.replace("~1", "/").replace("~0", "~")]


Check = Callable[[Checking, Any, Any, str, Any], str | None]


def is_number(value: Any) -> bool:
    """Tell whether a value is a number of JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: is_number(value) and value % 1 == 0,
    "number": is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _type(_: Checking, value: Any, rule: Any, place: str, schema: Any) -> str | None:
    names = [rule] if isinstance(rule, str) else rule
    nullable = value is None and schema.get("nullable") is True  # as OpenAPI 3.0 writes it
    if nullable or any(TYPES[name](value) for name in names):
        return None
    return f"{place}: must be of type {' or '.join(names)}"


def _enum(checking: Checking, value: Any, rule: Any, place: str, _: Any) -> str | None:
    own = checking.frozen(value)
    return None if any(own == checking.frozen(item) for item in rule) else f"{place}: must be one of {_shown(rule)}"


def _const(checking: Checking, value: Any, rule: Any, place: str, _: Any) -> str | None:
    return None if checking.same(value, rule) else f"{place}: must be {_shown(rule)}"


def _ref(checking: Checking, value: Any, rule: Any, place: str, _: Any) -> str | None:
    return checking.differ(value, checking.definition(rule), place)


def _properties(checking: Checking, value: Any, rule: Any, place: str, _: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    found = (checking.differ(value[name], below, f"{place}.{name}") for name, below in rule.items() if name in value)
    return next(filter(None, found), None)


def _required(_: Checking, value: Any, rule: Any, place: str, __: Any) -> str | None:
    missing = [name for name in rule if isinstance(value, dict) and name not in value]
    return f"{place}: lacks {', '.join(map(repr, missing))}" if missing else None


def _additional(checking: Checking, value: Any, rule: Any, place: str, schema: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    known = schema.get("properties", {})
    extra = [name for name in value if name not in known]
    if extra and rule is False:
        return f"{place}: must not have {', '.join(map(repr, extra))}"
    found = (checking.differ(value[name], rule, f"{place}.{name}") for name in extra)
    return next(filter(None, found), None)


def _prefix_items(checking: Checking, value: Any, rule: Any, place: str, _: Any) -> str | None:
    if not isinstance(value, list):
        return None
    pairs = enumerate(zip(value, rule, strict=False))
    found = (checking.differ(item, below, f"{place}[{number}]") for number, (item, below) in pairs)
    return next(filter(None, found), None)


def _items(checking: Checking, value: Any, rule: Any, place: str, schema: Any) -> str | None:
    if not isinstance(value, list):
        return None
    first = len(schema.get("prefixItems", ()))
    found = (checking.differ(value[at], rule, f"{place}[{at}]") for at in range(first, len(value)))
    return next(filter(None, found), None)


def _unique(checking: Checking, value: Any, rule: Any, place: str, _: Any) -> str | None:
    if rule is not True or not isinstance(value, list):
        return None
    seen: dict[Any, int] = {}
    for number, item in enumerate(value):
        first = seen.setdefault(checking.frozen(item), number)
        if first != number:
            return f"{place}: must not have an item twice, but [{first}] and [{number}] are the same"
    return None


def _multiple(_: Checking, value: Any, rule: Any, place: str, __: Any) -> str | None:
    if not is_number(value) or _is_multiple(value, rule):
        return None
    return f"{place}: must be a multiple of {rule}"


def _is_multiple(value: float, rule: float) -> bool:
    """Divide whole numbers exactly, others as far as binary fractions can tell: 0.3 is a multiple of 0.1."""
    if isinstance(value, int) and isinstance(rule, int):
        return value % rule == 0
    try:
        return abs(math.remainder(value, rule)) <= 1e-15 * abs(value)
    except OverflowError:  # a whole number beyond what a fraction can be
        return False


def _any_of(checking: Checking, value: Any, rule: Any, place: str, _: Any) -> str | None:
    if any(checking.differ(value, below, place) is None for below in rule):
        return None
    return f"{place}: matches none of its forms"


def _one_of(checking: Checking, value: Any, rule: Any, place: str, _: Any) -> str | None:
    matches = sum(checking.differ(value, below, place) is None for below in rule)
    return None if matches == 1 else f"{place}: must match exactly one of its forms, matches {matches}"


def _all_of(checking: Checking, value: Any, rule: Any, place: str, _: Any) -> str | None:
    return next(filter(None, (checking.differ(value, below, place) for below in rule)), None)


def _bound(name: str) -> Check:
    measure, holds, words = BOUNDS[name]

    def check(_: Checking, value: Any, rule: Any, place: str, __: Any) -> str | None:
        size = measure(value)
        return None if size is None or holds(size, rule) else f"{place}: {words} {rule}"

    return check


def _shown(rule: Any) -> str:
    """Write what is wanted, cut where it is long."""
    text = json.dumps(rule)
    return text if len(text) <= 500 else f"{text[:500]}…"  # noqa: PLR2004 - what a sentence bears


def _length_of(kind: type[str] | type[list[Any]] | type[dict[Any, Any]]) -> Callable[[Any], float | None]:
    return lambda value: len(value) if isinstance(value, kind) else None


def _size(value: Any) -> float | None:
    return value if is_number(value) else None


BOUNDS: Mapping[str, tuple[Callable[[Any], float | None], Callable[[float, float], bool], str]] = {
    "minimum": (_size, lambda size, rule: size >= rule, "must be at least"),
    "maximum": (_size, lambda size, rule: size <= rule, "must be at most"),
    "exclusiveMinimum": (_size, lambda size, rule: size > rule, "must be more than"),
    "exclusiveMaximum": (_size, lambda size, rule: size < rule, "must be less than"),
    "minLength": (_length_of(str), lambda size, rule: size >= rule, "must have at least this many characters:"),
    "maxLength": (_length_of(str), lambda size, rule: size <= rule, "must have at most this many characters:"),
    "minItems": (_length_of(list), lambda size, rule: size >= rule, "must have at least this many items:"),
    "maxItems": (_length_of(list), lambda size, rule: size <= rule, "must have at most this many items:"),
    "minProperties": (_length_of(dict), lambda size, rule: size >= rule, "must have at least this many properties:"),
    "maxProperties": (_length_of(dict), lambda size, rule: size <= rule, "must have at most this many properties:"),
}
CHECKS: Mapping[str, Check] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "$ref": _ref,
    "properties": _properties,
    "required": _required,
    "additionalProperties": _additional,
    "prefixItems": _prefix_items,
    "items": _items,
    "uniqueItems": _unique,
    "multipleOf": _multiple,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "allOf": _all_of,
    **{name: _bound(name) for name in BOUNDS},
}
