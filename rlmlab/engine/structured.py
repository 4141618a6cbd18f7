"""Checks answers against a subset of JSON Schema (draft 2020-12).

A subset of our own, because a tenant's schema is hostile input: it can fetch nothing (`$ref`) and cannot make a regular
expression run for ever (`pattern`). `unsupported` names what a schema uses beyond it, so that a request can be refused.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

ANNOTATIONS = frozenset({"$schema", "$id", "title", "description", "default", "examples", "format"})
DEEPEST = 32


def unsupported(schema: object, place: str = "response_schema", depth: int = 0) -> str | None:
    """Return a sentence about the first thing in a schema that cannot be checked; None if all of it can."""
    if isinstance(schema, bool):
        return None
    if not isinstance(schema, dict):
        return f"{place}: must be a JSON Schema object"
    if depth > DEEPEST:
        return f"{place}: nests too deep"
    for keyword, value in schema.items():
        known = keyword in CHECKS or keyword in ANNOTATIONS
        problem = _malformed(keyword, value) if known else "this keyword is not supported"
        if problem:
            return f"{place}.{keyword}: {problem}"
    deeper = (unsupported(below, f"{place}.{name}", depth + 1) for name, below in _below(schema))
    return next(filter(None, deeper), None)


def mismatch(value: Any, schema: Any, place: str = "answer") -> str | None:
    """Return a sentence about the first way in which a value differs from a supported schema; None if it matches."""
    if isinstance(schema, bool):
        return None if schema else f"{place}: nothing is allowed here"
    for keyword, rule in schema.items():
        check = CHECKS.get(keyword)
        problem = check(value, rule, place, schema) if check else None
        if problem:
            return problem
    return None


def fit(value: Any, schema: Mapping[str, Any]) -> tuple[Any, str | None]:
    """Return the value as the schema wants it, and how it differs: a text may be the JSON text of what is wanted."""
    problem = mismatch(value, schema)
    if problem and isinstance(value, str):
        try:
            parsed = json.loads(_unfenced(value))
        except ValueError:
            return value, problem
        return parsed, mismatch(parsed, schema)
    return value, problem


def _unfenced(text: str) -> str:
    """Take JSON out of a code fence that is all of a text."""
    lines = text.strip().splitlines()
    fenced = len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```"  # noqa: PLR2004 - fences and a line
    return "\n".join(lines[1:-1]) if fenced else text


def _below(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Walk the schemas inside a schema."""
    for name, below in schema.get("properties", {}).items():
        yield f"properties.{name}", below
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield keyword, schema[keyword]
    for keyword in ("anyOf", "oneOf", "allOf"):
        for number, below in enumerate(schema.get(keyword, ())):
            yield f"{keyword}.{number}", below


def _malformed(keyword: str, value: Any) -> str | None:
    """Say what is wrong with a keyword's value."""
    if keyword == "type":
        names = value if isinstance(value, list) else [value]
        named = bool(names) and all(isinstance(name, str) and name in TYPES for name in names)
        return None if named else f"must name types among {', '.join(TYPES)}"
    if keyword == "properties" and not isinstance(value, dict):
        return "must be an object"
    if keyword in {"required", "enum", "anyOf", "oneOf", "allOf"} and not isinstance(value, list):
        return "must be a list"
    if keyword in BOUNDS and (isinstance(value, bool) or not isinstance(value, int | float)):
        return "must be a number"
    return None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _number(value) and value % 1 == 0,
    "number": _number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _same(left: Any, right: Any) -> bool:
    """Compare as JSON does: true is not 1, but 1.0 is."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _type(value: Any, rule: Any, place: str, _: Any) -> str | None:
    names = [rule] if isinstance(rule, str) else rule
    if any(TYPES[name](value) for name in names):
        return None
    return f"{place}: must be of type {' or '.join(names)}"


def _enum(value: Any, rule: Any, place: str, _: Any) -> str | None:
    return None if any(_same(value, item) for item in rule) else f"{place}: must be one of {json.dumps(rule)}"


def _const(value: Any, rule: Any, place: str, _: Any) -> str | None:
    return None if _same(value, rule) else f"{place}: must be {json.dumps(rule)}"


def _properties(value: Any, rule: Any, place: str, _: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    found = (mismatch(value[name], below, f"{place}.{name}") for name, below in rule.items() if name in value)
    return next(filter(None, found), None)


def _required(value: Any, rule: Any, place: str, _: Any) -> str | None:
    missing = [name for name in rule if isinstance(value, dict) and name not in value]
    return f"{place}: lacks {', '.join(map(repr, missing))}" if missing else None


def _additional(value: Any, rule: Any, place: str, schema: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    known = schema.get("properties", {})
    extra = [name for name in value if name not in known]
    if extra and rule is False:
        return f"{place}: must not have {', '.join(map(repr, extra))}"
    found = (mismatch(value[name], rule, f"{place}.{name}") for name in extra)
    return next(filter(None, found), None)


def _items(value: Any, rule: Any, place: str, _: Any) -> str | None:
    if not isinstance(value, list):
        return None
    found = (mismatch(item, rule, f"{place}[{number}]") for number, item in enumerate(value))
    return next(filter(None, found), None)


def _any_of(value: Any, rule: Any, place: str, _: Any) -> str | None:
    return None if any(mismatch(value, below) is None for below in rule) else f"{place}: matches none of its forms"


def _one_of(value: Any, rule: Any, place: str, _: Any) -> str | None:
    matches = sum(mismatch(value, below) is None for below in rule)
    return None if matches == 1 else f"{place}: must match exactly one of its forms, matches {matches}"


def _all_of(value: Any, rule: Any, place: str, _: Any) -> str | None:
    return next(filter(None, (mismatch(value, below, place) for below in rule)), None)


def _bound(name: str) -> Callable[[Any, Any, str, Any], str | None]:
    measure, holds, words = BOUNDS[name]

    def check(value: Any, rule: Any, place: str, _: Any) -> str | None:
        size = measure(value)
        return None if size is None or holds(size, rule) else f"{place}: {words} {rule}"

    return check


def _length_of(kind: type[str] | type[list[Any]]) -> Callable[[Any], float | None]:
    return lambda value: len(value) if isinstance(value, kind) else None


def _size(value: Any) -> float | None:
    return value if _number(value) else None


BOUNDS: Mapping[str, tuple[Callable[[Any], float | None], Callable[[float, float], bool], str]] = {
    "minimum": (_size, lambda size, rule: size >= rule, "must be at least"),
    "maximum": (_size, lambda size, rule: size <= rule, "must be at most"),
    "exclusiveMinimum": (_size, lambda size, rule: size > rule, "must be more than"),
    "exclusiveMaximum": (_size, lambda size, rule: size < rule, "must be less than"),
    "minLength": (_length_of(str), lambda size, rule: size >= rule, "must have at least this many characters:"),
    "maxLength": (_length_of(str), lambda size, rule: size <= rule, "must have at most this many characters:"),
    "minItems": (_length_of(list), lambda size, rule: size >= rule, "must have at least this many items:"),
    "maxItems": (_length_of(list), lambda size, rule: size <= rule, "must have at most this many items:"),
}
CHECKS: Mapping[str, Callable[[Any, Any, str, Any], str | None]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "properties": _properties,
    "required": _required,
    "additionalProperties": _additional,
    "items": _items,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "allOf": _all_of,
    **{name: _bound(name) for name in BOUNDS},
}
