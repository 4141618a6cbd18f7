"""JSON Schemas without references: what an SDK writes for nested types, as the checker of answers reads it."""

from collections.abc import Mapping
from typing import Any, Final

from rlmlab.errors import Invalid

PREFIXES: Final = ("#/$defs/", "#/definitions/")
DEFINITIONS: Final = ("$defs", "definitions")
DEEPEST: Final = 32
MOST_PLACES: Final = 10_000


def resolved(schema: Mapping[str, Any], *, place: str) -> dict[str, Any]:
    """Put in place of each reference into the schema's own definitions what it names.

    Raises:
        Invalid: a reference leads elsewhere, to nothing or round in a circle, or the schema gets too large.
    """
    definitions = {
        f"#/{part}/{name}": value for part in DEFINITIONS for name, value in dict(schema.get(part) or {}).items()
    }
    whole = {name: value for name, value in schema.items() if name not in DEFINITIONS}
    found: dict[str, Any] = _Resolver(definitions, place).value(whole, ())
    return found


class _Resolver:
    def __init__(self, definitions: Mapping[str, Any], place: str) -> None:
        self._definitions = definitions
        self._place = place
        self._left = MOST_PLACES

    def value(self, node: Any, inside: tuple[str, ...], depth: int = 0) -> Any:
        self._left -= 1
        if self._left < 0 or depth > 2 * DEEPEST:
            raise Invalid.field(self._place, "is too large, or nested too deeply")
        if isinstance(node, list):
            return [self.value(part, inside, depth + 1) for part in node]
        if not isinstance(node, dict):
            return node
        if isinstance(name := node.get("$ref"), str):
            beside = {key: value for key, value in node.items() if key != "$ref"}
            return self.value({**self._named(name, inside), **beside}, (*inside, name), depth + 1)
        return {key: self.value(part, inside, depth + 1) for key, part in node.items()}

    def _named(self, name: str, inside: tuple[str, ...]) -> dict[str, Any]:
        if name in inside:
            raise Invalid.field(self._place, f"{name} contains itself, which cannot be checked")
        found = self._definitions.get(name)
        if not isinstance(found, dict):
            raise Invalid.field(self._place, f"{name} is not among its own definitions")
        return found
