// A span as the page holds it, and what it spent. Pure data.

/**
 * Nothing spent: tokens (`input` contains `cached`, read from a provider's cache, and `written` to it, `output` contains
 * `reasoning`), dollars, counts.
 */
export function nothingSpent() {
  return { input: 0, cached: 0, written: 0, output: 0, reasoning: 0, cost: 0, unpriced: 0, calls: 0, estimated: 0, failed: 0 };
}

const NOTHING = Object.freeze(nothingSpent()); // of all spans that have spent nothing yet

/** What one model call spent, from its usage on the wire. */
export function spentBy(usage) {
  const known = typeof usage.cost_usd === "number";
  return {
    input: usage.input_tokens || 0,
    cached: usage.cached_tokens || 0,
    written: usage.cache_write_tokens || 0,
    output: usage.output_tokens || 0,
    reasoning: usage.reasoning_tokens || 0,
    cost: known ? usage.cost_usd : 0,
    unpriced: known ? 0 : 1,
    calls: 1,
    estimated: usage.estimated ? 1 : 0,
    failed: 0,
  };
}

/** Add to `sum` what `now` has more than `before`; written out, since it runs for each call and each span above it. */
export function addDifference(sum, now, before) {
  sum.input += now.input - before.input;
  sum.cached += now.cached - before.cached;
  sum.written += now.written - before.written;
  sum.output += now.output - before.output;
  sum.reasoning += now.reasoning - before.reasoning;
  sum.cost += now.cost - before.cost;
  sum.unpriced += now.unpriced - before.unpriced;
  sum.calls += now.calls - before.calls;
  sum.estimated += now.estimated - before.estimated;
}

/**
 * `own` is the span's own usage (model calls only), `self` that of its level's calls without sub-calls below it,
 * `sum` that of everything below.
 */
export function newSpan(id, parentId) {
  return {
    id,
    parentId,
    kind: "",
    name: "",
    path: "",
    attempt: 1,
    depth: 0,
    order: 0, // among the spans of the run, by their start
    seq: 0,
    status: "running",
    startedAt: null,
    start: NaN,
    seconds: null,
    own: NOTHING,
    self: nothingSpent(),
    sum: nothingSpent(),
    counted: false,
    discounted: false, // it does not count among the run's steps and calls
    whole: false, // of a run that is read in parts: all events of this span are here
    preview: "",
    data: {},
    end: {},
    failure: null,
    result: null,
    children: [],
    replaced: [], // earlier attempts at the same, see run-attempts.js
    messages: [],
    outputs: [],
    outputLength: 0,
    code: null,
    cell: null,
    answer: null,
    budget: null,
    logs: [],
    memories: [],
    live: null,
    version: 0,
  };
}
