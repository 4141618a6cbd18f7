"""Checks answers against a subset of JSON Schema (draft 2020-12).

A subset of our own, because a tenant's schema is hostile input: it can fetch nothing (`$ref` reaches the schema's own
definitions only), cannot make a regular expression run for ever (`pattern`), and what it asks of a value is bounded
(`rlmlab.engine.keywords`). `unsupported` names what a schema uses beyond it, so that a request can be refused.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rlmlab.engine import normalise
from rlmlab.engine.keywords import BOUNDS, CHECKS, DEFINITIONS, TYPES, Checking, TooMuchWork, definition, is_number

ANNOTATIONS = frozenset(
    {
        *("$schema", "$id", "$comment", "title", "description", "default", "examples", "format", "deprecated"),
        *("readOnly", "writeOnly", "contentMediaType", "contentEncoding", "discriminator", "nullable"),
    }
)
FORMS = ("anyOf", "oneOf", "allOf")
LISTS = frozenset({"required", "enum", "prefixItems", *FORMS})
OBJECTS = frozenset({"properties", *DEFINITIONS})
DEEPEST = 32
LONGEST = 50_000  # characters of a schema; a model is shown it with each question


def unsupported(schema: object, place: str = "response_schema") -> str | None:
    """Return a sentence about the first thing in a schema that cannot be checked; None if all of it can."""
    try:
        problem = _beyond(schema, place, 0, schema) or _endless(schema, place)
        if problem is None and (size := len(json.dumps(schema))) > LONGEST:
            return f"{place}: has {size:,} characters as JSON; {LONGEST:,} are allowed"
    except RecursionError:
        return f"{place}: nests too deep"
    return problem


def mismatch(value: Any, schema: Any, place: str = "answer") -> str | None:
    """Return a sentence about the first way in which a value differs from a supported schema; None if it matches."""
    try:
        return Checking(schema).differ(value, schema, place)
    except TooMuchWork as error:
        return f"{place}: {error}"


def fit(value: Any, schema: Mapping[str, Any]) -> tuple[Any, str | None]:
    """Return the value as the schema wants it, and how it differs: a text may be the JSON text of what is wanted."""
    problem = mismatch(value, schema)
    if problem and isinstance(value, str):
        try:
            parsed = parsed_json(value)
        except ValueError:
            return value, problem
        return parsed, mismatch(parsed, schema)
    return value, problem


def fit_reply(text: str, schema: Mapping[str, Any], *, cut: bool = False) -> tuple[Any, str | None]:
    """Return the value that a model's reply writes as JSON, and how it differs from the schema.

    A reply that is no JSON may still be the very text that is wanted; one that was `cut` is not.
    """
    try:
        value = parsed_json(text)
    except ValueError as error:
        if cut:
            return text, "reply: was cut at the output limit before its JSON ended; write less"
        plain = mismatch(text, schema, "reply") is None
        return text.strip(), None if plain else f"reply: is not JSON ({error})"
    problem = mismatch(value, schema, "reply")
    if problem and mismatch(text, schema, "reply") is None:
        return text.strip(), None
    return value, problem


def told_natively(schema: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return a schema that providers take as a response format: they demand that its root is an object's."""
    return schema if schema is not None and schema.get("type") == "object" else None


