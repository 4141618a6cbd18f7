// Folds a run's skeleton, events and deltas into spans. Pure data: no DOM, no network, no clock.
//
// Skeleton rows and events may come in either order and overlap: a span's own usage is set, never added, and sums
// travel upwards as differences, so that both together count once. An event costs the depth of its span.

import { HANDLERS } from "./run-handlers.js";
import { latestOf } from "./run-attempts.js";
import { WorkClock, codeOf } from "./run-replay.js";
import { addDifference, newSpan, nothingSpent, spentBy } from "./run-span.js";
import { isBad } from "./run-tree.js";
import { codePoints } from "./text.js";

export class RunStore {
  constructor() {
    this.spans = new Map();
    this.root = null;
    this.lastSeq = 0;
    this.events = []; // all of them, in order of `seq`; of a run that is read in parts, undefined where one is not here
    this.held = 0; // how many are here
    this.bodies = null; // where a run is read in parts: who fetches them
    this.bad = new Set(); // spans that went wrong
    this.remembered = new Set(); // the numbers of their events
    this.memories = []; // what the run was told and what it kept, in order
    this.paths = new Map(); // call path → the attempts at it, in order
    this.isRepeated = false; // whether there is more than one at any
    this.divergences = []; // {path, what, span}: where replay came out otherwise than it is on record
    this.clock = new WorkClock();
    this.budget = null;
    this.budgetSeq = 0;
    this.counts = { steps: 0, sub_calls: 0, model_calls: 0, refused: 0 };
    this.maxDepth = 0;
    this.structure = 0; // changes when rows of the tree would: a span more, another status
    this.version = 0;
    this.latest = null; // the span that the last event named
  }

  /** Take the rows of GET /spans; a later call refreshes what is known. */
  skeleton(rows) {
    for (const row of rows) {
      const span = this.place(row.span_id, row.parent_span_id);
      this.describe(span, row.kind, row.name, row.depth, row.started_at);
      span.seq ||= row.first_seq || 0;
      this.attempt(span, row.path, row.attempt);
      if (row.preview && !span.preview) span.preview = row.preview;
      if (row.status !== "running") this.close(span, row.status, row.seconds);
      if (row.kind === "model_call" && !span.counted && row.status !== "running") {
        this.spend(span, row);
        span.counted = false; // the event, when it comes, knows more: whether it is an estimate
      }
    }
    this.version += 1;
  }

  /** Take one event in order of `seq`; one that was taken already changes nothing. */
  apply(event) {
    if (event.seq <= this.lastSeq) return;
    this.lastSeq = event.seq;
    this.gap = this.clock.tick(event.at, event.type === "log" && codeOf(event.payload) === "taken_up");
    this.events.push(event);
    this.held += 1;
    this.latest = this.fold(event);
  }

  fold(event) {
    const span = this.place(event.span_id, event.parent_span_id);
    const handler = HANDLERS[event.type];
    if (handler) handler(this, span, event.payload, event);
    this.version += 1;
    this.touch(span);
    return span;
  }

  /** Read the run in parts from now on: it has ended with `count` events and its skeleton is here. */
  inParts(count, bodies) {
    this.events = Array.from({ length: count });
    this.bodies = bodies;
    this.version += 1;
  }

  /** Ask for the events of spans that are looked at. Where all events come anyway, nothing happens. */
  want(spans) {
    this.bodies?.spans(spans);
  }

  /** Whether events of these spans are still to come in parts. */
  lacks(spans) {
    return this.bodies !== null && spans.some((span) => !span.whole);
  }

  /** Keep an event of the record. */
  hold(event) {
    if (this.events[event.seq - 1]) return;
    this.events[event.seq - 1] = event;
    this.held += 1;
    this.version += 1;
  }

  /** Take all events of some spans, in order. */
  tell(ids, events) {
    for (const event of events) {
      this.hold(event);
      if (!this.spans.get(event.span_id)?.whole) this.fold(event);
    }
    for (const id of ids) this.spans.get(id).whole = true;
  }

  /** Take an event whose span is not looked at: what memory did counts for the whole run. */
  mention(event) {
    this.hold(event);
    if (event.type === "memory" && !this.spans.get(event.span_id)?.whole) this.fold(event);
  }

