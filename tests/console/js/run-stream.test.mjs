import assert from "node:assert/strict";
import { test } from "node:test";

import { PAGE } from "../../../static/js/lib/run-stream.js";
import { event, last, range, scene, settle } from "./stream-scene.mjs";

const upTo = (count) => Array.from({ length: count }, (_, index) => index + 1);

test("history is read page by page, then the tail is asked for after its end", async () => {
  const world = scene({ stored: range(1, PAGE * 2 + 5) });
  await world.stream.start();
  assert.deepEqual(world.asked, [0, PAGE, PAGE * 2]);
  assert.equal(world.opened[0].after, PAGE * 2 + 5);
  world.opened[0].send({ t: "hello", head: PAGE * 2 + 5 });
  assert.deepEqual(world.states, ["catching-up", "live"]);
  assert.deepEqual(world.seen, upTo(PAGE * 2 + 5));
});

test("a run that is over needs no socket", async () => {
  const world = scene({ stored: [...range(1, 4), last(5)] });
  await world.stream.start();
  assert.equal(world.opened.length, 0);
  assert.deepEqual(world.states, ["catching-up", "ended"]);
  assert.deepEqual(world.seen, upTo(5));
});

test("frames are delivered at most ten times a second", async () => {
  const world = scene();
  await world.stream.start();
  world.opened[0].send({ t: "hello", head: 0 });
  for (let seq = 1; seq <= 50; seq += 1) {
    world.opened[0].send({ t: "ev", from: seq, to: seq, e: [event(seq)] });
    await world.clock.advance(10);
  }
  await world.clock.advance(200);
  assert.deepEqual(world.seen, upTo(50));
  assert.ok(world.batches <= 6, `${world.batches} batches in half a second`);
});

test("frames that overlap are taken once", async () => {
  const world = scene({ stored: range(1, 3) });
  await world.stream.start();
  world.opened[0].send({ t: "hello", head: 5 });
  world.opened[0].send({ t: "ev", from: 2, to: 5, e: range(2, 5) });
  world.opened[0].send({ t: "ev", from: 4, to: 5, e: range(4, 5) });
  await world.clock.advance(100);
  assert.deepEqual(world.seen, upTo(5));
  assert.equal(world.states.at(-1), "live");
});

test("a frame that leaves a hole is not taken: the hole is filled by REST first", async () => {
  const world = scene({ stored: range(1, 2) });
  await world.stream.start();
  world.opened[0].send({ t: "hello", head: 2 });
  world.stored = range(1, 9);
  world.opened[0].send({ t: "ev", from: 6, to: 6, e: [event(6)] });
  await settle();
  assert.equal(world.opened[0].closed, true);
  assert.ok(world.states.includes("gap"));
  assert.equal(world.opened[1].after, 9);
  assert.deepEqual(world.seen, upTo(9));
});

test("a resync reads what was dropped and keeps the line", async () => {
  const world = scene({ stored: range(1, 2) });
  await world.stream.start();
  world.opened[0].send({ t: "hello", head: 2 });
  world.stored = range(1, 4);
  world.opened[0].send({ t: "resync", reason: "slow" });
  await settle();
  assert.deepEqual(world.seen, upTo(4));
  assert.equal(world.opened.length, 1);
  assert.equal(world.states.at(-1), "live");
});

test("a lost line is taken up after the last number, nothing lost or doubled", async () => {
  const world = scene({ stored: range(1, 3) });
  await world.stream.start();
  world.opened[0].send({ t: "hello", head: 3 });
  world.opened[0].send({ t: "ev", from: 4, to: 4, e: [event(4)] });
  world.stored = range(1, 7);
  world.opened[0].drop();
  await settle();
  await world.clock.advance(300);
  assert.deepEqual(world.asked, [0, 4]);
  assert.equal(world.opened[1].after, 7);
  assert.deepEqual(world.seen, upTo(7));
});

test("when the server is away the page says offline and tries again, ever more slowly", async () => {
  const world = scene({ stored: range(1, 3) });
  world.fail = Object.assign(new Error("no answer"), { status: 0 });
  await world.stream.start();
  assert.equal(world.states.at(-1), "offline");
  await world.clock.advance(1300);
  assert.equal(world.asked.length, 3);
  world.fail = null;
  await world.clock.advance(2100);
  assert.deepEqual(world.seen, [1, 2, 3]);
  assert.equal(world.opened.length, 1);
});

test("the browser's own offline and online events act at once", async () => {
  const world = scene({ stored: range(1, 2) });
  await world.stream.start();
  world.opened[0].send({ t: "hello", head: 2 });
  world.stream.lineDown();
  assert.equal(world.states.at(-1), "offline");
  assert.equal(world.opened[0].closed, true);
  world.stored = range(1, 6);
  await world.stream.lineUp();
  assert.deepEqual(world.seen, upTo(6));
  assert.equal(world.opened[1].after, 6);
});

