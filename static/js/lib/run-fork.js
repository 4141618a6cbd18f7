// What a fork of a run shares, what it does anew, and the request that makes it. Pure.

import * as format from "./format.js";
import { limitsOf, numberOf } from "./limits.js";

/** The steps of a run, at whatever depth, in the order of their start; of attempts at one, the last. */
export function stepsOf(store) {
  const found = new Map();
  for (const span of store.spans.values()) if (span.kind === "step") found.set(span.path || span.id, span);
  return [...found.values()].sort((left, right) => left.seq - right.seq);
}

/** The step that is the first to be made anew behind an event; null: the one that comes after the last. */
export function stepBehind(steps, at) {
  return steps.find((step) => step.seq > at) ?? null;
}

/** The last event that is shared where a step is made anew. */
export function seqBefore(step, lastSeq) {
  return step ? step.seq - 1 : lastSeq;
}

/** What is shared up to an event: {steps, calls, cost (dollars; null: some price is unknown)}. */
export function sharedUpTo(store, at) {
  const shared = { steps: 0, calls: 0, cost: 0 };
  for (const span of store.spans.values()) {
    if (span.seq > at) continue;
    if (span.kind === "step") shared.steps += 1;
    if (span.kind !== "model_call" || span.status !== "ok") continue;
    shared.calls += 1;
    shared.cost = shared.cost === null || span.own.unpriced ? null : shared.cost + span.own.cost;
  }
  return shared;
}

const many = (count, one) => `${format.count(count)} ${one}${count === 1 ? "" : "s"}`;

/** In words: {shared, anew}. `name` is the step that is made anew. */
export function planOf({ steps, calls, cost }, name, { hasCode, model }) {
  const saved = cost === null ? "; what they cost is not known" : cost > 0 ? `, ${format.usd(cost)} saved` : "";
  const shared = calls
    ? `Replayed without cost: ${many(steps, "step")}, ${many(calls, "model call")}${saved}.`
    : "Nothing is replayed: the fork begins at the task.";
  const first = hasCode ? "runs your code, without asking the model" : `asks ${model}`;
  const cells = calls ? " The cells before it run again, to rebuild the REPL." : "";
  return { shared, anew: `Made anew: ${name} ${first}, and all that follows.${cells}` };
}

/** The request; `value(name)` gives what stands in a field, `code` null: the model is asked. What is empty is left out. */
export function forkBody(at, value, code) {
  const body = { at_seq: at };
  for (const name of ["model", "sub_model", "environment", "prompt", "title"]) {
    const text = value(name).trim();
    if (text) body[name] = text;
  }
  if (code !== null) body.code = code;
  const tags = value("tags").split(",").map((tag) => tag.trim()).filter(Boolean);
  if (tags.length) body.tags = tags;
  const seed = value("seed").trim();
  if (seed) body.seed = numberOf(seed);
  const budget = limitsOf(value);
  if (budget) body.budget = budget;
  return body;
}

