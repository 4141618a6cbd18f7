import assert from "node:assert/strict";
import { test } from "node:test";

import { RunStore } from "../../../static/js/lib/run-store.js";
import { Events, smallRun, usage } from "./events.mjs";

function stored(events) {
  const store = new RunStore();
  for (const event of events) store.apply(event);
  return store;
}

test("a whole run folds into spans, sums and an answer", () => {
  const store = stored(smallRun());
  assert.equal(store.spans.size, 8);
  assert.equal(store.root.status, "ok");
  assert.equal(store.root.answer.content, "42");
  assert.equal(store.root.end.finish_reason, "submitted");
  assert.deepEqual(store.totals(), {
    input_tokens: 120,
    output_tokens: 30,
    cost_usd: 0.06,
    steps: 1,
    sub_calls: 2,
    model_calls: 3,
    max_depth: 1,
  });
  assert.deepEqual(store.budget.spent, { max_tokens: 150 });
});

test("sums reach every span above a call and no other", () => {
  const store = stored(smallRun());
  assert.equal(store.spans.get("s1").sum.input, 120);
  assert.equal(store.spans.get("x1").sum.input, 20);
  assert.equal(store.spans.get("m1").sum.input, 100);
  assert.equal(store.spans.get("q1").sum.failed, 0);
  assert.equal(store.spans.get("x1").sum.failed, 1);
  assert.equal(store.root.sum.failed, 1);
});

test("an event taken twice changes nothing", () => {
  const events = smallRun();
  const store = stored(events);
  const before = store.totals();
  for (const event of events) store.apply(event);
  assert.deepEqual(store.totals(), before);
  assert.equal(store.spans.get("x1").outputs.length, 2);
  assert.equal(store.events.length, events.length);
});

test("output pieces of one channel join, another channel stands apart", () => {
  const { outputs } = stored(smallRun()).spans.get("x1");
  assert.deepEqual(outputs.map((output) => [output.channel, output.parts.join("")]), [
    ["stdout", "one two"],
    ["stderr", "careful"],
  ]);
});

const rows = [
  { span_id: "run", parent_span_id: null, kind: "run", name: "run", depth: 0, status: "ok", started_at: "2026-01-01T00:00:00Z", seconds: 9, input_tokens: 120, output_tokens: 30, cost_usd: 0.06, preview: "How many?" },
  { span_id: "s1", parent_span_id: "run", kind: "step", name: "1", depth: 0, status: "ok", started_at: "2026-01-01T00:00:01Z", seconds: 8, input_tokens: 100, output_tokens: 20, cost_usd: 0.02, preview: "x = 1" },
  { span_id: "m1", parent_span_id: "s1", kind: "model_call", name: "openai/a", depth: 0, status: "ok", started_at: "2026-01-01T00:00:02Z", seconds: 1, input_tokens: 100, output_tokens: 20, cost_usd: 0.02, preview: "Look" },
];

test("the skeleton alone gives the tree and the sums of what it holds", () => {
  const store = new RunStore();
  store.skeleton(rows);
  assert.equal(store.root.children[0].id, "s1");
  assert.equal(store.root.preview, "How many?");
  assert.equal(store.totals().input_tokens, 100);
  assert.equal(store.totals().steps, 1);
  assert.deepEqual(store.events, []);
});

test("skeleton and events together count once, in either order", () => {
  const first = new RunStore();
  first.skeleton(rows);
  for (const event of smallRun()) first.apply(event);
  const second = stored(smallRun());
  second.skeleton(rows);
  assert.deepEqual(first.totals(), second.totals());
  assert.equal(first.totals().input_tokens, 120);
  assert.equal(first.spans.size, 8);
  assert.equal(first.root.children.length, 1);
});

test("an event after the skeleton brings cached and reasoning tokens", () => {
  const store = new RunStore();
  store.skeleton(rows);
  const events = new Events();
  events.finish("m1", "model_call", { parent: "s1", usage: { ...usage(100, 20, 0.02), cached_tokens: 60, reasoning_tokens: 5 } });
  store.apply(events.all[0]);
  assert.equal(store.spans.get("m1").own.cached, 60);
  assert.equal(store.spans.get("m1").own.reasoning, 5);
  assert.equal(store.totals().input_tokens, 100);
});

