import assert from "node:assert/strict";
import { test } from "node:test";

import { nothingSpent } from "../../../static/js/lib/run-span.js";
import * as spend from "../../../static/js/lib/run-spend.js";
import { RunStore } from "../../../static/js/lib/run-store.js";
import { Events, smallRun, usage } from "./events.mjs";

function stored(events) {
  const store = new RunStore();
  for (const event of events) store.apply(event);
  return store;
}

/** A level that makes one call itself and one through a recursive sub-call, which makes a plain one in turn. */
function deepRun() {
  const events = new Events();
  const call = (id, parent, cost) => {
    events.start(id, "model_call", { parent });
    events.finish(id, "model_call", { parent, usage: usage(100, 10, cost) });
  };
  events.start("run", "run");
  events.start("s1", "step", { parent: "run" });
  call("m1", "s1", 0.01);
  events.start("x1", "execution", { parent: "s1" });
  events.start("rlm", "sub_call", { parent: "x1", name: "rlm_query" });
  events.start("s2", "step", { parent: "rlm" });
  call("m2", "s2", 0.02);
  events.start("x2", "execution", { parent: "s2" });
  events.start("llm", "sub_call", { parent: "x2", name: "llm_query" });
  call("m3", "llm", 0.04);
  return stored(events.all);
}

test("self is the level's own calls, the subtree has all below", () => {
  const { spans } = deepRun();
  const calls = (id) => [spans.get(id).self.calls, spans.get(id).sum.calls];
  assert.deepEqual(calls("run"), [1, 3]);
  assert.deepEqual(calls("s1"), [1, 3]);
  assert.deepEqual(calls("x1"), [0, 2]);
  assert.deepEqual(calls("rlm"), [1, 2]);
  assert.deepEqual(calls("x2"), [0, 1]);
  assert.deepEqual(calls("llm"), [1, 1]);
  assert.deepEqual(calls("m3"), [1, 1]);
  assert.equal(spans.get("run").self.cost, 0.01);
  assert.equal(spans.get("rlm").self.cost, 0.02);
  assert.ok(Math.abs(spans.get("rlm").sum.cost - 0.06) < 1e-12);
});

test("a skeleton and its events count once, in self as in the sum", () => {
  const store = new RunStore();
  const row = { span_id: "run", parent_span_id: null, kind: "run", name: "", depth: 0, status: "running", started_at: "2026-01-01T00:00:00Z", seconds: null };
  store.skeleton([row, { ...row, span_id: "m", parent_span_id: "run", kind: "model_call", status: "ok", seconds: 1, input_tokens: 5, output_tokens: 2, cost_usd: 0.5 }]);
  const events = new Events();
  events.finish("m", "model_call", { parent: "run", usage: { ...usage(5, 2, 0.5), cached_tokens: 3 } });
  store.apply(events.all[0]);
  assert.deepEqual(store.root.self, { ...nothingSpent(), input: 5, cached: 3, output: 2, cost: 0.5, calls: 1 });
});

test("buckets are disjoint and add up", () => {
  const spent = { ...nothingSpent(), input: 100, cached: 60, written: 15, output: 30, reasoning: 10 };
  assert.deepEqual(spend.bucketsOf(spent), { input: 25, cached: 60, written: 15, output: 20, reasoning: 10, total: 130 });
});

test("an unknown price makes a cost unknown", () => {
  assert.equal(spend.costOf({ ...nothingSpent(), cost: 0.5 }), 0.5);
  assert.equal(spend.costOf({ ...nothingSpent(), cost: 0.5, unpriced: 1 }), null);
});

test("shares are of dollars where all is priced, else of tokens", () => {
  const store = stored(smallRun());
  assert.equal(spend.weightOf(store.root), "cost");
  assert.equal(spend.shareOf(store.root, store.root), 1);
  assert.ok(Math.abs(spend.shareOf(store.spans.get("x1"), store.root) - 0.04 / 0.06) < 1e-9);
  const events = new Events();
  events.start("run", "run");
  for (const [id, input] of [["a", 75], ["b", 25]]) {
    events.start(id, "model_call", { parent: "run" });
    events.finish(id, "model_call", { parent: "run", usage: usage(input, 0, null) });
  }
  const unpriced = stored(events.all);
  assert.equal(spend.weightOf(unpriced.root), "tokens");
  assert.equal(spend.shareOf(unpriced.spans.get("a"), unpriced.root), 0.75);
  assert.equal(spend.shareOf(new RunStore().place("x"), null), 0);
});

test("the costliest calls come first, those that cost nothing not at all", () => {
  const store = deepRun();
  assert.deepEqual(spend.costliest(store).map((span) => span.id), ["m3", "m2", "m1"]);
  assert.deepEqual(spend.costliest(new RunStore()), []);
});

test("a price snapshot is told for a million tokens; cached input costs like input where nothing else is said", () => {
  const price = { input_usd: 0.25e-6, output_usd: 2e-6, cached_input_usd: null };
  assert.deepEqual(spend.pricePerMillion(price), { input: 0.25, cached: 0.25, written: 0.25, output: 2 });
  const told = spend.pricePerMillion({ ...price, cached_input_usd: 0.025e-6, cache_write_usd: 0.3e-6 });
  assert.deepEqual([told.cached.toFixed(3), told.written.toFixed(3)], ["0.025", "0.300"]);
  assert.equal(spend.pricePerMillion(null), null);
});
