// A list of fixed-height rows of which only those in view exist. A row keeps its element and its place while it is in
// view, so that scrolling lays out and paints only what comes in at the edge.
// A subclass sets `rows`, says `idOf(row, index)` and renders `row(row, index)`; it puts `this.list(…)` into its template.

import { html, nothing, repeat } from "../../vendor/lit.js";
import { windowOf } from "../lib/run-tree.js";
import { LightElement } from "./light-element.js";

const MARGIN = 8; // rows on either side of those in view, at least
const STEP = 8; // rows that come in at once

export class VirtualList extends LightElement {
  static properties = {
    store: { attribute: false },
    tick: { attribute: false },
    selected: { attribute: false },
    scrolled: { state: true },
  };

  constructor() {
    super();
    this.scrolled = 0;
    this.rowHeight = 28;
    this.rows = [];
    this.shown = [0, 0]; // the first row on the page and the one behind the last
    this.sought = ""; // what is to be scrolled to, once it is there
  }

  firstUpdated() {
    this.view = this.querySelector("[data-list]");
    this.resizing = new ResizeObserver(() => {
      const row = this.view.querySelector("[data-row]");
      if (row) this.rowHeight = row.offsetHeight;
      this.height = this.view.clientHeight;
      this.requestUpdate();
    });
    this.resizing.observe(this.view);
  }

  disconnectedCallback() {
    this.resizing?.disconnect();
    super.disconnectedCallback();
  }

  updated(changed) {
    if (changed.has("selected")) this.sought = this.selected;
    if (this.sought && this.show(this.sought)) this.sought = "";
  }

  indexOf(id) {
    return this.rows.findIndex((row, index) => this.idOf(row, index) === id);
  }

  /** Scroll to a row; false: it is not in view yet, since it is still to come or the list is still to grow. */
  show(id) {
    const index = this.indexOf(id);
    if (index < 0 || !this.view?.clientHeight) return false;
    const top = index * this.rowHeight;
    const { view, rowHeight } = this;
    if (top < view.scrollTop) view.scrollTop = top - rowHeight;
    else if (top + rowHeight > view.scrollTop + view.clientHeight) view.scrollTop = top - view.clientHeight + 2 * rowHeight;
    return top >= view.scrollTop && top + rowHeight <= view.scrollTop + view.clientHeight;
  }

  choose(id) {
    this.dispatchEvent(new CustomEvent("rlm-select", { detail: { id }, bubbles: true }));
  }

  /** j and k, and the arrow keys. */
  move(direction) {
    if (!this.rows.length) return;
    const index = this.indexOf(this.selected);
    const step = { down: 1, up: -1 }[direction] ?? 0;
    const next = index < 0 ? 0 : Math.min(this.rows.length - 1, Math.max(0, index + step));
    if (next !== index) this.choose(this.idOf(this.rows[next], next));
  }

  onKey(event) {
    const directions = { ArrowDown: "down", ArrowUp: "up", ArrowRight: "in", ArrowLeft: "out" };
    const page = Math.max(1, Math.floor(this.view.clientHeight / this.rowHeight) - 1);
    const jumps = { Home: -Infinity, End: Infinity, PageUp: -page, PageDown: page };
    if (event.key in directions) this.move(directions[event.key]);
    else if (event.key in jumps && this.rows.length) {
      const index = this.indexOf(this.selected) + jumps[event.key];
      const next = Math.min(this.rows.length - 1, Math.max(0, index));
      this.choose(this.idOf(this.rows[next], next));
    } else return;
    event.preventDefault();
  }

  windowAt(scrollTop) {
    return windowOf(scrollTop, this.height || 600, this.rowHeight, this.rows.length, { margin: MARGIN, step: STEP });
  }

  /** Draw anew only where other rows are to exist. */
  onScroll({ currentTarget: { scrollTop } }) {
    const [first, last] = this.windowAt(scrollTop);
    if (first !== this.shown[0] || last !== this.shown[1]) this.scrolled = scrollTop;
  }

  /** The scrolling list; `under` is drawn behind all rows, `empty` where there are none. */
  list({ role, label, name, under = nothing, empty = nothing }) {
    const [first, last] = (this.shown = this.windowAt(this.scrolled));
    const shown = this.rows.slice(first, last);
    const active = shown.some((row, at) => this.idOf(row, first + at) === this.selected);
    return html`<div
      class="list ${name}"
      data-list
      role=${this.rows.length ? role : "group"}
      tabindex="0"
      aria-label=${label}
      aria-activedescendant=${active ? `${name}-${this.selected}` : nothing}
      @keydown=${this.onKey}
      @scroll=${this.onScroll}
    >
      <div role="none" class="list-space" .style=${`height:${this.rows.length * this.rowHeight}px`}>
        ${under}
        <div role="none" class="list-rows" .style=${`top:${first * this.rowHeight}px`}>
          ${repeat(shown, (row, at) => this.idOf(row, first + at), (row, at) => this.row(row, first + at))}
        </div>
      </div>
      ${this.rows.length ? nothing : html`<p class="list-empty muted">${empty}</p>`}
    </div>`;
  }
}
