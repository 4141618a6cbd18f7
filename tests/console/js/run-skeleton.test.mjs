import assert from "node:assert/strict";
import { test } from "node:test";

import { linesOf, readSkeleton, rowsOf } from "../../../static/js/lib/run-skeleton.js";
import { RunStore } from "../../../static/js/lib/run-store.js";

const COLUMNS = ["span_id", "parent_span_id", "kind", "name", "depth", "status", "started_ms", "seconds", "input_tokens", "output_tokens", "cost_usd", "preview", "first_seq"];

async function* texts(...parts) {
  yield* parts;
}

async function collected(lines) {
  const found = [];
  for await (const line of lines) found.push(line);
  return found;
}

/** A skeleton of `count` calls below a root, as lines of `each` spans. */
function streamed(count, each) {
  const spans = [["run", null, "run", "run", 0, "ok", 1000, 9, 0, 0, 0, "Task", 1]];
  for (let index = 0; index < count; index += 1) {
    spans.push([`m${index}`, "run", "model_call", "openai/a", 0, "ok", 2000 + index, 0.5, 10, 2, 0.01, `said ${index}`, 2 + 2 * index]);
  }
  let text = `${JSON.stringify({ columns: COLUMNS, last_seq: 2 * count + 2 })}\n`;
  for (let from = 0; from < spans.length; from += each) {
    const rows = spans.slice(from, from + each);
    text += `${JSON.stringify(COLUMNS.map((_, at) => rows.map((row) => row[at])))}\n`;
  }
  return text;
}

test("lines are whole wherever the texts are cut", async () => {
  assert.deepEqual(await collected(linesOf(texts("on", "e\ntwo\nth", "", "ree\n"))), ["one", "two", "three"]);
  assert.deepEqual(await collected(linesOf(texts("one\nno end"))), ["one", "no end"]);
  assert.deepEqual(await collected(linesOf(texts())), []);
});

test("columns become rows as the pages of spans name them", () => {
  const rows = rowsOf(["span_id", "started_ms"], [["a", "b", "c"], [0, 1000, 2500]], 1, 3);
  assert.deepEqual(rows.map((row) => [row.span_id, row.started_at]), [
    ["b", "1970-01-01T00:00:01.000Z"],
    ["c", "1970-01-01T00:00:02.500Z"],
  ]);
});

test("a streamed skeleton folds into the store, wherever it is cut", async () => {
  const text = streamed(25, 10);
  for (const size of [7, 100, text.length]) {
    const parts = Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size));
    const store = new RunStore();
    const heads = [];
    await readSkeleton(texts(...parts), { head: (head) => heads.push(head.last_seq), take: (rows) => store.skeleton(rows) });
    assert.deepEqual(heads, [52]);
    assert.equal(store.spans.size, 26);
    assert.equal(store.root.children.length, 25);
    assert.deepEqual([store.totals().input_tokens, store.totals().model_calls], [250, 25]);
    assert.deepEqual([store.spans.get("m3").seq, store.spans.get("m3").start], [8, 2003]);
  }
});

test("the page is let go on whenever a frame's share is used up", async () => {
  let now = 0;
  let pauses = 0;
  const taken = [];
  await readSkeleton(texts(streamed(999, 500)), {
    head: () => {},
    take: (rows) => {
      taken.push(rows.length);
      now += 3;
    },
    clock: () => now,
    pause: async () => {
      pauses += 1;
    },
  });
  assert.equal(taken.reduce((sum, count) => sum + count, 0), 1000);
  assert.ok(Math.max(...taken) <= 100);
  assert.equal(pauses, Math.floor(taken.length / 3));
});

test("an answer that is no skeleton is refused", async () => {
  await assert.rejects(readSkeleton(texts(""), { head: () => {}, take: () => {} }), /no head/);
});
