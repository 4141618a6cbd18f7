"""The subset of JSON Schema that answers are checked against."""

import json

import pytest

from rlmlab.engine.structured import fit, mismatch, unsupported

MATCHING = [
    ({"type": "null"}, None),
    ({"type": "integer"}, 3),
    ({"type": "integer"}, 3.0),
    ({"type": "number"}, 1.5),
    ({"type": ["string", "null"]}, None),
    ({"enum": [1, "a"]}, 1.0),
    ({"const": {"a": [1]}}, {"a": [1]}),
    ({"properties": {"a": {"type": "string"}}}, {"a": "x", "b": 1}),
    ({"properties": {"a": True}, "additionalProperties": {"type": "integer"}}, {"a": "x", "b": 1}),
    ({"items": {"type": "integer"}, "minItems": 1, "maxItems": 2}, [1, 2]),
    ({"anyOf": [{"type": "string"}, {"minimum": 3}]}, 3),
    ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, 3),
    ({"allOf": [{"minimum": 1}, {"maximum": 3}]}, 2),
    ({"minLength": 1, "maxLength": 2, "format": "email", "title": "t"}, "ab"),
    ({"exclusiveMinimum": 1, "exclusiveMaximum": 2}, 1.5),
    ({"minimum": 5, "minLength": 5, "items": False, "required": ["a"]}, None),
    ({"properties": {"a": {"type": "string"}}}, [1]),
    ({"additionalProperties": False}, "no object"),
    (True, "anything"),
    ({}, "anything"),
]
DIFFERING = [
    ({"type": "integer"}, True, "answer: must be of type integer"),
    ({"type": "integer"}, 1.5, "answer: must be of type integer"),
    ({"type": ["string", "null"]}, 1, "answer: must be of type string or null"),
    ({"enum": [1, "a"]}, True, 'answer: must be one of [1, "a"]'),
    ({"const": 0}, False, "answer: must be 0"),
    ({"required": ["a", "b"]}, {"a": 1}, "answer: lacks 'b'"),
    ({"properties": {"a": {"type": "string"}}}, {"a": 1}, "answer.a: must be of type string"),
    ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1, "b": 2}, "answer: must not have 'b'"),
    ({"additionalProperties": {"type": "null"}}, {"a": 1}, "answer.a: must be of type null"),
    ({"items": {"items": {"type": "string"}}}, [["a"], ["b", 1]], "answer[1][1]: must be of type string"),
    ({"minItems": 2}, [1], "answer: must have at least this many items: 2"),
    ({"maxItems": 0}, [1], "answer: must have at most this many items: 0"),
    ({"minimum": 2}, 1, "answer: must be at least 2"),
    ({"maximum": 2}, 3, "answer: must be at most 2"),
    ({"exclusiveMinimum": 2}, 2, "answer: must be more than 2"),
    ({"exclusiveMaximum": 2}, 2, "answer: must be less than 2"),
    ({"minLength": 2}, "a", "answer: must have at least this many characters: 2"),
    ({"maxLength": 2}, "abc", "answer: must have at most this many characters: 2"),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, "answer: matches none of its forms"),
    ({"oneOf": [{"minimum": 1}, {"maximum": 3}]}, 2, "answer: must match exactly one of its forms, matches 2"),
    ({"allOf": [{"minimum": 1}, {"maximum": 3}]}, 4, "answer: must be at most 3"),
    (False, 1, "answer: nothing is allowed here"),
]


@pytest.mark.parametrize(("schema", "value"), MATCHING)
def test_matching_value_has_no_mismatch(schema: object, value: object) -> None:
    assert unsupported(schema) is None
    assert mismatch(value, schema) is None


@pytest.mark.parametrize(("schema", "value", "problem"), DIFFERING)
def test_differing_value_is_told_where_and_how(schema: object, value: object, problem: str) -> None:
    assert unsupported(schema) is None
    assert mismatch(value, schema) == problem


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ([], "response_schema: must be a JSON Schema object"),
        ({"$ref": "http://169.254.169.254/"}, "response_schema.$ref: this keyword is not supported"),
        ({"pattern": "(a+)+$"}, "response_schema.pattern: this keyword is not supported"),
        (
            {"type": "text"},
            "response_schema.type: must name types among null, boolean, integer, number, string, array, object",
        ),
        (
            {"type": []},
            "response_schema.type: must name types among null, boolean, integer, number, string, array, object",
        ),
        ({"properties": []}, "response_schema.properties: must be an object"),
        ({"required": "a"}, "response_schema.required: must be a list"),
        ({"minimum": True}, "response_schema.minimum: must be a number"),
        (
            {"properties": {"a": {"items": {"not": {}}}}},
            "response_schema.properties.a.items.not: this keyword is not supported",
        ),
        ({"anyOf": [True, 3]}, "response_schema.anyOf.1: must be a JSON Schema object"),
        (
            {"additionalProperties": {"$defs": {}}},
            "response_schema.additionalProperties.$defs: this keyword is not supported",
        ),
    ],
)
def test_schema_beyond_the_subset_is_named(schema: object, problem: str) -> None:
    assert unsupported(schema) == problem


def test_schema_that_nests_too_deep_is_named() -> None:
    schema: dict[str, object] = {}
    for _ in range(40):
        schema = {"items": schema}
    assert unsupported(schema).endswith(": nests too deep")


@pytest.mark.parametrize(
    ("value", "fitted"),
    [('{"n": 1}', {"n": 1}), ('```json\n{"n": 1}\n```', {"n": 1}), ({"n": 2}, {"n": 2})],
)
def test_text_of_json_fits_as_what_it_says(value: object, fitted: object) -> None:
    schema = {"type": "object", "required": ["n"]}
    assert fit(value, schema) == (fitted, None)


def test_text_that_is_wanted_stays_text() -> None:
    assert fit("[1]", {"type": "string"}) == ("[1]", None)


@pytest.mark.parametrize("value", ["no json", json.dumps([1]), 5])
def test_what_does_not_fit_keeps_its_problem(value: object) -> None:
    _, problem = fit(value, {"type": "object"})
    assert problem == "answer: must be of type object"