def parsed_json(text: str) -> Any:
    """Read a JSON value that is all of a text, or of the one code fence in it; what it holds can be stored.

    Raises:
        ValueError: it is none, or writes NaN or Infinity, which JSON does not have.
    """
    try:
        value = json.loads(_unfenced(text), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nests too deep") from None
    return normalise.data(value)


def _refuse(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")


def _unfenced(text: str) -> str:
    """Take JSON out of the only code fence of a text; without one it is the text."""
    lines = text.strip().splitlines()
    fences = [number for number, line in enumerate(lines) if line.startswith("```")]
    if len(fences) != 2 or lines[fences[1]].strip() != "```":  # noqa: PLR2004 - where it begins and ends
        return text
    return "\n".join(lines[fences[0] + 1 : fences[1]])


def _beyond(schema: Any, place: str, depth: int, root: Any) -> str | None:
    """Walk a schema for what is not known or malformed."""
    if isinstance(schema, bool):
        return None
    if not isinstance(schema, dict):
        return f"{place}: must be a JSON Schema object"
    if depth > DEEPEST:
        return f"{place}: nests too deep"
    for keyword, value in schema.items():
        if problem := _wrong(keyword, value, root, top=depth == 0):
            return f"{place}.{keyword}: {problem}"
    deeper = (_beyond(below, f"{place}.{name}", depth + 1, root) for name, below in _below(schema))
    return next(filter(None, deeper), None)


def _wrong(keyword: str, value: Any, root: Any, *, top: bool) -> str | None:
    """Say what is wrong with a keyword where it stands."""
    if keyword in DEFINITIONS:
        return _malformed(keyword, value) if top else "can only stand at the top of a schema"
    if keyword == "$ref":
        return _unresolved(value, root)
    return (
        _malformed(keyword, value) if keyword in CHECKS or keyword in ANNOTATIONS else "this keyword is not supported"
    )


def _unresolved(pointer: Any, root: Any) -> str | None:
    """Say why a reference leads nowhere within the schema."""
    try:
        definition(root, pointer)
    except (KeyError, TypeError, AttributeError):
        return "must name one of the schema's own definitions, such as #/$defs/Name"
    return None


def _below(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Walk the schemas inside a schema."""
    for keyword in OBJECTS & schema.keys():
        for name, below in schema[keyword].items():
            yield f"{keyword}.{name}", below
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield keyword, schema[keyword]
    for keyword in ("prefixItems", *FORMS):
        for number, below in enumerate(schema.get(keyword, ())):
            yield f"{keyword}.{number}", below


def _endless(schema: Any, place: str) -> str | None:
    """Find a definition that refers to itself without going into the value, or through too many others."""
    if not isinstance(schema, dict):
        return None
    waiting = {"#": set(_same_value(schema))}
    for keyword in DEFINITIONS:
        waiting |= {f"#/{keyword}/{name}": set(_same_value(below)) for name, below in schema.get(keyword, {}).items()}
    for _ in range(DEEPEST):
        ends = [name for name, targets in waiting.items() if not targets & waiting.keys()]
        for name in ends:
            del waiting[name]
    found = next(iter(waiting), None)
    return found and f"{place}: {found} refers to itself, or through more than {DEEPEST} others, without going deeper"


def _same_value(schema: Any) -> Iterator[str]:
    """Name the definitions that a schema applies to the very value that it is applied to."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield str(schema["$ref"]).replace("~1", "/").replace("~0", "~")
    for keyword in FORMS:
        for below in schema.get(keyword, ()):
            yield from _same_value(below)


def _malformed(keyword: str, value: Any) -> str | None:
    """Say what is wrong with a keyword's value."""
    for keywords, is_well_formed, words in FORMS_OF_VALUES:
        if keyword in keywords and not is_well_formed(value):
            return words
    return None


def _names_types(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in TYPES for name in names)


def _is_names(value: Any) -> bool:
    return all(isinstance(name, str) for name in value)


FORMS_OF_VALUES: Sequence[tuple[frozenset[str], Callable[[Any], bool], str]] = (
    (frozenset({"type"}), _names_types, f"must name types among {', '.join(TYPES)}"),
    (OBJECTS, lambda value: isinstance(value, dict), "must be an object"),
    (LISTS, lambda value: isinstance(value, list), "must be a list"),
    (frozenset({"required"}), _is_names, "must be a list of names"),
    (frozenset({"uniqueItems", "nullable"}), lambda value: isinstance(value, bool), "must be true or false"),
    (frozenset({*BOUNDS, "multipleOf"}), is_number, "must be a number"),
    (frozenset({"multipleOf"}), lambda value: value > 0, "must be more than 0"),
)
