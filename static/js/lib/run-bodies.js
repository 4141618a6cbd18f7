// Brings the events of what is looked at, of a run that has ended and is too long to be fetched whole.
//
// A span's events come all at once and in order, so that folding them is the same as folding the stream; a stretch of
// the record is only listed. What was asked for last comes first: it is what the reader waits for.

import { Timers } from "./timers.js";

const SPANS = 100; // that one request names
const STRETCH = 500; // events of the record that are read at once
const PAGE = 1000;
const RETRY_MS = 2000;
const STRETCHES_WAITING = 2; // older ones were scrolled past

const OVER = { 401: "signed-out", 403: "signed-out", 404: "gone" };

export class RunBodies {
  /**
   * `source`: {events(after, limit, {spans, type}) → {items, next_cursor}}; `sink`: {changed(), state(name)}.
   */
  constructor({ source, store, sink, timers = new Timers() }) {
    Object.assign(this, { source, store, sink, timers });
    this.asked = new Set(); // ids of spans
    this.groups = []; // lists of ids, the newest last
    this.stretches = []; // numbers of stretches, the newest last
    this.types = [];
    this.read = new Set(); // stretches that are here
    this.working = null;
    this.state = "ended";
    this.over = false;
  }

  /** Ask for the events of spans. */
  spans(spans) {
    const ids = spans.filter((span) => !span.whole && !this.asked.has(span.id)).map((span) => span.id);
    if (!ids.length) return;
    for (const id of ids) this.asked.add(id);
    this.groups.push(ids);
    this.work();
  }

  /** Ask for the record from its row `first` to before `last`. */
  record(first, last) {
    const from = Math.floor(first / STRETCH);
    for (let stretch = from; stretch * STRETCH < last; stretch += 1) {
      if (this.read.has(stretch)) continue;
      this.stretches = [...this.stretches.filter((each) => each !== stretch), stretch].slice(-STRETCHES_WAITING);
      this.work();
    }
  }

  /** Ask for all events of a type. */
  type(type) {
    this.types.push(type);
    this.work();
  }

  work() {
    if (this.over || this.timers.has("retry")) return;
    this.working ??= this.all().finally(() => {
      this.working = null;
      if (this.groups.length || this.stretches.length || this.types.length) this.work();
    });
  }

  async all() {
    await null; // what one drawing asks for is asked at once
    for (let job = this.next(); job; job = this.next()) {
      try {
        await job.run();
        this.become("ended");
        this.sink.changed();
      } catch (error) {
        job.again();
        this.failed(error);
        return;
      }
    }
  }

  failed(error) {
    this.over = error.status in OVER;
    this.become(OVER[error.status] ?? "offline");
    if (!this.over) this.timers.later("retry", RETRY_MS, () => this.work());
  }

  become(state) {
    if (state === this.state) return;
    this.state = state;
    this.sink.state(state);
  }

  /** The next piece of work, and how it is put back when it fails. */
  next() {
    if (this.groups.length) {
      const group = this.groups.at(-1);
      const ids = group.splice(0, SPANS);
      if (!group.length) this.groups.pop();
      return { run: () => this.readSpans(ids), again: () => this.groups.push(ids) };
    }
    if (this.stretches.length) {
      const stretch = this.stretches.pop();
      return { run: () => this.readStretch(stretch), again: () => this.stretches.push(stretch) };
    }
    const type = this.types.shift();
    return type && { run: () => this.readType(type), again: () => this.types.push(type) };
  }

  async readSpans(spans) {
    this.store.tell(spans, await this.pages({ spans }));
  }

  async readStretch(stretch) {
    const { items } = await this.source.events(stretch * STRETCH, STRETCH, {});
    this.read.add(stretch);
    for (const event of items) this.store.hold(event);
  }

  async readType(type) {
    for (const event of await this.pages({ type })) this.store.mention(event);
  }

  async pages(choice) {
    const found = [];
    let after = 0;
    while (after !== null) {
      const page = await this.source.events(after, PAGE, choice);
      found.push(...page.items);
      after = page.next_cursor;
    }
    return found;
  }
}
