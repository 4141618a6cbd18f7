// A stream with a clock, a server and sockets that the test moves by hand.

import { RunStream } from "../../../static/js/lib/run-stream.js";
import { Timers } from "../../../static/js/lib/timers.js";

export const event = (seq) => ({ seq, type: "log", span_id: "s", parent_span_id: "run", payload: {} });
export const last = (seq) => ({ seq, type: "span_finished", span_id: "run", parent_span_id: null, payload: {} });
export const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => event(from + index));

class Clock {
  constructor() {
    this.now = 0;
    this.entries = new Map();
    this.id = 0;
    this.timers = new Timers(
      (run, delay) => {
        this.id += 1;
        this.entries.set(this.id, { at: this.now + delay, run });
        return this.id;
      },
      (id) => this.entries.delete(id),
    );
  }

  async advance(milliseconds) {
    const until = this.now + milliseconds;
    for (;;) {
      const due = [...this.entries].filter(([, entry]) => entry.at <= until).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.entries.delete(due[0]);
      this.now = due[1].at;
      due[1].run();
      await settle();
    }
    this.now = until;
    await settle();
  }
}

export async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

class Socket {
  constructor(after) {
    this.after = after;
    this.closed = false;
  }

  send(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  drop(code = 1006) {
    this.closed = true;
    this.onclose?.({ code });
  }

  close() {
    this.closed = true;
  }
}

export function scene({ stored = [], sockets = true, events = false } = {}) {
  const clock = new Clock();
  const world = { clock, stored, sockets, events, opened: [], followed: [], asked: [], seen: [], deltas: [], batches: 0, states: [], fail: null };
  const source = {
    events: async (after, limit) => {
      world.asked.push(after);
      if (world.fail) throw world.fail;
      return { items: world.stored.filter((each) => each.seq > after).slice(0, limit) };
    },
    open(after) {
      if (!world.sockets) throw new Error("blocked");
      const socket = new Socket(after);
      world.opened.push(socket);
      return socket;
    },
    follow(after) {
      if (!world.events) throw new Error("blocked");
      const line = new Socket(after);
      world.followed.push(line);
      return line;
    },
  };
  const sink = {
    deliver(events, deltas) {
      world.batches += 1;
      world.seen.push(...events.map((each) => each.seq));
      world.deltas.push(...deltas);
    },
    state: (name) => world.states.push(name),
  };
  world.stream = new RunStream({ source, sink, timers: clock.timers });
  return world;
}
