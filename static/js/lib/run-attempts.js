// Attempts at the same call path: a run that was taken up again opens anew what was broken off. Pure.
//
// What an earlier attempt had finished is not told again, so that the whole of a step, a cell or a sub-call is what all
// attempts at it have, of each thing below the last attempt.

/** All attempts at a span's path, in order. */
export function attemptsOf(store, span) {
  return store.paths.get(span.path)?.length > 1 ? store.paths.get(span.path) : [span];
}

/** The last attempt at a span's path. */
export function latestOf(store, span) {
  return attemptsOf(store, span).at(-1);
}

/** Whether a later attempt stands in its place. */
export function isReplaced(store, span) {
  return latestOf(store, span).id !== span.id;
}

function joined(spans, name) {
  return spans.flatMap((span) => span[name]);
}

/** What several spans spent, or failed, together. */
function added(spans, name) {
  const sum = { ...spans[0][name] };
  for (const span of spans.slice(1)) for (const key of Object.keys(sum)) sum[key] += span[name][key];
  return sum;
}

function childrenOf(store, attempts) {
  const firstSeq = (span) => attemptsOf(store, span)[0].seq;
  const found = joined(attempts, "children").filter((child) => !isReplaced(store, child));
  return found.sort((left, right) => firstSeq(left) - firstSeq(right)).map((child) => merged(store, child));
}

/** A property that is worked out when it is asked for first. */
function lazily(work) {
  let known;
  return { get: () => (known ??= work()), enumerable: true };
}

/**
 * The last attempt at a span's path with what all attempts have; `replaced` are the earlier ones. In a run where
 * nothing was attempted twice it is the span itself.
 */
export function merged(store, span) {
  if (!store.isRepeated) return span;
  const attempts = attemptsOf(store, span);
  const last = attempts.at(-1);
  const told = attempts.findLast((each) => each.outputs.length) ?? last;
  const bySeq = (name) => lazily(() => joined(attempts, name).sort((left, right) => left.seq - right.seq));
  return Object.create(last, {
    children: lazily(() => childrenOf(store, attempts)),
    messages: bySeq("messages"),
    logs: lazily(() => joined(attempts, "logs")),
    memories: lazily(() => joined(attempts, "memories")),
    self: { get: () => added(attempts, "self") }, // these grow while it runs
    sum: { get: () => added(attempts, "sum") },
    code: { value: attempts.findLast((each) => each.code !== null)?.code ?? null },
    outputs: { value: last.status === "running" ? last.outputs : told.outputs },
    version: { get: () => attempts.reduce((sum, each) => sum + each.version, 0) },
    replaced: { value: attempts.slice(0, -1) },
  });
}
