// Prints, for each given wire event, the fields of the run page's store that it changes: {type: [field, …]}.
// Stdin: {type: payload}. Each is applied to a span that is open and has said nothing yet.

import { readFileSync } from "node:fs";
import { EVENT_TYPES, RunStore } from "../../static/js/lib/run-store.js";

const at = "2026-01-01T00:00:00Z";
const event = (seq, type, payload) => ({ seq, at, span_id: "a", parent_span_id: null, depth: 0, type, payload });
const started = { kind: "run", name: "run", path: "", attempt: 1, data: {} };
const seen = (span) => Object.fromEntries(Object.entries(span).map(([name, value]) => [name, JSON.stringify(value)]));

function changed(type, payload) {
  const store = new RunStore();
  const isFirst = type === "span_started";
  if (!isFirst) store.apply(event(1, "span_started", started));
  const before = isFirst ? seen(new RunStore().place("a", null)) : seen(store.spans.get("a"));
  store.apply(event(2, type, payload));
  const after = seen(store.spans.get("a"));
  return Object.keys(after).filter((name) => name !== "version" && after[name] !== before[name]);
}

const given = Object.entries(JSON.parse(readFileSync(0, "utf8")));
const fields = Object.fromEntries(given.map(([type, payload]) => [type, changed(type, payload)]));
console.log(JSON.stringify({ types: EVENT_TYPES, fields }));
