"""The subset of JSON Schema that answers are checked against."""

import json
from typing import Literal

import pytest
from pydantic import BaseModel

from rlmlab.engine.structured import fit, fit_reply, mismatch, unsupported


class Node(BaseModel):
    name: str
    kind: Literal["leaf", "branch"] = "branch"
    children: list["Node"] = []


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
    ({"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": {"type": "null"}}, ["a", 1, None]),
    ({"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False}, ["a"]),
    ({"minProperties": 1, "maxProperties": 2}, {"a": 1}),
    ({"uniqueItems": True}, [1, True, "1", [1], {"a": 1}, {"a": 2}, None]),
    ({"uniqueItems": False}, [1, 1]),
    ({"multipleOf": 0.1}, 0.3),
    ({"multipleOf": 3}, 10**400 - 1),
    ({"type": "string", "nullable": True}, None),
    ({"$defs": {"Name": {"type": "string"}}, "items": {"$ref": "#/$defs/Name"}}, ["a"]),
    ({"definitions": {"a/b": {"type": "string"}}, "$ref": "#/definitions/a~1b"}, "x"),
    ({"properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["next"]}, {"next": None}),
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
    ({"prefixItems": [{"type": "string"}], "items": False}, ["a", 1], "answer[1]: nothing is allowed here"),
    ({"prefixItems": [{"type": "string"}]}, [1], "answer[0]: must be of type string"),
    ({"minProperties": 1}, {}, "answer: must have at least this many properties: 1"),
    ({"maxProperties": 0}, {"a": 1}, "answer: must have at most this many properties: 0"),
    (
        {"uniqueItems": True},
        [{"a": [1]}, 2, {"a": [1.0]}],
        "answer: must not have an item twice, but [0] and [2] are the same",
    ),
    ({"multipleOf": 3}, 10**400, "answer: must be a multiple of 3"),
    ({"multipleOf": 0.5}, 10**400, "answer: must be a multiple of 0.5"),
    ({"multipleOf": 0.1}, 0.35, "answer: must be a multiple of 0.1"),
    ({"enum": [[1], {"a": True}]}, {"a": 1}, 'answer: must be one of [[1], {"a": true}]'),
    ({"enum": ["x" * 600]}, 1, f"""answer: must be one of ["{"x" * 498}…"""),
    ({"type": "string", "nullable": False}, None, "answer: must be of type string"),
    ({"$defs": {"Age": {"minimum": 0}}, "items": {"$ref": "#/$defs/Age"}}, [1, -1], "answer[1]: must be at least 0"),
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
        (
            {"$ref": "http://169.254.169.254/"},
            "response_schema.$ref: must name one of the schema's own definitions, such as #/$defs/Name",
        ),
        (
            {"$defs": {"A": {}}, "items": {"$ref": "#/$defs/B"}},
            "response_schema.items.$ref: must name one of the schema's own definitions, such as #/$defs/Name",
        ),
        ({"$ref": ["#"]}, "response_schema.$ref: must name one of the schema's own definitions, such as #/$defs/Name"),
        ({"required": [{}]}, "response_schema.required: must be a list of names"),
        ({"uniqueItems": 1}, "response_schema.uniqueItems: must be true or false"),
        ({"multipleOf": 0}, "response_schema.multipleOf: must be more than 0"),
        ({"$defs": {"A": {"pattern": "a"}}}, "response_schema.$defs.A.pattern: this keyword is not supported"),
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
            "response_schema.additionalProperties.$defs: can only stand at the top of a schema",
        ),
    ],
)
def test_schema_beyond_the_subset_is_named(schema: object, problem: str) -> None:
    assert unsupported(schema) == problem


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ({"$ref": "#"}, "#"),
        ({"$defs": {"A": {"$ref": "#/$defs/A"}}}, "#/$defs/A"),
        ({"$defs": {"A": {"anyOf": [{"$ref": "#/$defs/B"}]}, "B": {"allOf": [{"$ref": "#/$defs/A"}]}}}, "#/$defs/A"),
        ({"$defs": {str(n): {"$ref": f"#/$defs/{n + 1}"} for n in range(50)} | {"50": True}}, "#/$defs/0"),
    ],
)
def test_reference_that_goes_round_without_going_deeper_is_refused(schema: object, name: str) -> None:
    problem = f"response_schema: {name} refers to itself, or through more than 32 others, without going deeper"
    assert unsupported(schema) == problem


def test_pydantic_model_that_contains_itself_is_checked() -> None:
    schema = Node.model_json_schema()
    assert unsupported(schema) is None
    assert mismatch({"name": "a", "children": [{"name": "b", "kind": "leaf"}]}, schema) is None
    wrong = {"name": "a", "children": [{"name": "b", "children": [{"name": 1}]}]}
    assert mismatch(wrong, schema) == "answer.children[0].children[0].name: must be of type string"


def test_definitions_that_double_at_each_level_end_the_check() -> None:
    both = {f"D{n}": {"anyOf": [{"$ref": f"#/$defs/D{n + 1}"}] * 2} for n in range(30)}
    schema = {"$defs": {**both, "D30": {"type": "string"}}, "$ref": "#/$defs/D0"}
    assert unsupported(schema) is None
    assert mismatch(1, schema) == "answer: would take too long to check"


def test_value_that_is_deeper_than_python_can_follow_ends_the_check() -> None:
    schema = {"items": {"$ref": "#"}}
    deep: object = []
    for _ in range(400):
        deep = [deep]
    assert mismatch(deep, schema) == "answer: nests too deep to be checked"


def test_schema_that_is_too_long_is_refused() -> None:
    assert unsupported({"const": "x" * 50_001}) == "response_schema: has 50,014 characters as JSON; 50,000 are allowed"


def test_schema_with_a_value_nested_beyond_the_stack_is_refused() -> None:
    deep: object = []
    for _ in range(100_000):
        deep = [deep]
    assert unsupported({"const": deep}) == "response_schema: nests too deep"


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


OBJECT = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ('{"n": 1}', OBJECT, {"n": 1}),
        ('Here it is:\n```json\n{"n": 1}\n```\nDone.', OBJECT, {"n": 1}),
        ('"Ada"', {"type": "string"}, "Ada"),
        (" Ada\n", {"type": "string"}, "Ada"),
        ("42", {"type": "string"}, "42"),
        ("42", {}, 42),
        ('["a\\u0000b"]', {}, ["a\ufffdb"]),
    ],
)
def test_reply_is_read_as_the_json_that_is_wanted(text: str, schema: dict, value: object) -> None:
    assert fit_reply(text, schema) == (value, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"n": "1"}', "reply.n: must be of type integer"),
        ("n is 1", "reply: is not JSON (Expecting value: line 1 column 1 (char 0))"),
        ('{"n": NaN}', "reply: is not JSON (JSON has no NaN)"),
        ("[" * 100_000, "reply: is not JSON (nests too deep)"),
        ('{"n": 1e999}', "reply.n: must be of type integer"),
        ("```json\n1\n```\n```json\n2\n```", "reply: is not JSON (Expecting value: line 1 column 1 (char 0))"),
    ],
)
def test_reply_that_differs_is_told_how(text: str, problem: str) -> None:
    assert fit_reply(text, OBJECT)[1] == problem


def test_reply_that_was_cut_is_told_to_be_shorter() -> None:
    problem = "reply: was cut at the output limit before its JSON ended; write less"
    assert fit_reply('{"n": 1', OBJECT, cut=True)[1] == problem
    assert fit_reply('{"n": 1', {"type": "string"}, cut=True)[1] == problem
