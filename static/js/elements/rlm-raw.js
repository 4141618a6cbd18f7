// <rlm-raw>: the run's events as the record has them: a line each, and the chosen one as JSON.
// Properties: store, tick, span (id of the selected span), at (number of the chosen event), live, follow.
// Event: rlm-address {at}.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { copy } from "../lib/notify.js";
import { eventsOf, lineOf } from "../lib/run-raw.js";
import { preview } from "../lib/text.js";
import { copyLink, pictured } from "./cell-parts.js";
import "./rlm-code.js";
import { VirtualList } from "./virtual-list.js";

const SHOWN = 100_000;

class RlmRaw extends VirtualList {
  static properties = {
    span: { attribute: false },
    at: { attribute: false },
    live: { attribute: false },
    follow: { attribute: false },
    only: { state: true },
  };

  constructor() {
    super();
    this.only = false; // the selected span's events only
    this.rowHeight = 26;
  }

  idOf(event, index) {
    return String(event?.seq ?? index + 1);
  }

  indexOf(id) {
    return this.only ? super.indexOf(id) : id && Number(id) <= this.rows.length ? Number(id) - 1 : -1;
  }

  choose(at) {
    this.dispatchEvent(new CustomEvent("rlm-address", { detail: { at }, bubbles: true }));
  }

  willUpdate(changed) {
    if (!this.store) return;
    this.choice();
    this.selected = this.at || (changed.has("span") && this.span ? this.firstOf(this.span) : this.selected);
  }

  /** Read anew which events are listed: all of them at no cost, those of one span only when some came. */
  choice() {
    const { store } = this;
    const only = this.only ? this.span || store.root?.id : "";
    const state = `${only} ${store.held} ${store.events.length}`;
    if (only && state === this.chosen) return;
    this.chosen = state;
    this.rows = eventsOf(store, only);
  }

  /** Of a run that is read in parts, ask for what is seen. */
  ask() {
    const { bodies, spans } = this.store;
    const span = spans.get(this.span) ?? this.store.root;
    if (!bodies) return;
    if (this.only) bodies.spans(span ? [span] : []);
    else bodies.record(...this.shown);
    const index = this.indexOf(this.selected);
    if (index < 0 || this.rows[index]) return;
    bodies.record(index, index + 1);
    this.sought = this.selected; // once more when it is here: what is shown of it takes room from the list
  }

  /** The number of a span's first event; empty where it is not loaded yet. */
  firstOf(id) {
    const seq = this.store.spans.get(id)?.seq;
    return seq ? String(seq) : "";
  }

  updated(changed) {
    super.updated(changed);
    this.ask();
    if (this.live && this.follow && !this.at) this.view.scrollTop = this.view.scrollHeight;
  }

  render() {
    const event = this.rows[this.indexOf(this.selected)];
    return html`<div class="raw-tools row">
        <div class="segments" role="group" aria-label="Which events">${this.filter(false, "All events")}${this.filter(true, "This span's")}</div>
        <span class="faint number push">${format.count(this.rows.length)} events</span>
      </div>
      ${this.list({ role: "listbox", label: "Events", name: "event", empty: "No event yet." })}
      ${event ? this.viewer(event) : nothing}`;
  }

  filter(only, word) {
    return html`<button class="segment" aria-pressed=${this.only === only} @click=${() => (this.only = only)}>${word}</button>`;
  }

  row(event, index) {
    if (!event) return this.absent(index);
    return html`<div
      class="event-row"
      data-row
      role="option"
      id="event-${event.seq}"
      aria-selected=${String(event.seq) === this.selected}
      @click=${() => this.choose(String(event.seq))}
    >
      <span class="faint number event-seq">${event.seq}</span>
      <span class="event-type">${event.type}</span>
      <span class="clip muted">${preview(lineOf(event), 160)}</span>
    </div>`;
  }

  /** An event that is still to be fetched. */
  absent(index) {
    const seq = String(index + 1);
    return html`<div class="event-row" data-row role="option" id="event-${seq}" aria-selected=${seq === this.selected} @click=${() => this.choose(seq)}>
      <span class="faint number event-seq">${seq}</span>
      <span class="faint">…</span>
      <span class="clip muted"></span>
    </div>`;
  }

  /** Written once for each event that is looked at, not at every tick. */
  jsonOf(event) {
    if (this.written?.event !== event) this.written = { event, text: JSON.stringify(event, null, 2) };
    return this.written.text;
  }

  viewer(event) {
    const text = this.jsonOf(event);
    return html`<section class="raw-event" aria-label="Event ${event.seq}">
      <header class="pane-tools">
        <strong class="number">Event ${format.count(event.seq)}</strong> <span class="faint">${event.type} · ${format.dateTime(event.at)}</span>
        <span class="push row">
          ${pictured("copy", "Copy JSON", () => copy(text, "Event copied"))}
          ${pictured("link", "Copy link to this event", () => copyLink({ span: this.span, show: "raw", at: event.seq }))}
        </span>
      </header>
      <div class="raw-json" tabindex="0" role="group" aria-label="JSON of the event">
        <rlm-code class="code" .language=${"json"} .text=${text.slice(0, SHOWN)}></rlm-code>
        ${text.length > SHOWN ? html`<p class="faint">${format.count(text.length - SHOWN)} more characters; Copy takes them all.</p>` : nothing}
      </div>
    </section>`;
  }
}

customElements.define("rlm-raw", RlmRaw);
