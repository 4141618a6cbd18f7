import assert from "node:assert/strict";
import { test } from "node:test";

import { clean, codePoints, preview, readable } from "../../../static/js/lib/text.js";

test("control characters, terminal escapes and bidirectional overrides are stripped", () => {
  assert.equal(clean("a\u0000b\u0007c\td\ne"), "abc\td\ne");
  assert.equal(clean("\u001b[31mred\u001b[0m \u001b]8;;http://x\u0007link"), "red link");
  assert.equal(clean("safe\u202eexe.txt\u2066"), "safeexe.txt");
  assert.equal(clean("one\r\ntwo\rthree"), "one\ntwo\nthree");
});

test("a preview is one short line", () => {
  assert.equal(preview("  a\n\n b\t c "), "a b c");
  assert.equal(preview("x".repeat(300), 10), `${"x".repeat(9)}…`);
});

test("code points are counted as Python counts them", () => {
  assert.equal(codePoints("abc"), 3);
  assert.equal(codePoints("a🙂b"), 3);
  assert.equal(codePoints("\ud83d"), 1);
  assert.equal(codePoints(""), 0);
});

test("a value of any shape is readable", () => {
  assert.equal(readable("text"), "text");
  assert.equal(readable({ a: [1] }), '{\n  "a": [\n    1\n  ]\n}');
  assert.equal(readable(null), "");
  assert.equal(readable(0), "0");
});
