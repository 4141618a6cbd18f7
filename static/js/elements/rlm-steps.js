// <rlm-steps>: the steps of a run to choose one from, where a fork leaves it.
// Properties: steps (spans), chosen (a step's id, "" for what comes after the last), tick. Event: rlm-step {id}.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { spanName } from "../lib/span-names.js";
import { preview } from "../lib/text.js";
import { LightElement } from "./light-element.js";

class RlmSteps extends LightElement {
  static properties = {
    steps: { attribute: false },
    chosen: { attribute: false },
    tick: { attribute: false },
  };

  choose(id) {
    this.dispatchEvent(new CustomEvent("rlm-step", { detail: { id }, bubbles: true }));
  }

  /** Choose the next one or the one before; behind the last stands what comes after it. */
  move(by) {
    const ids = [...this.steps.map((step) => step.id), ""];
    const to = ids[Math.min(ids.length - 1, Math.max(0, ids.indexOf(this.chosen) + by))];
    this.choose(to);
  }

  updated(changed) {
    if (changed.has("chosen")) this.querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: "nearest" });
  }

  render() {
    const steps = this.steps ?? [];
    if (!steps.length) return html`<p class="faint">No step yet: the fork begins at the task.</p>`;
    return html`<ol class="steps">
      ${steps.map((step) => this.step(step))}
      <li><button type="button" class="step-choice" aria-pressed=${this.chosen === ""} @click=${() => this.choose("")}>
        <strong>After the last</strong> <span class="faint clip">all that is there is shared</span>
      </button></li>
    </ol>`;
  }

  step(step) {
    const cost = step.sum.unpriced ? null : step.sum.cost;
    return html`<li><button type="button" class="step-choice depth-${Math.min(step.depth, 4)}" aria-pressed=${this.chosen === step.id}
        .style=${`--indent:${Math.min(step.depth, 6)}`} @click=${() => this.choose(step.id)}>
      <strong>${spanName(step)}</strong>${step.depth ? html`<span class="faint">depth ${step.depth}</span>` : nothing}
      <span class="faint clip">${preview(step.preview, 90)}</span>
      <span class="push number faint">${cost ? format.usd(cost) : ""}</span>
    </button></li>`;
  }
}

customElements.define("rlm-steps", RlmSteps);
