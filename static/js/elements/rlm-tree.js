// <rlm-tree>: the recursion tree as a virtual list of fixed-height rows, reused by place: scrolling changes text only.
// Properties: store, tick (changes when the store did), selected (span id). Event: rlm-select {id}.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { iconOf } from "../lib/icons.js";
import { isBad, reveal, visibleRows, windowOf } from "../lib/run-tree.js";
import { kindIcon, kindName, spanName } from "../lib/span-names.js";
import { STATUSES } from "../lib/status.js";
import { preview } from "../lib/text.js";
import { LightElement } from "./light-element.js";

const DEEPEST_COLOUR = 4;
const DEEPEST_INDENT = 14;

class RlmTree extends LightElement {
  static properties = {
    store: { attribute: false },
    tick: { attribute: false },
    selected: { attribute: false },
    toggled: { state: true },
    errorsOnly: { state: true },
    scrolled: { state: true },
  };

  constructor() {
    super();
    this.toggled = new Map();
    this.errorsOnly = false;
    this.scrolled = 0;
    this.rowHeight = 28;
    this.rows = [];
    this.seen = {};
  }

  firstUpdated() {
    this.view = this.querySelector(".tree");
    this.resizing = new ResizeObserver(() => {
      const row = this.querySelector(".tree-row");
      if (row) this.rowHeight = row.offsetHeight;
      this.requestUpdate();
    });
    this.resizing.observe(this.view);
  }

  disconnectedCallback() {
    this.resizing?.disconnect();
    super.disconnectedCallback();
  }

  willUpdate() {
    const { store, toggled, errorsOnly } = this;
    if (!store) return;
    const now = { structure: store.structure, toggled, errorsOnly, store };
    if (Object.keys(now).every((key) => now[key] === this.seen[key])) return;
    this.seen = now;
    this.rows = visibleRows(store, { toggled, errorsOnly });
    this.errors = 0;
    for (const span of store.spans.values()) this.errors += isBad(span) ? 1 : 0;
  }

  updated(changed) {
    if (changed.has("selected") && this.selected) this.show(this.selected);
  }

  /** Unfold to a span and scroll to it. */
  show(id) {
    const span = this.store?.spans.get(id);
    if (!span) return;
    let index = this.rows.findIndex((row) => row.span.id === id);
    if (index < 0) {
      this.toggled = reveal(this.store, span, this.toggled);
      this.willUpdate();
      index = this.rows.findIndex((row) => row.span.id === id);
    }
    const top = index * this.rowHeight;
    const { scrollTop, clientHeight } = this.view;
    if (top < scrollTop) this.view.scrollTop = top - this.rowHeight;
    else if (top + this.rowHeight > scrollTop + clientHeight) this.view.scrollTop = top - clientHeight + 2 * this.rowHeight;
  }

  choose(id) {
    this.dispatchEvent(new CustomEvent("rlm-select", { detail: { id }, bubbles: true }));
  }

  toggle(row) {
    if (!row.leaf) this.toggled = new Map(this.toggled).set(row.span.id, !row.open);
  }

  /** Open or close all sub-calls, or everything that stands at the same level. */
  foldAll(open) {
    const toggled = new Map();
    for (const span of this.store.spans.values()) {
      if (span.children.length && span !== this.store.root) toggled.set(span.id, open);
    }
    this.toggled = toggled;
  }

  /** j, k, h, l: the same as the arrow keys. */
  move(direction) {
    const index = this.rows.findIndex((row) => row.span.id === this.selected);
    const row = this.rows[index];
    if (!row) {
      if (this.rows.length) this.choose(this.rows[0].span.id);
      return;
    }
    if (direction === "down" && this.rows[index + 1]) this.choose(this.rows[index + 1].span.id);
    if (direction === "up" && this.rows[index - 1]) this.choose(this.rows[index - 1].span.id);
    if (direction === "in") this.goIn(row, index);
    if (direction === "out") this.goOut(row);
  }

  goIn(row, index) {
    if (!row.leaf && !row.open) this.toggle(row);
    else if (row.open && this.rows[index + 1]) this.choose(this.rows[index + 1].span.id);
  }

  goOut(row) {
    if (row.open) this.toggle(row);
    else if (row.span.parentId) this.choose(row.span.parentId);
  }

