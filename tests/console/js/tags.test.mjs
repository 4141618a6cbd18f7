import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../../static/js/lib/api.js";
import { added, others, refusal } from "../../../static/js/lib/tags.js";

test("a tag is added once, without spaces around it", () => {
  assert.deepEqual(added(["a"], " b c "), ["a", "b c"]);
  assert.deepEqual(added(["a"], "a"), ["a"]);
  assert.deepEqual(added(["a"], "  "), ["a"]);
});

test("tags that are there already are not offered", () => {
  assert.deepEqual(others(["a", "b", "c"], ["b"]), ["a", "c"]);
});

test("a refusal says what is wrong with the tag", () => {
  const errors = [{ field: "tags.1", message: "has 51 characters; 50 are allowed" }];
  assert.equal(refusal(new ApiError(422, { detail: "tags.1: has", errors })), "A tag has 51 characters; 50 are allowed");
  const many = [{ field: "tags", message: "has 21 items; 20 are allowed" }];
  assert.equal(refusal(new ApiError(422, { errors: many })), "The list has 21 items; 20 are allowed");
  assert.equal(refusal(new ApiError(403, { detail: "Your role does not permit it." })), "Your role does not permit it.");
});
