import assert from "node:assert/strict";
import { test } from "node:test";

import * as cells from "../../../static/js/lib/run-cells.js";
import { RunStore } from "../../../static/js/lib/run-store.js";
import { Events, smallRun } from "./events.mjs";

function stored(events = smallRun()) {
  const store = new RunStore();
  for (const event of events) store.apply(event);
  return store;
}

test("a reply's prose is what stands outside its fences", () => {
  assert.equal(cells.proseOf("First.\n```repl\nx = 1\n```\nThen."), "First.\nThen.");
  assert.equal(cells.proseOf("```python\nx = '```'\n```"), "");
  assert.equal(cells.proseOf("Cut short\n```repl\nx = 1"), "Cut short");
  assert.equal(cells.proseOf("No code at all"), "No code at all");
  assert.equal(cells.proseOf("````\n```\n````\nafter"), "after");
});

test("sub-calls of one function in a row are one card with its failures, tokens and cost", () => {
  const groups = cells.subCallGroups(stored().spans.get("x1"));
  assert.equal(groups.length, 1);
  assert.equal(groups[0].name, "llm_query");
  assert.equal(groups[0].spans.length, 2);
  assert.equal(groups[0].failed, 1);
  assert.equal(groups[0].running, 0);
  assert.equal(groups[0].tokens, 30);
  assert.equal(groups[0].cost, 0.04);
});

test("another function in between starts another card", () => {
  const events = new Events();
  events.start("x", "execution");
  for (const [id, name] of [["a", "llm_query"], ["b", "rlm_query"], ["c", "llm_query"]]) {
    events.start(id, "sub_call", { parent: "x", name });
  }
  const groups = cells.subCallGroups(stored(events.all).spans.get("x"));
  assert.deepEqual(groups.map((group) => [group.name, group.running]), [["llm_query", 1], ["rlm_query", 1], ["llm_query", 1]]);
});

test("a plain sub-call is looked at in the level that made it, a recursive one is a level itself", () => {
  const events = new Events();
  events.start("run", "run");
  events.start("s", "step", { parent: "run" });
  events.start("x", "execution", { parent: "s" });
  events.start("llm", "sub_call", { parent: "x", name: "llm_query" });
  events.start("rlm", "sub_call", { parent: "x", name: "rlm_query" });
  events.start("s2", "step", { parent: "rlm", depth: 1 });
  const store = stored(events.all);
  const level = (id) => cells.levelOf(store, store.spans.get(id)).id;
  assert.equal(level("llm"), "run");
  assert.equal(level("rlm"), "rlm");
  assert.equal(level("s2"), "rlm");
  assert.equal(level("run"), "run");
  assert.deepEqual(cells.levelPath(store, store.spans.get("rlm")).map((span) => span.id), ["run", "rlm"]);
  assert.equal(cells.blockOf(store, store.root, store.spans.get("llm")).id, "s");
  assert.equal(cells.blockOf(store, store.root, store.root), null);
});

test("a step shows its call, its cell and its nudges", () => {
  const store = stored();
  const parts = cells.stepParts(store.spans.get("s1"));
  assert.deepEqual(parts.calls.map((span) => span.id), ["m1"]);
  assert.deepEqual(parts.cells.map((span) => span.id), ["x1"]);
  assert.deepEqual(parts.notes, []);
  assert.equal(cells.replyOf(parts.calls[0]).startsWith("Look:"), true);
});

test("a long output is cut and says by how much", () => {
  const output = { channel: "stdout", parts: ["abc", "defg"], truncated: false };
  assert.deepEqual(cells.shownOutput(output, 5), ["abcde", 2]);
  assert.deepEqual(cells.shownOutput(output, 50), ["abcdefg", 0]);
});

test("the cards that hold a span are named from the outermost", () => {
  const store = stored();
  const place = (id) => cells.placeInBlock(store, store.root, store.spans.get(id));
  assert.deepEqual(place("q2"), [{ group: "q1", index: 1, id: "q2" }]);
  assert.deepEqual(place("mq2"), place("q2"));
  assert.deepEqual(place("x1"), []);
});

test("a summary's call stands apart from that of the step", () => {
  const events = new Events();
  events.start("run", "run");
  events.start("s1", "step", { parent: "run" });
  events.start("m1", "model_call", { parent: "s1", data: { purpose: "step" } });
  events.start("h1", "model_call", { parent: "s1", data: { purpose: "compaction" } });
  const store = new RunStore();
  for (const event of events.all) store.apply(event);
  const parts = cells.stepParts(store.spans.get("s1"));
  assert.deepEqual([parts.calls, parts.summaries].map((spans) => spans.map((span) => span.id)), [["m1"], ["h1"]]);
});
