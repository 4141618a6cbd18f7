import assert from "node:assert/strict";
import { test } from "node:test";

import { forkBody, planOf, seqBefore, sharedUpTo, stepBehind, stepsOf } from "../../../static/js/lib/run-fork.js";
import { RunStore } from "../../../static/js/lib/run-store.js";
import { Events, smallRun, usage } from "./events.mjs";

function stored(events) {
  const store = new RunStore();
  for (const event of events) store.apply(event);
  return store;
}

/** Two steps, a call each; of the second another attempt. */
function twoSteps() {
  const events = new Events();
  events.start("run", "run");
  for (const [id, path, cost] of [["1", "1", 0.02], ["2", "2", null], ["2b", "2", 0.03]]) {
    events.start(`s${id}`, "step", { parent: "run" }).payload.path = path;
    events.start(`m${id}`, "model_call", { parent: `s${id}` });
    events.finish(`m${id}`, "model_call", { parent: `s${id}`, usage: usage(10, 5, cost) });
    events.finish(`s${id}`, "step", { parent: "run" });
  }
  return stored(events.all);
}

test("steps are listed once, with the last attempt at each", () => {
  assert.deepEqual(stepsOf(twoSteps()).map(({ id, seq }) => [id, seq]), [["s1", 2], ["s2b", 10]]);
});

test("the step behind an event is the first that is made anew", () => {
  const steps = stepsOf(twoSteps());
  assert.equal(stepBehind(steps, 1).id, "s1");
  assert.equal(stepBehind(steps, 4).id, "s2b");
  assert.equal(stepBehind(steps, 10), null);
  assert.equal(seqBefore(steps[1], 99), 9);
  assert.equal(seqBefore(null, 99), 99);
});

test("what is shared is counted up to an event", () => {
  const store = twoSteps();
  assert.deepEqual(sharedUpTo(store, 1), { steps: 0, calls: 0, cost: 0 });
  assert.deepEqual(sharedUpTo(store, 5), { steps: 1, calls: 1, cost: 0.02 });
  assert.equal(sharedUpTo(store, 99).cost, null);
  assert.equal(sharedUpTo(stored(smallRun()), 99).calls, 3);
});

test("the plan says what costs nothing and what is made anew", () => {
  const asked = planOf({ steps: 2, calls: 5, cost: 0.5 }, "Step 3", { hasCode: false, model: "gpt-5" });
  assert.equal(asked.shared, "Replayed without cost: 2 steps, 5 model calls, $0.500 saved.");
  assert.equal(asked.anew, "Made anew: Step 3 asks gpt-5, and all that follows. The cells before it run again, to rebuild the REPL.");
  const unpriced = planOf({ steps: 1, calls: 1, cost: null }, "Step 2", { hasCode: true, model: "gpt-5" });
  assert.match(unpriced.shared, /1 step, 1 model call; what they cost is not known/);
  assert.match(unpriced.anew, /runs your code, without asking the model/);
  assert.match(planOf({ steps: 0, calls: 0, cost: 0 }, "Step 1", { hasCode: false, model: "m" }).shared, /Nothing is replayed/);
});

test("the request has what was filled in and nothing else", () => {
  const empty = forkBody(4, () => "", null);
  assert.deepEqual(empty, { at_seq: 4 });
  const values = { model: " openai/x ", tags: "a, b,", seed: "7", "budget.max_steps": "1,000", "budget.max_tokens": "many" };
  assert.deepEqual(forkBody(0, (name) => values[name] ?? "", "x = 1"), {
    at_seq: 0,
    model: "openai/x",
    code: "x = 1",
    tags: ["a", "b"],
    seed: 7,
    budget: { max_tokens: "many", max_steps: 1000 },
  });
});
