// <rlm-level>: the middle pane. One RLM level as notebook cells or as its transcript, or the raw events of the run.
// Properties: store, tick, selected, at (number of an event), show, live, answer, fallback, forks.
// Events: rlm-select {id}, rlm-address {show | at}.

import { html, nothing } from "../../vendor/lit.js";
import { iconOf } from "../lib/icons.js";
import { levelOf, levelPath, spansOfLevel } from "../lib/run-cells.js";
import { spanName } from "../lib/span-names.js";
import { LightElement } from "./light-element.js";
import "./rlm-cells.js";
import "./rlm-raw.js";
import "./rlm-transcript.js";

const VIEWS = [
  ["cells", "Cells"],
  ["transcript", "Transcript"],
  ["raw", "Raw"],
];

class RlmLevel extends LightElement {
  static properties = {
    store: { attribute: false },
    tick: { attribute: false },
    selected: { attribute: false },
    at: { attribute: false },
    show: { attribute: false },
    live: { attribute: false },
    answer: { attribute: false },
    fallback: { attribute: false },
    forks: { attribute: false },
    follow: { state: true },
  };

  constructor() {
    super();
    this.follow = true;
    this.addEventListener("rlm-follow", (event) => (this.follow = event.detail.follow));
  }

  get level() {
    const { store } = this;
    if (!store?.root) return null;
    return levelOf(store, store.spans.get(this.selected) || store.root);
  }

  willUpdate(changed) {
    if ((changed.has("selected") && this.selected) || (changed.has("at") && this.at)) this.follow = false;
  }

  updated() {
    const { level, store } = this;
    if (!store?.bodies || !level || this.show === "raw" || level === this.asked) return;
    this.asked = level;
    store.want(spansOfLevel(level));
  }

  toggleFollow() {
    this.follow = !this.follow;
  }

  /** Select the level in which this one was asked for. */
  goUp() {
    const { level } = this;
    const above = level && this.store.parent(level);
    if (above) this.go(above.id);
  }

  toAnswer() {
    this.querySelector("rlm-cells")?.toAnswer();
  }

  go(id) {
    this.dispatchEvent(new CustomEvent("rlm-select", { detail: { id }, bubbles: true }));
  }

  render() {
    const { level } = this;
    return html`<div class="pane-tools">
        ${this.crumbs(level)}
        <span class="push row">
          ${this.live
            ? html`<button class="button button-quiet button-sm" aria-pressed=${this.follow} @click=${() => this.toggleFollow()}>
                ${iconOf("follow", "icon-sm")} Follow
              </button>`
            : nothing}
          <span class="segments" role="group" aria-label="View of the level">${VIEWS.map(([name, word]) => this.tab(name, word))}</span>
        </span>
      </div>
      ${this.body(level)}`;
  }

  tab(name, word) {
    const choose = () => this.dispatchEvent(new CustomEvent("rlm-address", { detail: { show: name, at: "" }, bubbles: true }));
    return html`<button class="segment" aria-pressed=${this.show === name} @click=${choose}>${word}</button>`;
  }

  crumbs(level) {
    if (!level) return html`<span class="muted">Notebook</span>`;
    const path = levelPath(this.store, level);
    return html`<nav aria-label="Recursion level"><ol class="crumbs">
      ${path.map((span) =>
        span === level
          ? html`<li><span aria-current="true">${span.kind === "run" ? "Run" : spanName(span)}</span></li>`
          : html`<li><a href="?span=${span.id}" @click=${(event) => this.onCrumb(event, span.id)}>${spanName(span)}</a></li>`,
      )}
    </ol></nav>`;
  }

  onCrumb(event, id) {
    if (event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    this.go(id);
  }

  body(level) {
    const { store, tick, selected, at, live, follow, answer, fallback, forks } = this;
    switch (this.show) {
      case "transcript":
        return html`<rlm-transcript .store=${store} .tick=${tick} .level=${level} .selected=${selected} .at=${at} .live=${live} .follow=${follow}></rlm-transcript>`;
      case "raw":
        return html`<rlm-raw .store=${store} .tick=${tick} .span=${selected} .at=${at} .live=${live} .follow=${follow}></rlm-raw>`;
      default:
        return html`<rlm-cells .store=${store} .tick=${tick} .level=${level} .selected=${selected} .live=${live} .follow=${follow} .answer=${answer} .fallback=${fallback} .forks=${forks}></rlm-cells>`;
    }
  }
}

customElements.define("rlm-level", RlmLevel);
