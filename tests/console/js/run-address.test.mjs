import assert from "node:assert/strict";
import { test } from "node:test";

import { linkTo, readAddress, writeAddress } from "../../../static/js/lib/run-address.js";

const PAGE = "https://lab.example/runs/1";
const DEFAULTS = { span: "", view: "tree", kind: "", find: "", show: "cells", at: "", tab: "" };

test("an address without state is the default, and the default leaves no trace", () => {
  assert.deepEqual(readAddress(""), DEFAULTS);
  assert.equal(writeAddress(PAGE, DEFAULTS), PAGE);
});

test("what is written is read again", () => {
  const state = { span: "ab12", view: "timeline", kind: "model_call", find: 'a "b" & c', show: "raw", at: "17", tab: "rate" };
  const href = writeAddress(PAGE, state);
  assert.deepEqual(readAddress(new URL(href).search), state);
});

test("what is not understood is the default, and a text has an end", () => {
  const state = readAddress(`?view=map&kind=node&show=&find=${"x".repeat(500)}`);
  assert.deepEqual({ ...state, find: state.find.length }, { ...DEFAULTS, find: 200 });
});

test("other parameters stay", () => {
  assert.equal(writeAddress(`${PAGE}?utm=1&view=errors`, { ...DEFAULTS, span: "a" }), `${PAGE}?utm=1&span=a`);
});

test("a link names its target and nothing of how its reader looked at it", () => {
  assert.equal(linkTo(`${PAGE}?view=timeline&find=x#top`, { span: "ab" }), `${PAGE}?span=ab`);
  assert.equal(linkTo(PAGE, { span: "ab", show: "transcript", at: 12 }), `${PAGE}?span=ab&show=transcript&at=12`);
  assert.equal(linkTo(`${PAGE}?span=ab`, {}), PAGE);
});
