// <rlm-tree>: the recursion tree, each row with what it and everything below it spent.
// Properties: store, tick (changes when the store did), selected (span id), matches (filter or null). Event: rlm-select {id}.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { iconOf } from "../lib/icons.js";
import { bucketsOf, costOf, shareOf, weightOf } from "../lib/run-spend.js";
import { reveal, visibleRows } from "../lib/run-tree.js";
import { kindIcon, kindName, spanName } from "../lib/span-names.js";
import { STATUSES } from "../lib/status.js";
import { preview } from "../lib/text.js";
import { tagsOf, toneOf } from "./replay-parts.js";
import { VirtualList } from "./virtual-list.js";

const DEEPEST_COLOUR = 4;
const DEEPEST_INDENT = 14;

class RlmTree extends VirtualList {
  static properties = {
    matches: { attribute: false },
    toggled: { state: true },
  };

  constructor() {
    super();
    this.toggled = new Map();
    this.seen = {};
  }

  idOf(row) {
    return row.span.id;
  }

  willUpdate(changed) {
    if (changed.has("matches")) this.toggled = new Map();
    const { store, toggled, matches } = this;
    if (!store) return;
    const now = { structure: store.structure, toggled, matches, store };
    if (Object.keys(now).every((key) => now[key] === this.seen[key])) return;
    this.seen = now;
    this.rows = visibleRows(store, { toggled, matches });
  }

  /** Unfold to a span and scroll to it. */
  show(id) {
    const span = this.store?.spans.get(id);
    if (!span) return false;
    if (this.indexOf(id) < 0 && (!this.matches || this.matches(span))) {
      this.toggled = reveal(this.store, span, this.toggled);
      this.willUpdate(new Map());
    }
    return super.show(id);
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
    const index = this.indexOf(this.selected);
    if (index >= 0 && direction === "in") this.goIn(this.rows[index], index);
    else if (index >= 0 && direction === "out") this.goOut(this.rows[index]);
    else super.move(direction);
  }

  goIn(row, index) {
    if (!row.leaf && !row.open) this.toggle(row);
    else if (row.open && this.rows[index + 1]) this.choose(this.rows[index + 1].span.id);
  }

  goOut(row) {
    if (row.open) this.toggle(row);
    else if (row.span.parentId) this.choose(row.span.parentId);
  }

  render() {
    const empty = this.matches ? "No span matches." : "Nothing yet: the run waits for a worker.";
    return this.list({ role: "tree", label: "Recursion tree", name: "tree", empty });
  }

  row({ span, level, open, leaf }) {
    const [tone, icon, word] = STATUSES[span.status] || STATUSES.running;
    return html`<div
      class="tree-row depth-${Math.min(span.depth, DEEPEST_COLOUR)} ${toneOf(this.store, span)}"
      data-row
      role="treeitem"
      id="tree-${span.id}"
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
      ${tagsOf(this.store, span)}
      <span class="tree-preview clip">${preview(span.preview, 90)}</span>
      <span class="tree-failed">${span.sum.failed && span.kind !== "sub_call" ? `${span.sum.failed} failed` : ""}</span>
      ${this.spent(span)}
      <span class="tree-number">${span.seconds === null ? "" : format.seconds(span.seconds)}</span>
      <span class="status tone-${tone}" title=${word}>
        ${iconOf(icon, span.status === "running" ? "spin" : "")}<span class="unseen">${word}</span>
      </span>
    </div>`;
  }

  /** The subtree's figure over a bar of its share of the run. */
  spent(span) {
    const tokens = bucketsOf(span.sum).total;
    if (!tokens && !span.sum.cost) return html`<span class="tree-spent"></span>`;
    const { root } = this.store;
    const byCost = weightOf(root) === "cost";
    const own = byCost ? format.usd(costOf(span.self)) : `${format.tokens(bucketsOf(span.self).total)} tokens`;
    const all = byCost ? format.usd(costOf(span.sum)) : format.tokens(tokens);
    const title = `${all}${byCost ? "" : " tokens"} with everything below, ${own} by itself · ${format.count(tokens)} tokens`;
    return html`<span class="tree-spent" title=${title} .style=${`--share:${shareOf(span, root)}`}>${all}</span>`;
  }

  onFold(event, row) {
    event.stopPropagation();
    this.toggle(row);
  }
}

customElements.define("rlm-tree", RlmTree);
