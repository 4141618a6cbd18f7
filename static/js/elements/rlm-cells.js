// <rlm-cells>: the notebook of one RLM level, in pairs of code and output, growing while the run runs.
// Properties: store, tick, selected, live, answer, fallback. Event: rlm-select {id}.

import { guard, html, nothing, repeat } from "../../vendor/lit.js";
import { iconOf } from "../lib/icons.js";
import { blockOf, levelOf, levelPath } from "../lib/run-cells.js";
import { spanName } from "../lib/span-names.js";
import { FINISH_REASONS } from "../lib/status.js";
import { clean, preview, readable } from "../lib/text.js";
import { executionCell, figures, logsOf, modelText, statusOf, stepCard } from "./cell-parts.js";
import { LightElement } from "./light-element.js";
import "./rlm-answer.js";

const NEAR_END = 48;

class RlmCells extends LightElement {
  static properties = {
    store: { attribute: false },
    tick: { attribute: false },
    selected: { attribute: false },
    live: { attribute: false },
    answer: { attribute: false },
    fallback: { attribute: false },
    follow: { state: true },
    opened: { state: true },
  };

  constructor() {
    super();
    this.follow = true;
    this.opened = 0; // counts changes of what the reader opened
    this.open = new Map();
    this.shown = new Map();
    this.ui = {
      isOpen: (key) => this.open.get(key) ?? false,
      toggle: (key) => this.remember(() => this.open.set(key, !this.ui.isOpen(key))),
      count: (key) => this.shown.get(key) ?? 0,
      more: (key) => this.remember(() => this.shown.set(key, this.ui.count(key) + 1)),
      select: (id) => this.dispatchEvent(new CustomEvent("rlm-select", { detail: { id }, bubbles: true })),
    };
  }

  remember(change) {
    change();
    this.opened += 1;
  }

  get level() {
    const { store } = this;
    if (!store?.root) return null;
    return levelOf(store, store.spans.get(this.selected) || store.root);
  }

  updated(changed) {
    const view = this.querySelector(".cells");
    if (!view) return;
    if (changed.has("selected") && this.selected) this.scrollTo(this.selected);
    else if (this.live && this.follow) view.scrollTop = view.scrollHeight;
    else if (changed.get("live") && this.follow) view.scrollTop = 0; // it has just ended: the answer stands on top
  }

  /** Bring the block of a span into view. */
  scrollTo(id) {
    const span = this.store.spans.get(id);
    const block = span && blockOf(this.store, this.level, span);
    if (!block) return;
    this.follow = false;
    this.querySelector(`#block-${CSS.escape(block.id)}`)?.scrollIntoView({ block: "start" });
  }

  /** Reading upwards lets go; coming back to the end takes hold again. */
  onScroll(event) {
    const view = event.currentTarget;
    const fromEnd = view.scrollHeight - view.scrollTop - view.clientHeight;
    if (view.scrollTop < (this.lastTop ?? 0) - 4 && fromEnd > NEAR_END) this.follow = false;
    else if (fromEnd < 4) this.follow = true;
    this.lastTop = view.scrollTop;
  }

  toggleFollow() {
    this.follow = !this.follow;
  }

  render() {
    const { level } = this;
    return html`
      <div class="pane-tools">
        ${this.crumbs(level)}
        ${this.live
          ? html`<button class="button button-quiet button-sm push" aria-pressed=${this.follow} @click=${() => this.toggleFollow()}>
              ${iconOf("follow", "icon-sm")} Follow
            </button>`
          : nothing}
      </div>
      <div class="cells" tabindex="0" role="region" aria-label="Notebook" @scroll=${this.onScroll}>
        ${level ? this.notebook(level) : this.waiting()}
      </div>
    `;
  }

  waiting() {
    return html`<div class="empty">${iconOf("clock")}<h2>Waiting for a worker</h2>
      <p>The run is queued. Its first step appears here as soon as a worker takes it up.</p></div>`;
  }

  crumbs(level) {
    if (!level) return html`<span class="muted">Notebook</span>`;
    const path = levelPath(this.store, level);
    return html`<nav aria-label="Recursion level"><ol class="crumbs">
      ${path.map((span) =>
        span === level
          ? html`<li><span aria-current="true">${span.kind === "run" ? "Run" : spanName(span)}</span></li>`
          : html`<li><a href="?span=${span.id}" @click=${(event) => this.go(event, span.id)}>${spanName(span)}</a></li>`,
      )}
    </ol></nav>`;
  }

  go(event, id) {
    if (event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    this.ui.select(id);
  }

  notebook(level) {
    const bodies = level.messages.length > 0 || level.children.some((child) => child.children.length > 0);
    return html`
      ${guard([level.data, level.messages.length, level.logs.length, this.opened], () => this.head(level))}
      ${level.kind === "run" && this.answer !== null
        ? html`<rlm-answer .answer=${this.answer} .note=${this.fallback ? FINISH_REASONS.fallback : ""}></rlm-answer>`
        : nothing}
      ${repeat(
        level.children,
        (block) => block.id,
        (block) =>
          html`<article class="step depth-${Math.min(level.depth, 4)} ${block.id === this.selected ? "is-selected" : ""}" id="block-${block.id}">
            ${guard([block.version, this.opened], () => this.block(block))}
          </article>`,
      )}
      ${bodies || !level.children.length ? nothing : html`<p class="faint">Loading the events of these steps.</p>`}
      ${level.kind === "run" || level.answer === null ? nothing : this.levelAnswer(level)}
    `;
  }

  block(block) {
    if (block.kind === "step") return stepCard(block, this.ui);
    const body = block.kind === "execution" ? executionCell(block, this.ui) : modelText(block, this.ui);
    const name = block.data.purpose === "fallback" ? "Best answer so far" : spanName(block);
    return html`<header class="step-head"><h2>${name}</h2> ${statusOf(block.status, true)} <span class="push">${figures(block)}</span></header>${body}`;
  }

  head(level) {
    const text = level.data.task ?? level.data.prompt ?? level.preview;
    return html`<div class="level-head">
      <h2 class="label">${level.kind === "run" ? "Task" : "Asked by the level above"}</h2>
      <pre class="code task">${clean(text)}</pre>
      ${level.messages.length ? this.told(level) : nothing} ${logsOf(level)}
    </div>`;
  }

  /** The messages that the level began with: system prompt, examples, the task as it was put. */
  told(level) {
    const key = `told-${level.id}`;
    const open = this.ui.isOpen(key);
    return html`<button class="link" aria-expanded=${open} @click=${() => this.ui.toggle(key)}>
        ${open ? "Hide" : "Show"} what the model was told (${level.messages.length} ${level.messages.length === 1 ? "message" : "messages"})
      </button>
      ${open ? level.messages.map((message) => html`<h3 class="label">${message.role}</h3><pre class="code quote">${clean(message.content)}</pre>`) : nothing}`;
  }

  levelAnswer(level) {
    return html`<p class="notice tone-ok">${iconOf("check")}<span>Answered: ${preview(readable(level.answer.content), 400)}</span></p>`;
  }
}

customElements.define("rlm-cells", RlmCells);
