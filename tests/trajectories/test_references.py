"""Schemas lose their references and keep their meaning."""

from typing import Any

import pytest
from pydantic import BaseModel

from rlmlab.engine.structured import unsupported
from rlmlab.errors import Invalid
from trajectories.references import resolved


class Leaf(BaseModel):
    """A leaf."""

    size: int


class Tree(BaseModel):
    """A tree."""

    best: Leaf
    leaves: list[Leaf]


def test_what_an_sdk_writes_for_nested_types_can_be_checked() -> None:
    schema = resolved(Tree.model_json_schema(), place="p")
    assert schema["properties"]["best"]["properties"]["size"] == {"title": "Size", "type": "integer"}
    assert schema["properties"]["leaves"]["items"]["required"] == ["size"]
    assert "$defs" not in schema
    assert unsupported(schema) is None


def test_what_stands_beside_a_reference_comes_before_what_it_names() -> None:
    schema = {"$ref": "#/definitions/a", "title": "b", "definitions": {"a": {"type": "string", "title": "a"}}}
    assert resolved(schema, place="p") == {"type": "string", "title": "b"}


def test_a_schema_without_references_stays() -> None:
    schema = {"type": "object", "properties": {"a": {"enum": [1, None]}}}
    assert resolved(schema, place="p") == schema


WIDE: dict[str, Any] = {
    "$ref": "#/$defs/a0",
    "$defs": {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 10} for n in range(9)} | {"a9": {}},
}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, "contains itself"),
        ({"$ref": "#/$defs/b", "$defs": {}}, "not among its own"),
        ({"$ref": "https://elsewhere.example/a"}, "not among its own"),
        (WIDE, "too large"),
    ],
)
def test_what_leads_nowhere_or_too_far_is_refused(schema: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message) as caught:
        resolved(schema, place="response_format")
    assert caught.value.errors[0].field == "response_format"
