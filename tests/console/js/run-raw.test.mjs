import assert from "node:assert/strict";
import { test } from "node:test";

import { eventsOf, lineOf } from "../../../static/js/lib/run-raw.js";
import { EVENT_TYPES, RunStore } from "../../../static/js/lib/run-store.js";
import { smallRun } from "./events.mjs";

test("every type of event has its line", () => {
  const payloads = {
    span_started: [{ kind: "step", name: "step 1" }, "step step 1"],
    span_finished: [{ kind: "step", status: "ok", seconds: 1.5 }, "step ok after 1.500 s"],
    message: [{ role: "user", content: "Count." }, "user: Count."],
    code: [{ cell: 2, code: "x = 1" }, "[2] x = 1"],
    output: [{ channel: "stdout", text: "1" }, "stdout: 1"],
    answer: [{ dialect: "FINAL", content: { a: 1 } }, 'FINAL: {"a":1}'],
    budget: [{ exhausted: "max_tokens" }, "exhausted: max_tokens"],
    memory: [{ action: "recalled" }, "recalled"],
    log: [{ level: "warning", message: "Again." }, "warning: Again."],
  };
  assert.deepEqual(Object.keys(payloads).sort(), [...EVENT_TYPES].sort());
  for (const [type, [payload, line]] of Object.entries(payloads)) assert.equal(lineOf({ type, payload }), line);
});

test("a long text is cut and an unknown type says nothing", () => {
  assert.equal(lineOf({ type: "message", payload: { role: "user", content: "x".repeat(1e6) } }).length, 166);
  assert.equal(lineOf({ type: "later", payload: {} }), "");
});

test("events of one span, or all", () => {
  const store = new RunStore();
  for (const event of smallRun()) store.apply(event);
  assert.equal(eventsOf(store, ""), store.events);
  assert.deepEqual(eventsOf(store, "x1").map((event) => event.type), ["span_started", "code", "output", "output", "output", "span_finished"]);
});
