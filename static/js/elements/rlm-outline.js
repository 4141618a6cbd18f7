// <rlm-outline>: the left pane. One of three views of the same spans (tree, timeline, problems) under one filter.
// Properties: store, tick, selected, now, view, kind, find. Events: rlm-select {id}, rlm-address {view | kind | find}.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { iconOf } from "../lib/icons.js";
import { matcher, problems } from "../lib/run-filter.js";
import { KINDS } from "../lib/span-names.js";
import { LightElement } from "./light-element.js";
import "./rlm-problems.js";
import "./rlm-timeline.js";
import "./rlm-tree.js";

const VIEWS = [
  ["tree", "Tree"],
  ["timeline", "Timeline"],
  ["errors", "Errors"],
];

class RlmOutline extends LightElement {
  static properties = {
    store: { attribute: false },
    tick: { attribute: false },
    selected: { attribute: false },
    now: { attribute: false },
    view: { attribute: false },
    kind: { attribute: false },
    find: { attribute: false },
  };

  /** The view that is shown now. */
  get shown() {
    return this.querySelector("rlm-tree, rlm-timeline, rlm-problems");
  }

  willUpdate(changed) {
    if (changed.has("kind") || changed.has("find")) this.matches = matcher(this);
    const structure = (this.store?.structure ?? 0) + (this.store?.divergences.length ?? 0);
    if (structure === this.counted) return;
    this.counted = structure;
    this.problems = problems(this.store, null).length;
  }

  move(direction) {
    this.shown?.move(direction);
  }

  foldAll(open) {
    this.shown?.foldAll?.(open);
  }

  focusFilter() {
    this.querySelector("input[type=search]").focus();
  }

  change(state) {
    this.dispatchEvent(new CustomEvent("rlm-address", { detail: state, bubbles: true }));
  }

  /** Escape empties the field, and leaves it when it is empty. */
  onFindKey(event) {
    if (event.key === "Enter") this.shown?.move("down");
    if (event.key !== "Escape") return;
    event.preventDefault();
    if (this.find) this.change({ find: "" });
    else event.target.blur();
  }

  render() {
    return html`<div class="outline-tools">
        <div class="row">
          <div class="segments" role="group" aria-label="View of the spans">${VIEWS.map(([name, word]) => this.tab(name, word))}</div>
          ${this.view === "tree" ? this.folds() : nothing}
        </div>
        <div class="row">
          <label class="outline-find">
            <span class="unseen">Find in spans</span>
            <input class="input" type="search" placeholder="Find in spans" .value=${this.find || ""}
              @input=${(event) => this.change({ find: event.target.value })} @keydown=${this.onFindKey} />
          </label>
          <label>
            <span class="unseen">Kind of span</span>
            <select class="input outline-kind" @change=${(event) => this.change({ kind: event.target.value })}>
              <option value="" ?selected=${!this.kind}>All kinds</option>
              ${Object.entries(KINDS).map(([kind, word]) =>
                kind === "run" ? nothing : html`<option value=${kind} ?selected=${this.kind === kind}>${word}s</option>`)}
            </select>
          </label>
        </div>
        ${this.store?.bodies && this.find ? html`<p class="faint">Names, first lines and what is loaded are searched.</p>` : nothing}
      </div>
      ${this.body()}`;
  }

  tab(name, word) {
    const count = { tree: this.store?.spans.size, errors: this.problems }[name];
    return html`<button class="segment" aria-pressed=${this.view === name} @click=${() => this.change({ view: name })}>
      ${word} ${count === undefined ? nothing : html`<span class="count ${name === "errors" && count ? "is-bad" : ""}">${format.count(count)}</span>`}
    </button>`;
  }

  folds() {
    const button = (open, icon, word) => html`<button class="button button-quiet button-sm button-icon" title=${word} @click=${() => this.foldAll(open)}>
      ${iconOf(icon)}<span class="unseen">${word}</span>
    </button>`;
    return html`<span class="push row">${button(false, "fold", "Fold all")}${button(true, "unfold", "Unfold all")}</span>`;
  }

  body() {
    const { store, tick, selected, matches, now } = this;
    switch (this.view) {
      case "timeline":
        return html`<rlm-timeline .store=${store} .tick=${tick} .selected=${selected} .matches=${matches} .now=${now}></rlm-timeline>`;
      case "errors":
        return html`<rlm-problems .store=${store} .tick=${tick} .selected=${selected} .matches=${matches}></rlm-problems>`;
      default:
        return html`<rlm-tree .store=${store} .tick=${tick} .selected=${selected} .matches=${matches}></rlm-tree>`;
    }
  }
}

customElements.define("rlm-outline", RlmOutline);
