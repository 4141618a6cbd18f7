import assert from "node:assert/strict";
import { test } from "node:test";

import { changesIn, diffOf } from "../../../static/js/lib/diff.js";

const shown = (before, after) => diffOf(before, after).map(({ kind, text }) => `${{ same: "=", gone: "-", new: "+" }[kind]}${text}`);
const side = (pieces, other) => pieces.filter(({ kind }) => kind !== other).map(({ text }) => text).join("");

test("words that differ are told from those that stay", () => {
  assert.deepEqual(shown("There are 42 birds.", "There are 43 small birds."), ["=There are ", "-42", "+43 small", "= birds."]);
  assert.deepEqual(shown("same", "same"), ["=same"]);
  assert.deepEqual(shown("", "new"), ["+new"]);
  assert.deepEqual(shown("old", ""), ["-old"]);
  assert.deepEqual(shown("", ""), []);
});

test("punctuation, letters of any script and line ends are words of their own", () => {
  assert.deepEqual(shown("größer, a", "größer; a"), ["=größer", "-,", "+;", "= a"]);
  assert.deepEqual(shown("a\nb", "a\nc\nb"), ["=a\n", "+c\n", "=b"]);
});

test("what is gone comes before what is new", () => {
  assert.deepEqual(shown("x 1 y", "z 2 y"), ["-x", "+z", "= ", "-1", "+2", "= y"]);
});

test("both texts can be read from the pieces, whatever they are", () => {
  const texts = ["", "a", "a b c", "b a c", "c c c", "a\n\nb", "a, b; c", "x".repeat(50), "a b a b a b", "b a b a"];
  for (const before of texts) {
    for (const after of texts) {
      const pieces = diffOf(before, after);
      assert.equal(side(pieces, "new"), before);
      assert.equal(side(pieces, "gone"), after);
      assert.ok(pieces.every((piece, index) => piece.kind !== pieces[index + 1]?.kind));
    }
  }
});

test("long texts are compared by line, and enormous ones not at all, in little time", () => {
  const long = Array.from({ length: 1_000 }, (_, index) => `line ${index} of a long answer\n`);
  const other = long.map((line, index) => (index % 500 === 1 ? "another\n" : line));
  assert.deepEqual(changesIn(diffOf(long.join(""), other.join(""))), { gone: 2, new: 2 });
  const [huge, huger] = ["a ", "b "].map((word) => Array.from({ length: 20_000 }, (_, index) => `${word}${index}\n`).join(""));
  assert.deepEqual(changesIn(diffOf(huge, huger)), { gone: 1, new: 1 });
});

test("a difference at one end of a long text leaves the rest as it is", () => {
  const long = "word ".repeat(20_000);
  assert.deepEqual(shown(`${long}\na`, `${long}\nb`).slice(1), ["-a", "+b"]);
});