  onKey(event) {
    const directions = { ArrowDown: "down", ArrowUp: "up", ArrowRight: "in", ArrowLeft: "out" };
    const ends = { Home: 0, End: this.rows.length - 1 };
    if (event.key in directions) this.move(directions[event.key]);
    else if (event.key in ends && this.rows.length) this.choose(this.rows[ends[event.key]].span.id);
    else return;
    event.preventDefault();
  }

  render() {
    const spans = this.store?.spans.size ?? 0;
    const height = this.view?.clientHeight || 600;
    const [first, last] = windowOf(this.scrolled, height, this.rowHeight, this.rows.length);
    return html`
      <div class="pane-tools">
        <div class="segments" role="group" aria-label="Which spans">
          ${this.filter(false, "All", spans)} ${this.filter(true, "Problems", this.errors || 0)}
        </div>
        <span class="push row">
          <button class="button button-quiet button-sm button-icon" title="Fold all" @click=${() => this.foldAll(false)}>
            ${iconOf("fold")}<span class="unseen">Fold all</span>
          </button>
          <button class="button button-quiet button-sm button-icon" title="Unfold all" @click=${() => this.foldAll(true)}>
            ${iconOf("unfold")}<span class="unseen">Unfold all</span>
          </button>
        </span>
      </div>
      <div
        class="tree"
        role="tree"
        tabindex="0"
        aria-label="Recursion tree"
        aria-activedescendant=${this.selected ? `row-${this.selected}` : nothing}
        @keydown=${this.onKey}
        @scroll=${(event) => (this.scrolled = event.currentTarget.scrollTop)}
      >
        <div role="none" class="tree-space" .style=${`height:${this.rows.length * this.rowHeight}px`}>
          <div role="none" class="tree-rows" .style=${`transform:translateY(${first * this.rowHeight}px)`}>
            ${this.rows.slice(first, last).map((row) => this.row(row))}
          </div>
        </div>
        ${this.rows.length ? nothing : this.empty()}
      </div>
    `;
  }

  filter(errorsOnly, label, count) {
    return html`<button
      class="segment"
      aria-pressed=${this.errorsOnly === errorsOnly}
      @click=${() => (this.errorsOnly = errorsOnly)}
    >
      ${label} <span class="count">${format.count(count)}</span>
    </button>`;
  }

  empty() {
    return html`<p class="tree-empty muted" role="treeitem">
      ${this.errorsOnly ? "Nothing went wrong so far." : "Nothing yet: the run waits for a worker."}
    </p>`;
  }

  row({ span, level, open, leaf }) {
    const [tone, icon, word] = STATUSES[span.status] || STATUSES.running;
    const depth = Math.min(span.depth, DEEPEST_COLOUR);
    const known = span.sum.input + span.sum.output;
    return html`<div
      class="tree-row depth-${depth}"
      role="treeitem"
      id="row-${span.id}"
      aria-level=${level + 1}
      aria-expanded=${leaf ? nothing : open}
      aria-selected=${span.id === this.selected}
      .style=${`--indent:${Math.min(level, DEEPEST_INDENT)}`}
      @click=${() => this.choose(span.id)}
      @dblclick=${() => this.toggle({ span, open, leaf })}
    >
      <span class="tree-fold" @click=${(event) => this.onFold(event, { span, open, leaf })}>
        ${iconOf("chevron", open ? "icon-sm is-open" : "icon-sm")}
      </span>
      <span class="tree-kind" title=${kindName(span)}>${iconOf(kindIcon(span), "icon-sm")}</span>
      <span class="tree-name">${spanName(span)}</span>
      <span class="tree-preview clip">${preview(span.preview, 90)}</span>
      <span class="tree-failed">${span.sum.failed && span.kind !== "sub_call" ? `${span.sum.failed} failed` : ""}</span>
      <span class="tree-number">${known ? format.tokens(known) : ""}</span>
      <span class="tree-number">${span.seconds === null ? "" : format.seconds(span.seconds)}</span>
      <span class="status tone-${tone}" title=${word}>
        ${iconOf(icon, span.status === "running" ? "spin" : "")}<span class="unseen">${word}</span>
      </span>
    </div>`;
  }

  onFold(event, row) {
    event.stopPropagation();
    this.toggle(row);
  }
}

customElements.define("rlm-tree", RlmTree);