  /** Take text in flight. An offset of 0 starts anew; an offset beyond what is here leaves a visible gap. */
  delta(spanId, offset, text) {
    const span = this.spans.get(spanId);
    if (!span || span.status !== "running" || span.messages.some((message) => message.role === "assistant")) return;
    const live = span.live;
    if (!live || offset === 0) {
      span.live = { text, points: offset + codePoints(text), gap: offset > 0 };
    } else if (offset === live.points) {
      live.text += text;
      live.points += codePoints(text);
    } else if (offset > live.points) {
      span.live = { text: `${live.text} … ${text}`, points: offset + codePoints(text), gap: true };
    } else {
      return;
    }
    this.version += 1;
    this.latest = span;
    this.touch(span);
  }

  place(id, parentId) {
    let span = this.spans.get(id);
    if (span) return span;
    span = newSpan(id, parentId ?? null);
    span.order = this.spans.size;
    this.spans.set(id, span);
    this.structure += 1;
    const parent = parentId ? this.spans.get(parentId) : null;
    if (parent) parent.children.push(span);
    else if (!parentId) this.root = span;
    return span;
  }

  /** Note a span at its call path, where it may be a further attempt. */
  attempt(span, path, attempt) {
    if (!path || span.path) return;
    span.path = path;
    span.attempt = attempt;
    const others = this.paths.get(path);
    if (!others) this.paths.set(path, [span]);
    else {
      others.push(span);
      others.sort((left, right) => left.attempt - right.attempt);
      this.isRepeated = true;
      this.structure += 1;
    }
  }

  /** Take back what was counted of a span that another run has paid for, or that is a further attempt. */
  discount(span) {
    const { shared, first } = span.data;
    if (span.discounted || !(shared || (span.attempt > 1 && !first))) return;
    span.discounted = true;
    if (span.kind === "step") this.counts.steps -= 1;
    if (span.kind === "sub_call") this.counts.sub_calls -= 1;
    if (span.kind !== "model_call" || !shared) return;
    this.counts.model_calls -= 1;
    this.spend(span, null);
  }

  describe(span, kind, name, depth, startedAt) {
    if (!span.kind) {
      if (kind === "step") this.counts.steps += 1;
      if (kind === "sub_call") this.counts.sub_calls += 1;
      if (kind === "model_call") this.counts.model_calls += 1;
      this.structure += 1;
    }
    span.kind = kind;
    span.name = name;
    span.depth = depth;
    span.startedAt = startedAt;
    span.start = Date.parse(startedAt);
    this.maxDepth = Math.max(this.maxDepth, depth);
  }

  close(span, status, seconds) {
    if (span.status !== "running") return;
    span.status = status;
    span.seconds = seconds;
    span.live = null;
    this.structure += 1;
    if (isBad(span)) this.bad.add(span);
    if (status === "refused" && span.kind === "sub_call" && !span.discounted) this.counts.refused += 1;
    if (span.kind === "sub_call" && status !== "ok") this.upwards(span, (above) => (above.sum.failed += 1));
    this.touch(span);
  }

  /** Count a call's usage (null: another run has paid): in every sum above it, and as the own spending of the spans of its level. */
  spend(span, usage) {
    const before = span.own;
    const own = usage ? spentBy(usage) : nothingSpent();
    let isOwn = true;
    span.own = own;
    span.counted = true;
    this.upwards(span, (above) => {
      addDifference(above.sum, own, before);
      if (isOwn) addDifference(above.self, own, before);
      if (above.kind === "sub_call") isOwn = false;
    });
  }

  /** Visit a span and all above it. */
  upwards(span, visit) {
    for (let above = span; above; above = above.parentId ? this.spans.get(above.parentId) : null) visit(above);
  }

  touch(span) {
    this.upwards(span, (above) => (above.version += 1));
  }

  /** The span in which one stands; of several attempts at that, the last. */
  parent(span) {
    const found = span.parentId ? this.spans.get(span.parentId) : null;
    return found ? latestOf(this, found) : null;
  }

  /** The run's totals as they stand, in the names of the REST interface; `cost_usd` null: some price is unknown. */
  totals() {
    const sum = this.root?.sum;
    return {
      input_tokens: sum?.input ?? 0,
      output_tokens: sum?.output ?? 0,
      cost_usd: sum?.unpriced ? null : (sum?.cost ?? 0),
      steps: this.counts.steps,
      sub_calls: this.counts.sub_calls - this.counts.refused,
      model_calls: this.counts.model_calls,
      max_depth: this.maxDepth,
    };
  }
}

export const EVENT_TYPES = Object.keys(HANDLERS);
