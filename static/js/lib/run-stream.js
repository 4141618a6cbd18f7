// Brings a run's events to the page: history by REST, the tail by WebSocket; where sockets are blocked by server-sent
// events, and by polling where those are too.
//
// Whatever happens (reload, lost line, restarted server, dropped frames), events reach `deliver` once each and in
// order: everything is asked for `after` the last number seen, and a frame that leaves a hole is not taken.

import { Line } from "./run-line.js";
import { Timers } from "./timers.js";

export const PAGE = 1000;
const BATCH_MS = 100; // at most ten batches a second
const POLL_MS = 2000;
const RETRY_SOCKET_MS = 30_000;
const BACKOFF_MS = [250, 1000, 2000, 4000, 8000];
const TRIES = 2; // failed openings of a line in a row before the next way is tried
const WAYS = [
  { open: "open", state: "live" },
  { open: "follow", state: "streaming" },
]; // a method of the source, and what the reader is told of it

const SIGNED_OUT = 4401;
const GONE = 4404;

export class RunStream {
  /**
   * `source`: {events(after, limit) → {items}, open(after) and follow(after) → WebSocket or what looks like one};
   * `sink`: {deliver(events, deltas), state(name)}; `timers` are given so that tests need no waiting.
   */
  constructor({ source, sink, timers = new Timers() }) {
    this.source = source;
    this.sink = sink;
    this.timers = timers;
    this.last = 0;
    this.head = 0;
    this.state = "connecting";
    this.over = false;
    this.failures = 0;
    this.way = 0;
    this.line = null;
    this.events = [];
    this.deltas = [];
    this.ended = false;
    this.working = null;
  }

  start() {
    return this.resume("catching-up");
  }

  stop() {
    this.over = true;
    this.flush();
    this.timers.clear();
    this.dropLine();
  }

  /** The browser says the line is down: no need to wait for a time-out. */
  lineDown() {
    if (this.over) return;
    this.dropLine();
    this.become("offline");
  }

  /** The line is back: try at once. */
  lineUp() {
    if (this.over || this.state !== "offline") return Promise.resolve();
    this.failures = 0;
    return this.resume("catching-up");
  }

  // ---- history

  /** Read everything after the last number by REST, then connect. One reading at a time. */
  resume(state) {
    this.working ??= this.catchUp(state)
      .then((reached) => reached && this.connect())
      .finally(() => (this.working = null));
    return this.working;
  }

  async catchUp(state) {
    this.become(state);
    try {
      for (;;) {
        const page = await this.source.events(this.last, PAGE);
        if (this.over) return false;
        this.accept(page.items);
        this.flush();
        if (page.items.length < PAGE) return !this.over;
      }
    } catch (error) {
      if (this.over) return false;
      if (error.status === 401 || error.status === 403) this.finish("signed-out");
      else if (error.status === 404) this.finish("gone");
      else this.retryLater();
      return false;
    }
  }

  retryLater() {
    this.become("offline");
    this.timers.later("retry", BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)], () => this.resume("catching-up"));
    this.failures += 1;
  }

  // ---- tail

  connect() {
    if (this.over || this.line) return;
    const open = () => this.source[WAYS[this.way].open](this.last);
    const handlers = { frame: (frame) => this.frame(frame), lost: (code, greeted) => this.lineLost(code, greeted) };
    try {
      this.line = new Line(open, { timers: this.timers, ...handlers });
    } catch {
      this.lineFailed();
    }
  }

  lineLost(code, greeted) {
    this.line = null;
    if (code === SIGNED_OUT) this.finish("signed-out");
    else if (code === GONE) this.finish("gone");
    else if (greeted) this.resume("catching-up");
    else this.lineFailed();
  }

  /** Try again, then the next way; while the last one is in use, the first is tried again from time to time. */
  lineFailed() {
    this.failures += 1;
    if (this.failures < TRIES) {
      this.become("connecting");
      this.timers.later("retry", BACKOFF_MS[this.failures], () => this.resume("catching-up"));
    } else if (this.way + 1 < WAYS.length) {
      this.way += 1;
      this.connect();
    } else {
      this.way = 0;
      this.become("polling");
      this.timers.later("socket", RETRY_SOCKET_MS, () => this.connect());
      this.poll();
    }
  }

  poll() {
    this.timers.later("poll", POLL_MS, async () => {
      if ((await this.catchUp("polling")) && !this.line) this.poll();
    });
  }

  frame(frame) {
    switch (frame.t) {
      case "hello":
        this.failures = 0;
        this.timers.cancel("poll");
        this.timers.cancel("socket");
        this.head = frame.head;
        this.become(frame.head > this.last ? "catching-up" : WAYS[this.way].state);
        break;
      case "ev":
        if (frame.from > this.last + 1) {
          this.dropLine();
          this.resume("gap");
          return;
        }
        this.accept(frame.e);
        if (this.over) return;
        if (this.last >= this.head) this.become(WAYS[this.way].state);
        this.flushSoon();
        break;
      case "delta":
        this.deltas.push(frame);
        this.flushSoon();
        break;
      case "resync": // text in flight was dropped; the events are read from the record, the line stays
        this.catchUp("gap").then((reached) => reached && this.line && this.become(WAYS[this.way].state));
        break;
      case "end":
        this.dropLine();
        this.catchUp("catching-up").then((reached) => reached && this.finish("ended"));
        break;
      default: // ping, and what a later server may add
        break;
    }
  }

  // ---- delivery

  /** Queue the events that are new and follow on; the root's `span_finished` is the last one there is. */
  accept(events) {
    for (const event of events) {
      if (event.seq !== this.last + 1) continue;
      this.last = event.seq;
      this.events.push(event);
      if (event.type === "span_finished" && event.parent_span_id === null) this.ended = true;
    }
    this.head = Math.max(this.head, this.last);
    if (this.ended && !this.over) this.finish("ended");
  }

  flushSoon() {
    if (!this.timers.has("flush")) this.timers.later("flush", BATCH_MS, () => this.flush());
  }

  flush() {
    this.timers.cancel("flush");
    if (!this.events.length && !this.deltas.length) return;
    const [events, deltas] = [this.events, this.deltas];
    this.events = [];
    this.deltas = [];
    this.sink.deliver(events, deltas);
  }

  finish(state) {
    this.over = true;
    this.flush();
    this.timers.clear();
    this.dropLine();
    this.become(state);
  }

  // ---- plumbing

  become(state) {
    if (state === this.state) return;
    this.state = state;
    this.sink.state(state);
  }

  dropLine() {
    this.line?.close();
    this.line = null;
  }
}
