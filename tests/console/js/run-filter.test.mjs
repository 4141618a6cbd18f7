import assert from "node:assert/strict";
import { test } from "node:test";

import { matcher, nextOf, problems, spansThat } from "../../../static/js/lib/run-filter.js";
import { RunStore } from "../../../static/js/lib/run-store.js";
import { Events, smallRun } from "./events.mjs";

function stored(events = smallRun()) {
  const store = new RunStore();
  for (const event of events) store.apply(event);
  return store;
}

const ids = (spans) => spans.map((span) => span.id);

test("without kind and words everything is wanted", () => {
  assert.equal(matcher(), null);
  assert.equal(matcher({ kind: "", find: "  " }), null);
  assert.equal(spansThat(stored(), null).length, 8);
});

test("a kind keeps its spans, in the order of their start", () => {
  assert.deepEqual(ids(spansThat(stored(), matcher({ kind: "model_call" }))), ["m1", "mq1", "mq2"]);
});

test("words are found in names, previews and code, whatever their case", () => {
  const found = (find, kind) => ids(spansThat(stored(), matcher({ find, kind })));
  assert.deepEqual(found("X = 1"), ["m1", "x1"]);
  assert.deepEqual(found("llm_QUERY"), ["q1", "q2"]);
  assert.deepEqual(found("cell 1"), ["x1"]);
  assert.deepEqual(found("ask", "sub_call"), ["q1", "q2"]);
  assert.deepEqual(found("ask", "execution"), []);
});

test("a problem is told once, where it began", () => {
  const events = new Events();
  const fail = (id, parent, code) => {
    events.finish(id, "step", { parent, status: "error" });
    events.all.at(-1).payload.failure = code && { code, message: code };
  };
  events.start("run", "run");
  events.start("s", "step", { parent: "run" });
  events.start("m", "model_call", { parent: "s" });
  events.start("cut", "model_call", { parent: "s" });
  fail("m", "s", "rejected");
  events.finish("cut", "model_call", { parent: "s", status: "interrupted" });
  fail("s", "run", "rejected");
  fail("run", null, "budget");
  assert.deepEqual(ids(problems(stored(events.all), null)), ["run", "m", "cut"]);
  assert.deepEqual(ids(problems(stored(events.all), matcher({ kind: "model_call" }))), ["m", "cut"]);
});

test("the next of a list goes round", () => {
  const spans = [{ id: "a" }, { id: "b" }, { id: "c" }];
  assert.equal(nextOf(spans, "").id, "a");
  assert.equal(nextOf(spans, "a").id, "b");
  assert.equal(nextOf(spans, "c").id, "a");
  assert.equal(nextOf(spans, "a", -1).id, "c");
  assert.equal(nextOf(spans, "elsewhere", -1).id, "c");
  assert.equal(nextOf([], "a"), null);
});
