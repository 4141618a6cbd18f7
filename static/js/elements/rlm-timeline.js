// <rlm-timeline>: spans as bars on a time axis that leaves out idle time, in the order of their start.
// Properties: store, tick, selected, matches (filter or null), now (milliseconds, server's clock). Event: rlm-select {id}.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { iconOf } from "../lib/icons.js";
import { spansThat } from "../lib/run-filter.js";
import { barOf, endOf, marks, timeAxis } from "../lib/run-timeline.js";
import { kindIcon, kindName, spanName } from "../lib/span-names.js";
import { STATUSES } from "../lib/status.js";
import { preview } from "../lib/text.js";
import { tagsOf, toneOf } from "./replay-parts.js";
import { VirtualList } from "./virtual-list.js";

const LATE = 0.7; // a bar that ends behind this has its time written before it, where there is room

class RlmTimeline extends VirtualList {
  static properties = {
    matches: { attribute: false },
    now: { attribute: false },
  };

  constructor() {
    super();
    this.seen = {};
    this.axis = timeAxis([], 0);
  }

  idOf(span) {
    return span.id;
  }

  willUpdate() {
    const { store, matches, now } = this;
    if (!store) return;
    const state = { structure: store.structure, matches, store, now: store.root?.status === "running" ? now : 0 };
    if (Object.keys(state).every((key) => state[key] === this.seen[key])) return;
    this.seen = state;
    const all = spansThat(store, null);
    this.rows = matches ? all.filter(matches) : all;
    this.axis = timeAxis(all, now);
  }

  /** h goes to the span that this one stands in; l has no meaning here. */
  move(direction) {
    const span = this.store?.spans.get(this.selected);
    if (direction === "out" && span?.parentId) this.choose(span.parentId);
    else super.move(direction);
  }

  render() {
    const empty = this.matches ? "No span matches." : "Nothing yet: the run waits for a worker.";
    return html`<div class="time-axis" aria-hidden="true"><span class="time-name">Span</span>
        <span class="time-track">${this.rows.length ? marks(this.axis).map((mark) => this.mark(mark)) : nothing}</span></div>
      ${this.list({ role: "listbox", label: "Timeline", name: "time", under: this.gaps(), empty })}`;
  }

  mark({ place, seconds }) {
    return html`<span class="time-mark" .style=${`--left:${place}`}>${seconds ? format.seconds(seconds) : "0 s"}</span>`;
  }

  gaps() {
    return html`<div role="none" class="time-gaps"><span class="time-name"></span><span class="time-track">
      ${this.axis.gaps.map((gap) => this.gap(gap))}
    </span></div>`;
  }

  gap({ from, to, left, right }) {
    const idle = format.seconds((to - from) / 1000);
    return html`<span class="time-gap" title="${idle} idle, left out" .style=${`--left:${left};--width:${right - left}`}></span>`;
  }

  row(span) {
    const [tone, icon, word] = STATUSES[span.status] || STATUSES.running;
    const { left, width } = barOf(this.axis, span, this.now);
    const seconds = Math.max(0, endOf(span, this.now) - span.start) / 1000;
    const took = span.seconds === null ? format.seconds(seconds || 0) : format.seconds(span.seconds);
    const side = left + width <= LATE ? "is-after" : left > 1 - LATE ? "is-before" : "is-inside";
    const bad = span.status !== "ok" && span.status !== "running";
    return html`<div
      class="time-row kind-${span.kind} ${toneOf(this.store, span)} ${bad ? `is-bad tone-${tone}` : ""}"
      data-row
      role="option"
      id="time-${span.id}"
      aria-selected=${span.id === this.selected}
      title="${kindName(span)} · ${took} · ${preview(span.preview, 120)}"
      @click=${() => this.choose(span.id)}
    >
      <span class="time-name" .style=${`--indent:${Math.min(span.depth, 6)}`}>
        <span class="time-kind">${iconOf(kindIcon(span), "icon-sm")}</span>
        <span class="clip"><span class="unseen">${kindName(span)}: </span>${spanName(span)}</span>
        ${tagsOf(this.store, span)}
        ${bad ? html`<span class="status tone-${tone}" title=${word}>${iconOf(icon)}<span class="unseen">${word}</span></span>` : nothing}
      </span>
      <span class="time-track" .style=${`--left:${left};--width:${width}`}>
        <span class="time-bar ${span.status === "running" ? "is-running" : ""}"></span>
        <span class="time-took ${side}">${took}</span>
      </span>
    </div>`;
  }
}

customElements.define("rlm-timeline", RlmTimeline);
