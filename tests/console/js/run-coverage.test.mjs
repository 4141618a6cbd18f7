import assert from "node:assert/strict";
import { test } from "node:test";
import { barsOf, bytesOf, seamsOf } from "../../../static/js/lib/run-coverage.js";

test("ranges of bytes become bars that can be seen", () => {
  assert.deepEqual(barsOf([0, 500, 900, 901], 1000), [{ x: 0, width: 500 }, { x: 900, width: 1 }]);
  assert.deepEqual(barsOf([10, 11], 1_000_000), [{ x: 0.01, width: 1 }]);
  assert.deepEqual(barsOf([], 10), []);
});

test("files are divided by seams, with none before the first", () => {
  assert.deepEqual(seamsOf([{ name: "a", start: 0 }, { name: "b", start: 50 }], 100), [{ name: "b", x: 500 }]);
  assert.deepEqual(seamsOf([{ name: "", start: 0 }], 100), []);
});

test("bytes of ranges are summed", () => {
  assert.equal(bytesOf([0, 5, 10, 12]), 7);
  assert.equal(bytesOf([]), 0);
});
