// <rlm-learned>: what a run was given of what was learnt before, and what it kept for later: examples, memory.
// Properties: run, store, tick (how many times memory came up).

import { html, nothing } from "../../vendor/lit.js";
import { Api } from "../lib/api.js";
import * as format from "../lib/format.js";
import { memoryOf } from "../lib/run-memory.js";
import { clean } from "../lib/text.js";
import { fact, heading } from "./details-parts.js";
import { LightElement } from "./light-element.js";
import { memoryList } from "./memory-parts.js";

class RlmLearned extends LightElement {
  static properties = {
    run: { attribute: false },
    store: { attribute: false },
    tick: { attribute: false },
    examples: { state: true },
    problem: { state: true },
  };

  willUpdate() {
    if (!this.run?.use_examples || this.asked === this.run.id) return;
    this.asked = this.run.id;
    this.load();
  }

  async load() {
    try {
      this.examples = (await Api.ofPage().get(`runs/${this.run.id}/examples`)).items;
    } catch (error) {
      this.problem = error.message;
    }
  }

  render() {
    const { run } = this;
    if (!run?.budget) return nothing;
    return html`${heading("Learning")}
      <dl class="facts">
        ${fact("Examples", run.use_examples ? this.howMany() : "off")} ${fact("Memory", run.use_memory ? this.remembered() : "off")}
      </dl>
      ${this.examples?.length ? this.exampleList(document.querySelector("[data-page=run]").dataset.examples) : nothing} ${run.use_memory ? this.memory() : nothing}`;
  }

  howMany() {
    if (this.problem) return html`<span class="error">${this.problem}</span>`;
    if (!this.examples) return "…";
    return this.examples.length ? format.count(this.examples.length) : "none fitted this task";
  }

  exampleList(base) {
    return html`<ol class="told" aria-label="Examples that this run got, the most similar last">
      ${this.examples.map(
        ({ id, task, reason, score, run }) => html`<li>
          <a href="${base}/${id}">${clean(task)}</a>
          <span class="faint">${reason} · score <span class="number">${score.toFixed(3)}</span> · <a href="/runs/${run}">its run</a></span>
        </li>`,
      )}
    </ol>`;
  }

  remembered() {
    const { pinned, recalled, kept, searches, unfound } = memoryOf(this.store?.memories || []);
    const parts = [`${pinned.length} pinned`, `${recalled.length} recalled`, `${kept.length} kept`];
    if (searches) parts.push(`${searches} ${searches === 1 ? "search" : "searches"}${unfound ? `, ${unfound} in vain` : ""}`);
    return parts.join(" · ");
  }

  memory() {
    const { pinned, recalled, kept } = memoryOf(this.store?.memories || []);
    const part = (word, items) => (items.length ? html`<h4 class="label">${word}</h4> ${memoryList(items)}` : nothing);
    return html`${part("Pinned, read from the start", pinned)} ${part("Recalled", recalled)} ${part("Kept for later runs", kept)}`;
  }
}

customElements.define("rlm-learned", RlmLearned);
