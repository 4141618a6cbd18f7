// Server-sent events behind the face of a WebSocket.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Blocks, EventLine, framesOf } from "../../../static/js/lib/event-line.js";

const TEXT = 'id: 4\n\nevent: hello\ndata: {"t":"hello","head":6}\n\nid: 5\ndata: {"seq":5}\n\nid: 6\ndata: {"seq":6}\n\n: ping\n\n';

function taken(line) {
  return new Promise((resolve) => {
    const frames = [];
    line.onmessage = ({ data }) => frames.push(JSON.parse(data));
    line.onclose = ({ code }) => resolve({ frames, code });
  });
}

const frames = [
  { t: "ping" },
  { t: "hello", head: 6 },
  { t: "ev", from: 5, to: 6, e: [{ seq: 5 }, { seq: 6 }] },
  { t: "ping" },
];

test("events that come together are one frame, other messages their own", () => {
  assert.deepEqual(framesOf(new Blocks().push(TEXT)).map(JSON.parse), frames);
});

test("a message cut anywhere is read whole", () => {
  for (let at = 0; at < TEXT.length; at += 1) {
    const blocks = new Blocks();
    const whole = [...blocks.push(TEXT.slice(0, at)), ...blocks.push(TEXT.slice(at))];
    assert.deepEqual(framesOf(whole).map(JSON.parse), frames, `cut at ${at}`);
  }
});

test("a stream is read to its end", async () => {
  const { frames: found, code } = await taken(new EventLine(async () => new Response(TEXT)));
  assert.deepEqual(found, frames);
  assert.equal(code, 1000);
});

for (const [status, code] of [[401, 4401], [404, 4404], [429, 1006], [0, 1006]]) {
  test(`a stream refused with ${status} is closed with ${code}`, async () => {
    const refused = async () => {
      throw Object.assign(new Error("no"), { status });
    };
    assert.equal((await taken(new EventLine(refused))).code, code);
  });
}

test("a line that is closed asks no more", async () => {
  let signal;
  const line = new EventLine((given) => {
    signal = given;
    return new Promise(() => {});
  });
  line.close();
  assert.equal(signal.aborted, true);
});
