import assert from "node:assert/strict";
import { test } from "node:test";

import { placed, schemaOf } from "../../../static/js/lib/schema-field.js";

test("an empty field is no schema", () => {
  assert.deepEqual(schemaOf(" \n"), { value: null });
});

test("a schema is what was typed", () => {
  assert.deepEqual(schemaOf('{"type": "integer"}'), { value: { type: "integer" } });
});

test("what is no JSON is told where it stops being one", () => {
  assert.match(schemaOf('{"type": }').problem, /^This is not JSON: .*position 9|^This is not JSON: /);
});

for (const text of ["[]", "null", "3", '"x"', "true"]) {
  test(`${text} is no schema`, () => {
    assert.deepEqual(schemaOf(text), { problem: "A JSON Schema is an object: { … }" });
  });
}

test("a message stands behind its place in the schema", () => {
  assert.equal(placed("response_schema.properties.a.pattern", "is not supported"), "properties.a.pattern: is not supported");
  assert.equal(placed("body.response_schema", "must be an object"), "must be an object");
});
