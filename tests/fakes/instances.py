"""The smallest value that a JSON Schema allows, for scripted models that are asked to keep to one."""

from collections.abc import Mapping
from typing import Any

_EMPTY: Mapping[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "null": None}


def instance_of(schema: Mapping[str, Any]) -> Any:
    """Make a value: required properties only, the first of an enumeration, numbers at their minimum."""
    for fixed in ("const", "default"):
        if fixed in schema:
            return schema[fixed]
    if "enum" in schema:
        return schema["enum"][0]
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return instance_of(choices[0])
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: instance_of(properties.get(name, {"type": "string"})) for name in schema.get("required", ())}
    if kind == "array":
        return [instance_of(schema.get("items", {"type": "string"}))] * schema.get("minItems", 0)
    if kind == "string":
        return "x" * schema.get("minLength", 0)
    return schema.get("minimum", _EMPTY[kind])