test("one unknown price makes the cost of everything above unknown", () => {
  const events = new Events();
  events.start("run", "run");
  events.start("m", "model_call", { parent: "run" });
  events.finish("m", "model_call", { parent: "run", usage: usage(5, 5, null) });
  const store = stored(events.all);
  assert.equal(store.totals().cost_usd, null);
  assert.equal(store.root.sum.unpriced, 1);
});

test("a refused sub-call is shown but not counted", () => {
  const events = new Events();
  events.start("run", "run");
  events.start("q", "sub_call", { parent: "run", name: "llm_query" });
  events.finish("q", "sub_call", { parent: "run", status: "refused" });
  const store = stored(events.all);
  assert.equal(store.totals().sub_calls, 0);
  assert.equal(store.spans.get("q").status, "refused");
});

function streaming() {
  const events = new Events();
  events.start("run", "run");
  events.start("m", "model_call", { parent: "run" });
  return [stored(events.all), events];
}

test("deltas grow the text in flight and the stored message supersedes it", () => {
  const [store, events] = streaming();
  store.delta("m", 0, "Let ");
  store.delta("m", 4, "me 🙂");
  store.delta("m", 8, "!");
  assert.equal(store.spans.get("m").live.text, "Let me 🙂!");
  assert.equal(store.spans.get("m").live.gap, false);
  store.apply(events.add("message", "m", { role: "assistant", content: "Let me see", purpose: "reply" }, { parent: "run" }));
  assert.equal(store.spans.get("m").live, null);
  store.delta("m", 9, "late");
  assert.equal(store.spans.get("m").live, null);
});

test("a delta at offset 0 voids what came before, one seen before is dropped", () => {
  const [store] = streaming();
  store.delta("m", 0, "first try");
  store.delta("m", 3, "st");
  assert.equal(store.spans.get("m").live.text, "first try");
  store.delta("m", 0, "second");
  assert.equal(store.spans.get("m").live.text, "second");
});

test("a viewer who joins in the middle sees that the beginning is missing", () => {
  const [store] = streaming();
  store.delta("m", 40, "later");
  assert.deepEqual(store.spans.get("m").live, { text: "later", points: 45, gap: true });
  store.delta("m", 60, "more");
  assert.equal(store.spans.get("m").live.text, "later … more");
});

test("a delta of an unknown span is dropped", () => {
  const [store] = streaming();
  store.delta("nowhere", 0, "x");
  assert.equal(store.spans.has("nowhere"), false);
});

test("a change marks the span and all above it, and nothing beside it", () => {
  const store = stored(smallRun());
  const before = new Map([...store.spans].map(([id, span]) => [id, span.version]));
  const events = new Events();
  events.seq = store.lastSeq;
  store.apply(events.add("log", "x1", { level: "warning", message: "slow", data: {} }, { parent: "s1" }));
  const changed = [...store.spans.keys()].filter((id) => store.spans.get(id).version !== before.get(id));
  assert.deepEqual(changed.sort(), ["run", "s1", "x1"]);
});

class CountedStore extends RunStore {
  visits = 0;

  upwards(span, visit) {
    super.upwards(span, (above) => {
      this.visits += 1;
      visit(above);
    });
  }
}

/** The store of a run with so many sub-calls in one cell, after all its events. */
function folded(calls) {
  const events = new Events();
  events.start("run", "run");
  events.start("step", "step", { parent: "run" });
  events.start("x", "execution", { parent: "step" });
  for (let index = 0; index < calls; index += 1) {
    events.start(`q${index}`, "sub_call", { parent: "x", depth: 1, name: "llm_query" });
    events.start(`m${index}`, "model_call", { parent: `q${index}`, depth: 1 });
    events.finish(`m${index}`, "model_call", { parent: `q${index}`, depth: 1, usage: usage(1, 1, 0) });
    events.finish(`q${index}`, "sub_call", { parent: "x", depth: 1 });
  }
  const store = new CountedStore();
  for (const event of events.all) store.apply(event);
  return store;
}

test("an event costs the depth of its span, whatever the run has had before", () => {
  const few = folded(100);
  const many = folded(25_000);
  assert.equal(many.spans.size, 50_003);
  assert.equal(many.totals().input_tokens, 25_000);
  const start = 1 + 2 + 3; // the run, its step and its cell
  const each = 4 + 5 + 3 * 5 + 2 * 4; // a start touches all above; an end is counted (a call), closed and touched
  assert.equal(few.visits, start + 100 * each);
  assert.equal(many.visits, start + 25_000 * each);
});
