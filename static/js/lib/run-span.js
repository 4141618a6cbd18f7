// A span as the page holds it, and what it spent. Pure data.

/** Nothing spent: tokens by bucket (`input` contains `cached`, `output` contains `reasoning`), dollars, counts. */
export function nothingSpent() {
  return { input: 0, cached: 0, output: 0, reasoning: 0, cost: 0, unpriced: 0, calls: 0, estimated: 0 };
}

/** What one model call spent, from its usage on the wire. */
export function spentBy(usage) {
  const known = typeof usage.cost_usd === "number";
  return {
    input: usage.input_tokens || 0,
    cached: usage.cached_tokens || 0,
    output: usage.output_tokens || 0,
    reasoning: usage.reasoning_tokens || 0,
    cost: known ? usage.cost_usd : 0,
    unpriced: known ? 0 : 1,
    calls: 1,
    estimated: usage.estimated ? 1 : 0,
  };
}

/** Add to `sum` what `now` has more than `before`. */
export function addDifference(sum, now, before) {
  for (const name of Object.keys(now)) sum[name] += now[name] - before[name];
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
    seq: 0,
    status: "running",
    startedAt: null,
    start: NaN,
    seconds: null,
    own: nothingSpent(),
    self: nothingSpent(),
    sum: { ...nothingSpent(), failed: 0 },
    counted: false,
    preview: "",
    data: {},
    end: {},
    failure: null,
    result: null,
    children: [],
    messages: [],
    outputs: [],
    outputLength: 0,
    code: null,
    cell: null,
    answer: null,
    budget: null,
    logs: [],
    live: null,
    version: 0,
  };
}
