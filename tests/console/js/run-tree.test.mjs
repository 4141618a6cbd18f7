import assert from "node:assert/strict";
import { test } from "node:test";

import { RunStore } from "../../../static/js/lib/run-store.js";
import { isBad, reveal, visibleRows, windowOf } from "../../../static/js/lib/run-tree.js";
import { Events, smallRun } from "./events.mjs";

function stored(events) {
  const store = new RunStore();
  for (const event of events) store.apply(event);
  return store;
}

const shown = (rows) => rows.map((row) => `${" ".repeat(row.level)}${row.span.id}`);

test("steps and cells stand open, finished sub-calls closed", () => {
  const rows = visibleRows(stored(smallRun()));
  assert.deepEqual(shown(rows), ["run", " s1", "  m1", "  x1", "   q1", "   q2"]);
  assert.equal(rows[4].open, false);
  assert.equal(rows[4].leaf, false);
  assert.equal(rows[2].leaf, true);
});

test("a cell with a large batch stays closed until it is opened", () => {
  const events = new Events();
  events.start("run", "run");
  events.start("x", "execution", { parent: "run" });
  for (let index = 0; index < 13; index += 1) events.start(`q${index}`, "sub_call", { parent: "x", name: "llm_query" });
  assert.deepEqual(shown(visibleRows(stored(events.all))), ["run", " x"]);
  assert.equal(visibleRows(stored(events.all), { toggled: new Map([["x", true]]) }).length, 15);
});

test("what the reader toggled wins", () => {
  const store = stored(smallRun());
  assert.deepEqual(shown(visibleRows(store, { toggled: new Map([["s1", false]]) })), ["run", " s1"]);
  assert.ok(shown(visibleRows(store, { toggled: new Map([["q1", true]]) })).includes("    mq1"));
});

test("a filter keeps the ways to what it accepts", () => {
  assert.deepEqual(shown(visibleRows(stored(smallRun()), { matches: isBad })), ["run", " s1", "  x1", "   q2"]);
});

test("reveal opens everything above a span", () => {
  const store = stored(smallRun());
  const toggled = reveal(store, store.spans.get("mq1"), new Map([["s1", false]]));
  assert.ok(shown(visibleRows(store, { toggled })).includes("    mq1"));
});

test("an empty store has no rows", () => {
  assert.deepEqual(visibleRows(new RunStore()), []);
});

test("a tree ten thousand levels deep does not exhaust the stack", () => {
  const events = new Events();
  events.start("run", "run");
  let parent = "run";
  for (let index = 0; index < 10_000; index += 1) {
    events.all.push({ ...events.start(`s${index}`, "step", { parent }) });
    events.all.pop();
    parent = `s${index}`;
  }
  const store = new RunStore();
  store.skeleton(events.all.map((event) => ({ ...event, kind: event.payload.kind, name: "", status: "running" })));
  assert.equal(visibleRows(store).length, 10_001);
});

test("the window covers the viewport and a margin, within the list", () => {
  assert.deepEqual(windowOf(0, 280, 28, 1000), [0, 22]);
  assert.deepEqual(windowOf(2800, 280, 28, 1000), [88, 122]);
  assert.deepEqual(windowOf(27_900, 280, 28, 1000), [984, 1000]);
  assert.deepEqual(windowOf(0, 280, 28, 3), [0, 3]);
});

test("the window goes on by steps, and never without its margin", () => {
  const options = { margin: 8, step: 8 };
  assert.deepEqual(windowOf(2800, 280, 28, 1000, options), [88, 120]);
  const windows = new Set();
  for (let top = 2800; top < 2800 + 80 * 28; top += 7) {
    const [first, last] = windowOf(top, 280, 28, 1000, options);
    assert.ok(first * 28 <= top - 8 * 28 && last * 28 >= top + 280 + 8 * 28, `${top}: ${first} to ${last}`);
    windows.add(`${first} ${last}`);
  }
  assert.ok(windows.size <= 21, `${windows.size} windows for eighty rows`);
});
