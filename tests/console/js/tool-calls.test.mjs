import assert from "node:assert/strict";
import { test } from "node:test";

import * as cells from "../../../static/js/lib/run-cells.js";
import { RunStore } from "../../../static/js/lib/run-store.js";
import { argumentsOf } from "../../../static/js/lib/tool-calls.js";
import { Events } from "./events.mjs";

test("arguments stand a line each, as JSON; what was no JSON stands as it was written", () => {
  assert.equal(argumentsOf({ data: { arguments: { name: "a.txt", start: 0 } } }), 'name = "a.txt"\nstart = 0');
  assert.equal(argumentsOf({ data: { arguments: "{broken" } }), "{broken");
  assert.equal(argumentsOf({ data: { arguments: {} } }), "");
  assert.equal(argumentsOf({ data: {} }), "");
});

test("tools that a model called itself are cards of its step, named in a line", () => {
  const events = new Events();
  events.start("run", "run");
  events.start("s1", "step", { parent: "run" });
  const data = { arguments: { pattern: "x" }, shown: 'pattern="x"' };
  events.start("t1", "tool_call", { parent: "s1", name: "grep", data });
  events.finish("t1", "tool_call", { parent: "s1", status: "error" });
  const store = new RunStore();
  for (const event of events.all) store.apply(event);
  const [group] = cells.subCallGroups(store.spans.get("s1"));
  assert.deepEqual([group.name, group.failed, group.spans[0].preview], ["grep", 1, 'pattern="x"']);
  assert.deepEqual(cells.placeInBlock(store, store.spans.get("run"), store.spans.get("t1")), [{ group: "t1", index: 0, id: "t1" }]);
});
