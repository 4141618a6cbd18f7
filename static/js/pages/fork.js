// The fork page: what is shared at the left, as the run's own notebook; what is to be different at the right.

import "../elements/rlm-cells.js";
import "../elements/rlm-steps.js";
import { Api } from "../lib/api.js";
import { clearErrors, showErrors } from "../lib/field-errors.js";
import * as format from "../lib/format.js";
import { shortcut } from "../lib/keys.js";
import { copy } from "../lib/notify.js";
import { RunBodies } from "../lib/run-bodies.js";
import { levelOf, spansOfLevel } from "../lib/run-cells.js";
import { postOf } from "../lib/run-curl.js";
import { forkBody, planOf, seqBefore, sharedUpTo, stepBehind, stepsOf } from "../lib/run-fork.js";
import { readSkeleton } from "../lib/run-skeleton.js";
import { browserSource } from "../lib/run-source.js";
import { RunStore } from "../lib/run-store.js";
import { RunStream } from "../lib/run-stream.js";
import { shortModel, spanName } from "../lib/span-names.js";
import { TERMINAL } from "../lib/status.js";

const FEW_EVENTS = 2000; // of a run that has ended: fetched at once

class ForkPage {
  constructor(root) {
    this.root = root;
    this.id = root.dataset.run;
    this.at = root.dataset.at === "" ? null : Math.max(0, Number.parseInt(root.dataset.at, 10) || 0);
    this.form = root.querySelector("form");
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.steps = root.querySelector("rlm-steps");
    this.cells = root.querySelector("rlm-cells");
    this.code = this.form.elements.namedItem("code");
    this.ticked = this.part("use-code");
    this.filled = ""; // the code that was put into the field, to tell whether it was changed
    this.api = Api.ofPage();
    this.store = new RunStore();
    this.source = browserSource(this.api, this.id);
    this.key = crypto.randomUUID();
  }

  start() {
    const { form, root } = this;
    root.addEventListener("rlm-step", (event) => this.choose(event.detail.id));
    root.addEventListener("rlm-follow", (event) => event.stopPropagation());
    root.addEventListener("rlm-select", ({ detail }) => open(`/runs/${this.id}?span=${detail.id}`, "_blank", "noopener"));
    form.addEventListener("input", (event) => this.typed(event.target));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.launch();
    });
    this.part("copy").addEventListener("click", () => copy(this.command(), "Command copied; it reads the key from $RLMLAB_API_KEY."));
    shortcut("Mod+Enter", "Fork the run", () => form.requestSubmit(), { typing: true });
    shortcut("j", "Leave the run one step later", () => this.steps.move(1));
    shortcut("k", "Leave the run one step earlier", () => this.steps.move(-1));
    this.read();
  }

  // ---- what is shared

  async read() {
    let length = 0;
    try {
      this.run = await this.api.run(this.id);
      await readSkeleton(this.source.skeleton(), {
        head: ({ last_seq: last }) => (length = last),
        take: (rows) => this.store.skeleton(rows),
      });
    } catch (error) {
      showErrors(this.form, error);
      return;
    }
    this.last = length;
    if (TERMINAL.has(this.run.status) && length > FEW_EVENTS) this.readInParts(length);
    else this.follow();
    this.at ??= this.atFirst();
    this.part("launch").disabled = false;
    this.show();
  }

  /** Where nothing else was asked for: at the last step, which is the likeliest to be done otherwise. */
  atFirst() {
    const last = stepsOf(this.store).at(-1);
    return last ? last.seq - 1 : this.last;
  }

  readInParts(length) {
    const sink = { changed: () => this.showSoon(), state: () => {} };
    this.store.inParts(length, new RunBodies({ source: this.source, store: this.store, sink }));
  }

  follow() {
    const deliver = (events, deltas) => {
      for (const event of events) this.store.apply(event);
      for (const { span_id: id, offset, text } of deltas) this.store.delta(id, offset, text);
      this.last = Math.max(this.last, this.store.lastSeq);
      this.showSoon();
    };
    new RunStream({ source: this.source, sink: { deliver, state: () => {} } }).start();
  }

  get step() {
    return stepBehind(stepsOf(this.store), this.at);
  }

  choose(id) {
    const step = this.store.spans.get(id) ?? null;
    this.at = seqBefore(step, this.last);
    const url = new URL(location.href);
    url.searchParams.set("at", this.at);
    history.replaceState(null, "", url);
    this.show();
  }

  showSoon() {
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      this.show();
    });
  }

  show() {
    if (this.at === null || !this.store.root) return this.plan();
    const { store, step, at } = this;
    const level = levelOf(store, step ?? store.root);
    const frozen = Object.create(level, { children: { value: level.children.filter((block) => block.seq <= at) } });
    store.want(spansOfLevel(step ? level : frozen));
    if (step) store.want([step, ...step.children]);
    Object.assign(this.steps, { steps: stepsOf(store), chosen: step?.id ?? "", tick: store.version });
    Object.assign(this.cells, { store, level: frozen, tick: store.version, selected: "", live: false, follow: false, answer: null });
    this.part("nothing").hidden = at > 0 && frozen.children.length > 0;
    this.part("loaded").textContent = `${format.count(Math.max(store.held, 0))} of ${format.count(Math.max(this.last, store.held))} events loaded`;
    this.fill(step);
    this.plan();
  }

  // ---- what is different

  /** Put the code of the step into the field, unless somebody wrote there. */
  fill(step) {
    if (!this.code || this.code.value !== this.filled) return;
    const cells = step ? step.children.filter((span) => span.kind === "execution") : [];
    this.filled = cells.map((cell) => cell.code ?? "").join("\n").trim();
    this.code.value = this.filled;
  }

  typed(element) {
    if (element === this.code) this.ticked.checked = this.code.value !== this.filled || this.ticked.checked;
    this.plan();
  }

  get hasCode() {
    return Boolean(this.ticked?.checked);
  }

  body() {
    const value = (name) => this.form.elements.namedItem(name).value;
    return forkBody(this.at ?? 0, value, this.hasCode ? this.code.value : null);
  }

  command() {
    return postOf(`${location.origin}/api/v1/runs/${this.id}/fork`, this.body());
  }

  plan() {
    if (!this.run || this.at === null) return;
    const name = this.step ? spanName(this.step) : "the next step";
    const model = shortModel(this.form.elements.namedItem("model").value.trim() || this.run.model);
    const { shared, anew } = planOf(sharedUpTo(this.store, this.at), name, { hasCode: this.hasCode, model });
    this.part("plan-shared").textContent = shared;
    this.part("plan-anew").textContent = ` ${anew}`;
    this.part("curl").textContent = this.command();
  }

  async launch() {
    const button = this.part("launch");
    if (button.disabled) return;
    clearErrors(this.form);
    button.disabled = true;
    button.querySelector("[data-word]").textContent = "Forking…";
    try {
      const made = await this.api.act(this.id, "fork", this.body(), this.key);
      location.assign(`/runs/${made.id}`);
    } catch (error) {
      // No answer: the fork may have been made, and the same key finds it. Refused: another attempt is another request.
      if (error.status) this.key = crypto.randomUUID();
      button.disabled = false;
      button.querySelector("[data-word]").textContent = "Fork";
      showErrors(this.form, error);
    }
  }
}

const root = document.querySelector("[data-page=fork]");
if (root) new ForkPage(root).start();
