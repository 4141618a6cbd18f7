import assert from "node:assert/strict";
import { test } from "node:test";

import { RunBodies } from "../../../static/js/lib/run-bodies.js";
import { spansOfLevel } from "../../../static/js/lib/run-cells.js";
import { eventsOf } from "../../../static/js/lib/run-raw.js";
import { RunStore } from "../../../static/js/lib/run-store.js";
import { Timers } from "../../../static/js/lib/timers.js";
import { Events, smallRun, usage } from "./events.mjs";

/** The rows of GET /spans that the server would have of these events. */
function skeletonOf(events) {
  const ends = new Map(events.filter((event) => event.type === "span_finished").map((event) => [event.span_id, event.payload]));
  return events
    .filter((event) => event.type === "span_started")
    .map(({ seq, at, span_id, parent_span_id, depth, payload }) => {
      const end = ends.get(span_id);
      return { span_id, parent_span_id, depth, kind: payload.kind, name: payload.name, status: end.status, seconds: end.seconds,
        started_at: at, first_seq: seq, preview: "", ...(end.usage ?? usage(0, 0, 0)) };
    });
}

/** A store of which the skeleton is here, and a server that has the events. */
function scene(events) {
  const store = new RunStore();
  store.skeleton(skeletonOf(events));
  const world = { store, asked: [], states: [], drawn: 0, fail: null, due: [] };
  const source = {
    async events(after, limit, { spans = [], type = "" }) {
      world.asked.push({ after, limit, spans, type });
      if (world.fail) throw world.fail;
      const found = events.filter((event) => event.seq > after && (!spans.length || spans.includes(event.span_id)) && (!type || event.type === type));
      return { items: found.slice(0, limit), next_cursor: found.length > limit ? String(found[limit - 1].seq) : null };
    },
  };
  const sink = { changed: () => (world.drawn += 1), state: (name) => world.states.push(name) };
  const timers = new Timers((run) => world.due.push(run), () => {});
  world.bodies = new RunBodies({ source, store, sink, timers });
  store.inParts(events.length, world.bodies);
  return world;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

function whole(events) {
  const store = new RunStore();
  for (const event of events) store.apply(event);
  return store;
}

/** What a span shows, without what depends on the way by which it came. */
function shown({ messages, outputs, code, data, end, result, failure, answer, own, self, sum, status, seconds, seq }) {
  return { messages, outputs, code, data, end, result, failure, answer, own, self, sum, status, seconds, seq };
}

test("nothing is fetched before somebody looks", async () => {
  const { store, asked } = scene(smallRun());
  await settle();
  assert.deepEqual(asked, []);
  assert.equal(store.held, 0);
  assert.equal(store.events.length, smallRun().length);
  assert.equal(store.lacks([store.root]), true);
});

test("a level asks for its own events, not for those of its sub-calls", async () => {
  const { store, asked } = scene(smallRun());
  store.want(spansOfLevel(store.root));
  await settle();
  assert.deepEqual(asked.map((request) => request.spans), [["run", "s1", "m1", "x1"]]);
  assert.equal(store.spans.get("x1").code, "x = 1");
  assert.equal(store.root.answer.content, "42");
  assert.equal(store.lacks(spansOfLevel(store.root)), false);
  assert.equal(store.spans.get("q1").result, null);
  assert.equal(store.held, smallRun().filter((event) => ["run", "s1", "m1", "x1"].includes(event.span_id)).length);
});

test("read in parts, in any order, a run is what it is as a stream", async () => {
  const events = smallRun();
  const { store } = scene(events);
  for (const id of ["q2", "mq1", "x1", "run", "m1", "mq2", "s1", "q1"]) {
    store.want([store.spans.get(id)]);
    await settle();
  }
  const streamed = whole(events);
  assert.deepEqual(store.totals(), streamed.totals());
  assert.deepEqual(store.budget, streamed.budget);
  assert.deepEqual(store.events, streamed.events);
  assert.equal(store.held, events.length);
  for (const [id, span] of streamed.spans) assert.deepEqual(shown(store.spans.get(id)), shown(span), id);
});

test("what is here or on its way is not asked for again", async () => {
  const { store, asked } = scene(smallRun());
  const span = store.spans.get("m1");
  store.want([span]);
  store.want([span, store.spans.get("s1")]);
  await settle();
  store.want([span]);
  await settle();
  assert.deepEqual(asked.map((request) => request.spans).sort(), [["m1"], ["s1"]]);
});

test("many spans go in several requests, what was asked for last before the rest", async () => {
  const events = new Events();
  events.start("run", "run");
  for (let index = 0; index < 250; index += 1) {
    events.start(`m${index}`, "model_call", { parent: "run" });
    events.finish(`m${index}`, "model_call", { parent: "run", usage: usage(1, 1) });
  }
  events.finish("run", "run");
  const { store, asked } = scene(events.all);
  store.want(store.root.children);
  store.want([store.root]);
  await settle();
  assert.deepEqual(asked.map((request) => [request.spans[0], request.spans.length]), [["run", 1], ["m0", 100], ["m100", 100], ["m200", 50]]);
  assert.equal(store.held, events.all.length);
});

test("a span of many events is read to its end", async () => {
  const events = new Events();
  events.start("run", "run");
  for (let index = 0; index < 2500; index += 1) events.add("output", "run", { channel: "stdout", text: `${index} `, truncated: false });
  events.finish("run", "run");
  const { store, asked } = scene(events.all);
  store.want([store.root]);
  await settle();
  assert.deepEqual(asked.map((request) => Number(request.after)), [0, 1000, 2000]);
  assert.equal(store.root.outputs[0].parts.length, 2500);
});

test("a stretch of the record is listed and folded only with its span", async () => {
  const events = smallRun();
  const { store, bodies, asked } = scene(events);
  bodies.record(3, 9);
  bodies.record(3, 9);
  await settle();
  assert.deepEqual(asked, [{ after: 0, limit: 500, spans: [], type: "" }]);
  assert.deepEqual(eventsOf(store, ""), events);
  assert.equal(store.spans.get("m1").messages.length, 0);
  store.want([store.spans.get("m1")]);
  await settle();
  assert.equal(store.spans.get("m1").messages.length, 1);
  assert.equal(store.held, events.length);
  assert.deepEqual(eventsOf(store, "m1").map((event) => event.type), ["span_started", "message", "span_finished"]);
});

test("stretches that were scrolled past are not read", async () => {
  const events = new Events();
  events.start("run", "run");
  for (let index = 0; index < 4998; index += 1) events.add("log", "run", { level: "info", message: "x", data: {} });
  events.finish("run", "run");
  const { store, bodies, asked } = scene(events.all);
  for (let row = 0; row < 5000; row += 500) bodies.record(row, row + 40);
  await settle();
  assert.deepEqual(asked.map((request) => request.after), [4500, 4000]);
  assert.equal(store.held, 1000);
  assert.equal(store.events[0], undefined);
});

test("memory is told of the whole run at once, and once", async () => {
  const events = new Events();
  events.start("run", "run");
  for (const id of ["a", "b"]) {
    events.start(id, "tool_call", { parent: "run", name: "recall" });
    events.add("memory", id, { action: "recalled", data: { query: id, items: [] } }, { parent: "run" });
    events.finish(id, "tool_call", { parent: "run" });
  }
  events.finish("run", "run");
  const { store, bodies } = scene(events.all);
  store.want([store.spans.get("b")]);
  await settle();
  bodies.type("memory");
  await settle();
  store.want([store.spans.get("a")]);
  await settle();
  assert.deepEqual(store.memories.map((memory) => memory.data.query), ["a", "b"]);
  assert.equal(store.spans.get("a").memories.length, 1);
  assert.equal(store.spans.get("b").memories.length, 1);
});

test("the last word on the budget is that of the latest event, whatever came last", async () => {
  const events = new Events();
  events.start("run", "run");
  for (const [id, exhausted] of [["s1", null], ["s2", "max_steps"]]) {
    events.start(id, "step", { parent: "run" });
    events.add("budget", id, { spent: {}, limits: {}, exhausted }, { parent: "run" });
    events.finish(id, "step", { parent: "run" });
  }
  events.finish("run", "run");
  const { store } = scene(events.all);
  for (const id of ["s2", "s1"]) {
    store.want([store.spans.get(id)]);
    await settle();
  }
  assert.equal(store.budget.exhausted, "max_steps");
});

test("a request that fails is made again, and nothing is lost", async () => {
  const world = scene(smallRun());
  world.fail = Object.assign(new Error("no answer"), { status: 0 });
  world.store.want([world.store.spans.get("m1")]);
  world.bodies.record(0, 5);
  await settle();
  assert.deepEqual(world.states, ["offline"]);
  assert.equal(world.asked.length, 1);
  world.fail = null;
  world.due.pop()();
  await settle();
  assert.deepEqual(world.states, ["offline", "ended"]);
  assert.equal(world.store.spans.get("m1").whole, true);
  assert.equal(world.store.held, smallRun().length);
});

for (const [status, state] of [[401, "signed-out"], [403, "signed-out"], [404, "gone"]]) {
  test(`an answer of ${status} ends the reading as ${state}`, async () => {
    const world = scene(smallRun());
    world.fail = Object.assign(new Error("no"), { status });
    world.store.want([world.store.root]);
    await settle();
    world.store.want([world.store.spans.get("m1")]);
    await settle();
    assert.deepEqual([world.states, world.asked.length, world.due.length], [[state], 1, 0]);
  });
}
