import assert from "node:assert/strict";
import { test } from "node:test";

import { barOf, endOf, marks, placeOf, timeAxis } from "../../../static/js/lib/run-timeline.js";

/** A span from second `from` to second `to`; null: it runs. */
const span = (kind, from, to, status = "ok") => ({ kind, start: from * 1000, seconds: to === null ? null : to - from, status });
const round = (number) => Math.round(number * 1000) / 1000;
const bar = (axis, each, now) => Object.values(barOf(axis, each, now)).map(round);

test("without gaps the axis is even", () => {
  const spans = [span("run", 0, 10), span("model_call", 0, 4), span("execution", 4, 10)];
  const axis = timeAxis(spans, 0);
  assert.deepEqual(axis.gaps, []);
  assert.deepEqual(bar(axis, spans[1]), [0, 0.4]);
  assert.deepEqual(bar(axis, spans[2]), [0.4, 0.6]);
});

test("an idle gap takes the same small room however long it is", () => {
  for (const idle of [60, 6000]) {
    const spans = [span("run", 0, idle + 10), span("model_call", 0, 5), span("model_call", idle + 5, idle + 10)];
    const axis = timeAxis(spans, 0);
    assert.deepEqual(axis.gaps.map((gap) => [gap.from, gap.to]), [[5000, (idle + 5) * 1000]]);
    assert.equal(round(axis.gaps[0].right - axis.gaps[0].left), 0.03);
    assert.deepEqual(bar(axis, spans[1]), [0, 0.485]);
    assert.deepEqual(bar(axis, spans[2]), [0.515, 0.485]);
    assert.deepEqual(bar(axis, spans[0]), [0, 1]);
  }
});

test("short pauses stay as they are", () => {
  const axis = timeAxis([span("run", 0, 100), span("model_call", 0, 50), span("model_call", 54, 100)], 0);
  assert.deepEqual(axis.gaps, []);
});

test("work that overlaps or lies within other work leaves no gap", () => {
  const axis = timeAxis([span("run", 0, 60), span("execution", 0, 60), span("model_call", 10, 12), span("model_call", 50, 52)], 0);
  assert.deepEqual(axis.gaps, []);
});

test("a container alone is no work: waiting for a worker or a provider is idle", () => {
  const axis = timeAxis([span("run", 0, 100), span("step", 0, 100), span("model_call", 90, 100)], 0);
  assert.deepEqual(axis.gaps.map((gap) => [gap.from, gap.to]), [[0, 90_000]]);
});

test("what was cut off is known to its start only", () => {
  const cut = span("model_call", 5, 90, "interrupted");
  assert.equal(endOf(cut, 0), 5000);
  const axis = timeAxis([span("run", 0, 100), span("model_call", 0, 5), cut, span("model_call", 90, 100)], 0);
  assert.equal(axis.gaps.length, 1);
});

test("what runs grows until now", () => {
  const spans = [span("run", 0, null), span("model_call", 0, null)];
  assert.equal(timeAxis(spans, 5000).to, 5000);
  assert.deepEqual(bar(timeAxis(spans, 5000), spans[1], 5000), [0, 1]);
  assert.equal(endOf(span("run", 5, null), 0), 5000); // a clock that is behind
});

test("moments outside the run stand at its ends", () => {
  const axis = timeAxis([span("run", 10, 20), span("execution", 10, 20)], 0);
  assert.deepEqual([placeOf(axis, 0), placeOf(axis, 15_000), placeOf(axis, 99_000)], [0, 0.5, 1]);
});

test("marks tell seconds since the start and leave out gaps", () => {
  const axis = timeAxis([span("run", 0, 8), span("execution", 0, 8)], 0);
  assert.deepEqual(marks(axis), [{ place: 0, seconds: 0 }, { place: 0.25, seconds: 2 }, { place: 0.5, seconds: 4 }, { place: 0.75, seconds: 6 }]);
  const split = timeAxis([span("run", 0, 110), span("execution", 0, 5), span("execution", 105, 110)], 0);
  assert.deepEqual(marks(split).map((mark) => mark.place), [0, 0.25, 0.75]);
  assert.ok(marks(split)[2].seconds > 105);
});

test("nothing yet, or a span without a start, does no harm", () => {
  const axis = timeAxis([], 0);
  assert.deepEqual(marks(axis), []);
  assert.deepEqual(barOf(axis, { kind: "", start: NaN, seconds: null, status: "running" }, 0), { left: 0, width: 0 });
  assert.equal(placeOf(axis, 5), 0);
});

test("fifty thousand spans are placed in a moment", () => {
  const spans = [span("run", 0, 50_000)];
  for (let index = 0; index < 50_000; index += 1) spans.push(span("model_call", index, index + 0.5));
  const began = performance.now();
  const axis = timeAxis(spans, 0);
  for (const each of spans) barOf(axis, each, 0);
  assert.ok(performance.now() - began < 1000);
});
