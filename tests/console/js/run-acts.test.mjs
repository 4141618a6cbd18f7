import assert from "node:assert/strict";
import { test } from "node:test";

import { changesState, FITS } from "../../../static/js/lib/run-acts.js";

const fitting = (run) => Object.keys(FITS).filter((act) => FITS[act](run));

test("each state has its acts", () => {
  assert.deepEqual(fitting({ status: "queued" }), ["stop", "pause"]);
  assert.deepEqual(fitting({ status: "running" }), ["stop", "pause"]);
  assert.deepEqual(fitting({ status: "running", cancel_requested: true }), ["stop"]);
  assert.deepEqual(fitting({ status: "running", pause_requested: true }), ["stop", "resume"]);
  assert.deepEqual(fitting({ status: "paused" }), ["stop", "resume"]);
  assert.deepEqual(fitting({ status: "succeeded", finish_reason: "submitted" }), []);
  assert.deepEqual(fitting({ status: "succeeded", finish_reason: "fallback" }), ["continue"]);
  assert.deepEqual(fitting({ status: "failed", finish_reason: "budget" }), ["continue"]);
  assert.deepEqual(fitting({ status: "failed", finish_reason: "error" }), ["retry"]);
  assert.deepEqual(fitting({ status: "cancelled", finish_reason: "cancelled", pause_requested: true }), ["retry"]);
});

test("a pause and a take-over change the run's own fields", () => {
  assert.ok(changesState({ type: "log", payload: { data: { code: "paused" } } }));
  assert.ok(changesState({ type: "log", payload: { data: { code: "taken_up" } } }));
  assert.ok(!changesState({ type: "log", payload: { data: { code: "divergence" } } }));
  assert.ok(!changesState({ type: "log", payload: {} }));
  assert.ok(!changesState({ type: "message", payload: {} }));
});
