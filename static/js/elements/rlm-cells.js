// <rlm-cells>: the notebook of one RLM level, in pairs of code and output, growing while the run runs.
// Properties: store, tick, level, selected, live, follow, answer, fallback, forks (the address of the
// page that forks the run, or ""). Events: rlm-select {id}, rlm-follow {follow}.

import { guard, html, nothing, repeat } from "../../vendor/lit.js";
import { iconOf } from "../lib/icons.js";
import { merged } from "../lib/run-attempts.js";
import { blockOf, placeInBlock } from "../lib/run-cells.js";
import { spanName } from "../lib/span-names.js";
import { FINISH_REASONS } from "../lib/status.js";
import { clean, preview, readable } from "../lib/text.js";
import { CALLS_SHOWN, executionCell, figures, logsOf, modelText, statusOf, stepCard } from "./cell-parts.js";
import { LightElement } from "./light-element.js";
import { memoriesAtHand } from "./memory-parts.js";
import "./rlm-answer.js";
import { ScrollKeeper } from "./scroll-keeper.js";

class RlmCells extends LightElement {
  static properties = {
    store: { attribute: false },
    tick: { attribute: false },
    level: { attribute: false },
    selected: { attribute: false },
    live: { attribute: false },
    follow: { attribute: false },
    answer: { attribute: false },
    fallback: { attribute: false },
    forks: { attribute: false },
    opened: { state: true },
  };

  constructor() {
    super();
    this.opened = 0; // counts changes of what the reader opened
    this.open = new Map();
    this.shown = new Map();
    this.ui = {
      isOpen: (key) => this.open.get(key) ?? false,
      isSelected: (id) => id === this.selected,
      toggle: (key) => this.remember(() => this.open.set(key, !this.ui.isOpen(key))),
      count: (key) => this.shown.get(key) ?? 0,
      more: (key) => this.remember(() => this.shown.set(key, this.ui.count(key) + 1)),
      want: (spans) => this.store.want(spans),
      select: (id) => this.tell("rlm-select", { id }),
    };
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }

  remember(change) {
    change();
    this.opened += 1;
  }

  firstUpdated() {
    this.keeper = new ScrollKeeper(this.querySelector(".cells"), {
      find: () => this.target(),
      follows: (follow) => this.tell("rlm-follow", { follow }),
    });
  }

  willUpdate(changed) {
    this.ui.fork = this.forks ? (step) => `${this.forks}?at=${step.seq - 1}` : null;
    if (changed.has("selected")) this.sought = this.selected;
    const span = this.sought && this.store?.spans.get(this.sought);
    if (!span || !this.level) return;
    this.sought = "";
    this.openFor(span);
    this.aims = true;
  }

  updated(changed) {
    if (this.aims) {
      this.aims = false;
      this.keeper.aim();
    }
    if (changed.get("live") && !this.live && this.follow) this.keeper.toTop(); // it has just ended: the answer is on top
    else this.keeper.drawn(this.live && this.follow);
  }

  /** Open the cards in which a sub-call lies. */
  openFor(span) {
    for (const { group, index, id } of placeInBlock(this.store, this.level, span)) {
      this.open.set(`group-${group}`, true);
      this.open.set(`call-${id}`, true);
      this.shown.set(`group-${group}`, Math.max(this.ui.count(`group-${group}`), Math.floor(index / CALLS_SHOWN)));
    }
    this.opened += 1;
  }

  /** The innermost element on the page that shows the selected span, or something that holds it. */
  target() {
    const { store, level } = this;
    const chosen = store.spans.get(this.selected);
    const opens = chosen?.kind === "model_call" && store.parent(chosen)?.kind === "step"; // the step's head stands right above
    for (let span = opens ? store.parent(chosen) : chosen; span && span.id !== level.id; span = store.parent(span)) {
      const found = this.querySelector(`#cell-${CSS.escape(span.id)}`);
      if (found) return found;
    }
    return this.querySelector(".level-head");
  }

  toAnswer() {
    this.keeper.aimed = false;
    const answer = this.querySelector("rlm-answer, .level-answer");
    answer?.scrollIntoView({ block: "start" });
    answer?.querySelector(".answer-body")?.focus({ preventScroll: true });
  }

  render() {
    return html`<div class="cells" tabindex="0" role="region" aria-label="Notebook">
      ${this.level ? this.notebook(this.level) : this.waiting()}
    </div>`;
  }

  waiting() {
    return html`<div class="empty">${iconOf("clock")}<h2>Waiting for a worker</h2>
      <p>The run is queued. Its first step appears here as soon as a worker takes it up.</p></div>`;
  }

  notebook(span) {
    const level = merged(this.store, span);
    const bodies = !this.store.lacks([level]) && (level.messages.length > 0 || level.children.some((child) => child.children.length > 0));
    const selected = this.store.spans.get(this.selected);
    const within = selected && blockOf(this.store, level, selected);
    return html`
      ${guard([level.data, level.messages.length, level.logs.length, level.memories.length, this.opened], () => this.head(level))}
      ${level.kind === "run" && this.answer !== null
        ? html`<rlm-answer .answer=${this.answer} .note=${this.fallback ? FINISH_REASONS.fallback : ""}></rlm-answer>`
        : nothing}
      ${repeat(
        level.children,
        (block) => block.id,
        (block) =>
          html`<article class="step depth-${Math.min(level.depth, 4)} ${block.id === this.selected ? "is-selected" : ""}" id="cell-${block.id}">
            ${guard([block.version, this.opened, block.id === within?.id ? this.selected : ""], () => this.block(block))}
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
      ${level.messages.length ? this.told(level) : nothing} ${memoriesAtHand(level, this.ui)} ${logsOf(level)}
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
    return html`<p class="notice tone-ok level-answer">${iconOf("check")}<span>Answered: ${preview(readable(level.answer.content), 400)}</span></p>`;
  }
}

customElements.define("rlm-cells", RlmCells);
