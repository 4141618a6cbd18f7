// <rlm-problems>: what went wrong, each with its code, its message and the place where it happened.
// Properties: store, tick, selected, matches (filter or null). Event: rlm-select {id}.

import { html } from "../../vendor/lit.js";
import { iconOf } from "../lib/icons.js";
import { diverged, problems } from "../lib/run-filter.js";
import { isBad } from "../lib/run-tree.js";
import { kindIcon, spanName } from "../lib/span-names.js";
import { STATUSES } from "../lib/status.js";
import { clean, preview } from "../lib/text.js";
import { VirtualList } from "./virtual-list.js";

const DIVERGED = ["warn", "alert", "Divergence"];

class RlmProblems extends VirtualList {
  static properties = { matches: { attribute: false } };

  constructor() {
    super();
    this.rowHeight = 52;
  }

  idOf(span) {
    return span.id;
  }

  willUpdate() {
    if (!this.store) return;
    this.rows = problems(this.store, this.matches);
    this.differences = diverged(this.store);
  }

  updated(changed) {
    super.updated(changed);
    if (this.store?.bodies) this.store.want(this.rows.slice(...this.shown));
  }

  render() {
    const running = this.store?.root?.status === "running";
    const empty = this.matches ? "No problem matches." : running ? "Nothing went wrong so far." : "Nothing went wrong.";
    return this.list({ role: "listbox", label: "Problems", name: "problem", empty });
  }

  /** Where it happened: the spans above, from the outermost that is not the run. */
  placeOf(span) {
    const names = [];
    for (let above = this.store.parent(span); above?.parentId; above = this.store.parent(above)) names.unshift(spanName(above));
    return names.join(" › ");
  }

  row(span) {
    const differs = isBad(span) ? null : this.differences.get(span);
    const [tone, icon, word] = differs ? DIVERGED : STATUSES[span.status];
    const said = preview(differs?.join("; ") ?? span.failure?.message ?? span.preview, 160);
    return html`<div
      class="problem-row tone-${tone}"
      data-row
      role="option"
      id="problem-${span.id}"
      aria-selected=${span.id === this.selected}
      @click=${() => this.choose(span.id)}
    >
      <span class="row">
        <span class="status tone-${tone}" title=${word}>${iconOf(icon)}<span class="unseen">${word}</span></span>
        <strong>${span.failure && !differs ? clean(span.failure.code).replaceAll("_", " ") : word}</strong>
        <span class="faint clip push">${this.placeOf(span)}</span>
        <span class="problem-kind">${iconOf(kindIcon(span), "icon-sm")} ${spanName(span)}</span>
      </span>
      <span class="clip muted">${said}</span>
    </div>`;
  }
}

customElements.define("rlm-problems", RlmProblems);
