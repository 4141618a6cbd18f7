import assert from "node:assert/strict";
import { test } from "node:test";

import { memoryOf } from "../../../static/js/lib/run-memory.js";
import { RunStore } from "../../../static/js/lib/run-store.js";
import { Events } from "./events.mjs";

const item = (id) => ({ id, text: `text of ${id}`, kind: "fact", trust: "user_stated" });

function remembering() {
  const events = new Events();
  events.start("run", "run");
  events.add("memory", "run", { action: "recalled", data: { pinned: true, items: [item("p")] } });
  events.start("a", "tool_call", { parent: "run", name: "recall" });
  events.add("memory", "a", { action: "recalled", data: { query: "x", items: [item("1"), item("2")] } });
  events.start("b", "tool_call", { parent: "run", name: "recall" });
  events.add("memory", "b", { action: "recalled", data: { query: "y", items: [item("2")] } });
  events.start("c", "tool_call", { parent: "run", name: "recall" });
  events.add("memory", "c", { action: "recalled", data: { query: "z", items: [] } });
  events.start("d", "tool_call", { parent: "run", name: "remember" });
  events.add("memory", "d", { action: "remembered", data: { id: "3", text: "new", created: true } });
  events.add("memory", "d", { action: "remembered", data: { id: "3", text: "new", created: false } });
  const store = new RunStore();
  for (const event of events.all) store.apply(event);
  return store;
}

test("a run's memory is told once for each memory", () => {
  const found = memoryOf(remembering().memories);
  assert.deepEqual(found.pinned.map(({ id }) => id), ["p"]);
  assert.deepEqual(found.recalled.map(({ id, times }) => [id, times]), [["1", 1], ["2", 2]]);
  assert.deepEqual(found.kept, [{ id: "3", text: "new", created: true }]);
  assert.deepEqual([found.searches, found.unfound], [3, 1]);
});

test("a run without memory has none", () => {
  assert.deepEqual(memoryOf([]), { pinned: [], recalled: [], kept: [], searches: 0, unfound: 0 });
});

test("a span has what was recalled in it, and no log of it", () => {
  const store = remembering();
  assert.deepEqual(store.spans.get("b").memories, [{ action: "recalled", data: { query: "y", items: [item("2")] } }]);
  assert.deepEqual(store.spans.get("b").logs, []);
  assert.deepEqual(store.memories.map(({ span, seq }) => [span, seq]), [["run", 2], ["a", 4], ["b", 6], ["c", 8], ["d", 10], ["d", 11]]);
});
