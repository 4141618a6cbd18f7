import assert from "node:assert/strict";
import { test } from "node:test";

import { attemptsOf, isReplaced, latestOf, merged } from "../../../static/js/lib/run-attempts.js";
import { blockOf, placeInBlock, stepParts, subCallGroups } from "../../../static/js/lib/run-cells.js";
import { diverged, problems } from "../../../static/js/lib/run-filter.js";
import { codeOf, WorkClock, wordsOf } from "../../../static/js/lib/run-replay.js";
import { RunStore } from "../../../static/js/lib/run-store.js";
import { conversationOf } from "../../../static/js/lib/run-transcript.js";
import { visibleRows } from "../../../static/js/lib/run-tree.js";
import { Events, smallRun, takenUpRun, usage } from "./events.mjs";

function stored(events) {
  const store = new RunStore();
  for (const event of events) store.apply(event);
  return store;
}

const ids = (spans) => spans.map((span) => span.id);

test("in a run that nobody took up a span is what it is", () => {
  const store = stored(smallRun());
  assert.equal(merged(store, store.root), store.root);
  assert.equal(isReplaced(store, store.spans.get("s1")), false);
});

test("the last attempt at a path replaces the earlier ones", () => {
  const store = stored(takenUpRun());
  const [first, second] = ["s1", "s1b"].map((id) => store.spans.get(id));
  assert.deepEqual(ids(attemptsOf(store, second)), ["s1", "s1b"]);
  assert.equal(latestOf(store, first), second);
  assert.deepEqual([isReplaced(store, first), isReplaced(store, second)], [true, false]);
  assert.equal(isReplaced(store, merged(store, second)), false);
  assert.equal(store.parent(store.spans.get("x1")), second);
});

test("a step is told once, with what each attempt did of it", () => {
  const store = stored(takenUpRun());
  const root = merged(store, store.root);
  assert.deepEqual(ids(root.children), ["s1b"]);
  const { calls, cells } = stepParts(root.children[0]);
  assert.deepEqual([ids(calls), ids(cells)], [["m1"], ["x1b"]]);
  assert.deepEqual(cells[0].outputs[0].parts, ["one two"]);
  assert.deepEqual(ids(subCallGroups(cells[0])[0].spans), ["q1", "q2"]);
  assert.equal(root.children[0].sum.cost, 0.02);
  assert.deepEqual(conversationOf(root).map(({ content }) => content), ["Look."]);
});

test("a cell that is still without code has that of the attempt before", () => {
  const events = takenUpRun();
  const store = stored(events.slice(0, events.findIndex(({ span_id: id }) => id === "x1b") + 1));
  assert.equal(merged(store, store.spans.get("x1b")).code, "x = 1");
  assert.deepEqual(merged(store, store.spans.get("x1b")).outputs, []);
});

test("a selected span is found in the block of the last attempt", () => {
  const store = stored(takenUpRun());
  assert.equal(blockOf(store, store.root, store.spans.get("q1")).id, "s1b");
  assert.deepEqual(placeInBlock(store, store.root, store.spans.get("q2")), [{ group: "q1", index: 1, id: "q2" }]);
});

test("the tree folds earlier attempts under the one that replaced them", () => {
  const rows = visibleRows(stored(takenUpRun()));
  assert.deepEqual(rows.map(({ span, level }) => `${" ".repeat(level)}${span.id}`), [
    "run", " s1b", "  s1", "  m1", "  x1b", "   x1", "   q1", "   q2",
  ]);
  assert.equal(rows[2].leaf, true);
});

test("what was broken off and done again is no problem, a divergence is one", () => {
  const store = stored(takenUpRun());
  assert.deepEqual(ids(problems(store, null)), ["m1"]);
  assert.deepEqual([...diverged(store).values()], [["another reply"]]);
});

test("further attempts and what another run has paid for do not count", () => {
  const store = stored(takenUpRun());
  assert.equal(store.totals().steps, 1);
  assert.equal(store.totals().sub_calls, 2);
  const events = new Events();
  events.start("run", "run", { path: "" });
  events.start("s1", "step", { parent: "run", data: { shared: true } });
  events.start("m1", "model_call", { parent: "s1", data: { shared: true } });
  events.finish("m1", "model_call", { parent: "s1", data: { shared: { seconds: 2, usage: usage(1, 2) } } });
  const other = stored(events.all);
  const row = { span_id: "m1", parent_span_id: "s1", kind: "model_call", name: "m", depth: 0, status: "ok", started_at: "2026-01-01T00:00:00Z" };
  other.skeleton([{ ...row, path: "m1", attempt: 1, seconds: 0, first_seq: 3, preview: "", input_tokens: 0, output_tokens: 0, cost_usd: 0 }]);
  assert.equal(other.root.sum.calls, 0);
  const shared = other.totals();
  assert.deepEqual([shared.steps, shared.model_calls, shared.cost_usd], [0, 0, 0]);
});

test("the clock leaves out the time in which nobody worked", () => {
  const clock = new WorkClock();
  const at = (second) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  clock.tick(at(0), false);
  clock.tick(at(10), false);
  assert.equal(clock.tick(at(30), true), 20);
  assert.equal(clock.seconds(Date.parse(at(35))), 15);
  assert.equal(new WorkClock().seconds(5), 0);
});

test("a take-over says how long nobody worked", () => {
  const log = { message: "again", data: { code: "taken_up" }, after: 4 };
  assert.equal(codeOf(log), "taken_up");
  assert.match(wordsOf(log), /^Taken up by another worker after 4/);
  assert.match(wordsOf({ ...log, paused: true }), /^Gone on after 4/);
  assert.equal(wordsOf({ ...log, after: 0 }), "again");
  assert.equal(wordsOf({ message: "plain" }), "plain");
});
