"""Turns the annotations of a Python function into JSON Schema, in the subset that `rlmlab.engine.structured` checks.

    str, int, float, bool, None        a type of that name
    list, list[X], dict, dict[str, X]  array, object
    Literal["a", 1]                    enum
    X | None, X | Y                    anyOf; `X | None = None` is X that may be left out
    a TypedDict                        an object of its fields
    Annotated[X, "text", {…}]          X with a description, with further keywords

Whatever else stands in a signature is refused when the tool is made, so that no model is ever told of an argument that
nothing checks.
"""

import inspect
import types
from collections.abc import Callable, Mapping
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from rlmlab.engine.structured import unsupported

Schema = dict[str, Any]
SIMPLE: Mapping[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    list: "array",
    dict: "object",
}
UNIONS = (Union, types.UnionType)
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)


class BadTool(Exception):
    """A function that cannot be a tool; the message names the function and the parameter."""


def parameters_of(function: Callable[..., Any], *, given: type) -> tuple[Schema, str]:
    """Return the schema of a function's arguments, and the name of the one that the engine itself gives (type `given`).

    Raises:
        BadTool: a parameter has no annotation, or one that JSON Schema is not made of.
    """
    hints = get_type_hints(function, include_extras=True)
    properties: Schema = {}
    required: list[str] = []
    own = ""
    for name, parameter in inspect.signature(function).parameters.items():
        place = f"{_name(function)}: the parameter {name!r}"
        if parameter.kind in VARIADIC:
            raise BadTool(f"{place} must be one that can be given by position and by name")
        if name not in hints:
            raise BadTool(f"{place} has no annotation")
        if hints[name] is given:
            own = name
            continue
        properties[name] = _parameter(hints[name], parameter.default, place)
        if parameter.default is inspect.Parameter.empty:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}, own


def _parameter(annotation: Any, default: Any, place: str) -> Schema:
    """Describe one parameter; `None` as the default of something optional only means that it may be left out."""
    if default is None:
        annotation = _without_none(annotation)
    schema = schema_of(annotation, place)
    if default is not None and default is not inspect.Parameter.empty:
        schema = {**schema, "default": default}
    if (problem := unsupported(schema, place)) is not None:
        raise BadTool(problem)
    return schema


def schema_of(annotation: Any, place: str) -> Schema:
    """Describe the values of a type.

    Raises:
        BadTool: it is none of those that this module names.
    """
    if isinstance(annotation, type) and annotation in SIMPLE:
        return {"type": SIMPLE[annotation]}
    if is_typeddict(annotation):
        return _fields(annotation, place)
    shape = SHAPES.get(get_origin(annotation))
    if shape is None:
        raise BadTool(f"{place} is annotated with {annotation!r}, which has no JSON Schema here")
    return shape(get_args(annotation), place)


def _list(items: tuple[Any, ...], place: str) -> Schema:
    return {"type": "array", "items": schema_of(items[0], place)}


def _dict(items: tuple[Any, ...], place: str) -> Schema:
    if items[0] is not str:
        raise BadTool(f"{place} is a dict whose keys are not str")
    return {"type": "object", "additionalProperties": schema_of(items[1], place)}


def _literal(values: tuple[Any, ...], place: str) -> Schema:
    if not all(value is None or isinstance(value, str | int | bool) for value in values):
        raise BadTool(f"{place} is a Literal of values that JSON does not have")
    return {"enum": list(values)}


def _union(items: tuple[Any, ...], place: str) -> Schema:
    return {"anyOf": [schema_of(item, place) for item in items]}


def _annotated(items: tuple[Any, ...], place: str) -> Schema:
    schema = schema_of(items[0], place)
    for extra in items[1:]:
        if isinstance(extra, str):
            schema = {**schema, "description": extra}
        elif isinstance(extra, Mapping):
            schema = {**schema, **extra}
        else:
            raise BadTool(f"{place} has an annotation that is neither a description nor keywords of JSON Schema")
    return schema


def _fields(annotation: Any, place: str) -> Schema:
    """Describe a TypedDict, whose values are plain dicts."""
    hints = get_type_hints(annotation, include_extras=True)
    return {
        "type": "object",
        "properties": {name: schema_of(hint, f"{place}, in {name!r},") for name, hint in hints.items()},
        "required": sorted(annotation.__required_keys__),
        "additionalProperties": False,
    }


def _inner(items: tuple[Any, ...], place: str) -> Schema:
    return schema_of(items[0], place)


def _without_none(annotation: Any) -> Any:
    """Return X of `X | None`, with the description it carries."""
    if get_origin(annotation) is Annotated:
        inner, *extras = get_args(annotation)
        return Annotated[(_without_none(inner), *extras)]
    if get_origin(annotation) not in UNIONS:
        return annotation
    others = tuple(item for item in get_args(annotation) if item is not type(None))
    return Union[others]  # noqa: UP007 - of a tuple


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


SHAPES: Mapping[Any, Callable[[tuple[Any, ...], str], Schema]] = {
    list: _list,
    dict: _dict,
    Literal: _literal,
    Union: _union,
    types.UnionType: _union,
    Annotated: _annotated,
    Required: _inner,
    NotRequired: _inner,
}