test("with sockets blocked server-sent events take over, and stay when they are cut", async () => {
  const world = scene({ stored: range(1, 2), sockets: false, events: true });
  await world.stream.start();
  await world.clock.advance(1000);
  assert.equal(world.followed[0].after, 2);
  world.followed[0].send({ t: "hello", head: 2 });
  assert.equal(world.states.at(-1), "streaming");
  world.followed[0].send({ t: "ev", from: 3, to: 3, e: [event(3)] });
  world.followed[0].drop();
  await settle();
  assert.equal(world.followed[1].after, 3);
  world.followed[1].send({ t: "hello", head: 3 });
  world.followed[1].send({ t: "ev", from: 4, to: 4, e: [last(4)] });
  assert.deepEqual(world.seen, upTo(4));
  assert.deepEqual(world.states.slice(-2), ["streaming", "ended"]);
});

test("a stream that a proxy keeps to itself is given up for polling", async () => {
  const world = scene({ stored: range(1, 2), sockets: false, events: true });
  await world.stream.start();
  await world.clock.advance(1000);
  assert.equal(world.followed.length, 1);
  await world.clock.advance(10_000);
  assert.equal(world.followed[0].closed, true);
  assert.equal(world.states.at(-1), "polling");
  world.stored = range(1, 3);
  await world.clock.advance(2000);
  assert.deepEqual(world.seen, upTo(3));
});

test("with both blocked the page polls, and still sees everything to the end", async () => {
  const world = scene({ stored: range(1, 2), sockets: false });
  await world.stream.start();
  await world.clock.advance(1000);
  assert.equal(world.states.at(-1), "polling");
  world.stored = range(1, 4);
  await world.clock.advance(2000);
  assert.deepEqual(world.seen, upTo(4));
  world.stored = [...range(1, 4), last(5)];
  await world.clock.advance(2000);
  assert.equal(world.states.at(-1), "ended");
  const asked = world.asked.length;
  await world.clock.advance(60_000);
  assert.equal(world.asked.length, asked);
});

test("polling tries the socket again and gives way to it", async () => {
  const world = scene({ stored: range(1, 2), sockets: false });
  await world.stream.start();
  await world.clock.advance(1000);
  world.sockets = true;
  await world.clock.advance(31_000);
  world.opened.at(-1).send({ t: "hello", head: 2 });
  assert.equal(world.states.at(-1), "live");
  const asked = world.asked.length;
  await world.clock.advance(10_000);
  assert.equal(world.asked.length, asked);
});

test("a line that is silent for too long is taken for dead", async () => {
  const world = scene({ stored: range(1, 1) });
  await world.stream.start();
  world.opened[0].send({ t: "hello", head: 1 });
  await world.clock.advance(29_000);
  world.opened[0].send({ t: "ping" });
  await world.clock.advance(29_000);
  assert.equal(world.opened.length, 1);
  await world.clock.advance(2000);
  assert.equal(world.opened[0].closed, true);
  assert.equal(world.opened.length, 2);
});

test("the end frame brings the last events before the line is closed", async () => {
  const world = scene({ stored: range(1, 2) });
  await world.stream.start();
  world.opened[0].send({ t: "hello", head: 2 });
  world.stored = [...range(1, 3), last(4)];
  world.opened[0].send({ t: "end" });
  await settle();
  assert.deepEqual(world.seen, upTo(4));
  assert.equal(world.states.at(-1), "ended");
});

test("the last event ends the stream, whether or not an end frame follows", async () => {
  const world = scene({ stored: range(1, 2) });
  await world.stream.start();
  world.opened[0].send({ t: "hello", head: 2 });
  world.opened[0].send({ t: "ev", from: 3, to: 3, e: [last(3)] });
  assert.deepEqual(world.seen, upTo(3));
  assert.deepEqual(world.states.slice(-2), ["live", "ended"]);
  assert.equal(world.opened[0].closed, true);
  assert.equal(world.clock.entries.size, 0);
});

for (const [code, state] of [[4401, "signed-out"], [4404, "gone"]]) {
  test(`a close with ${code} ends the stream as ${state}`, async () => {
    const world = scene();
    await world.stream.start();
    world.opened[0].drop(code);
    assert.equal(world.states.at(-1), state);
    await world.clock.advance(60_000);
    assert.equal(world.opened.length, 1);
  });
}

test("a session that has ended is said so and not retried", async () => {
  const world = scene();
  world.fail = Object.assign(new Error("who are you"), { status: 401 });
  await world.stream.start();
  assert.equal(world.states.at(-1), "signed-out");
  await world.clock.advance(60_000);
  assert.equal(world.asked.length, 1);
});

test("deltas travel with the batch, after its events", async () => {
  const world = scene();
  await world.stream.start();
  world.opened[0].send({ t: "hello", head: 0 });
  world.opened[0].send({ t: "ev", from: 1, to: 1, e: [event(1)] });
  world.opened[0].send({ t: "delta", span_id: "m", offset: 0, text: "Hi" });
  assert.equal(world.batches, 0);
  await world.clock.advance(100);
  assert.equal(world.batches, 1);
  assert.deepEqual(world.deltas.map((delta) => delta.text), ["Hi"]);
});

test("a stopped stream leaves no timer and no socket", async () => {
  const world = scene({ stored: range(1, 2) });
  await world.stream.start();
  world.opened[0].send({ t: "hello", head: 2 });
  world.stream.stop();
  assert.equal(world.clock.entries.size, 0);
  assert.equal(world.opened[0].closed, true);
});
