// <rlm-meters>: what the run has spent, each against its limit.
// Properties: totals, limits (names of the REST interface), seconds, exhausted (the limit that was hit).

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { LightElement } from "./light-element.js";

const ALMOST = 0.8;

const METERS = [
  ["Tokens", "max_tokens", (totals) => totals.input_tokens + totals.output_tokens, format.tokens],
  ["Cost", "max_cost_usd", (totals) => totals.cost_usd, format.usd],
  ["Time", "max_seconds", (totals, seconds) => seconds, format.seconds],
  ["Steps", "max_steps", (totals) => totals.steps, format.count],
  ["Sub-calls", "max_sub_calls", (totals) => totals.sub_calls, format.count],
  ["Depth", "max_depth", (totals) => totals.max_depth, format.count],
];

class RlmMeters extends LightElement {
  static properties = {
    totals: { attribute: false },
    limits: { attribute: false },
    seconds: { attribute: false },
    exhausted: { attribute: false },
  };

  render() {
    if (!this.totals) return nothing;
    return html`<dl class="meters">${METERS.map((meter) => this.meter(meter))}</dl>`;
  }

  meter([label, name, read, show]) {
    const value = read(this.totals, this.seconds ?? 0);
    const limit = this.limits?.[name] ?? null;
    // Steps are limited on each level and depth is no spend, so a bar of theirs would mislead.
    const barred = limit !== null && typeof value === "number" && name !== "max_depth" && name !== "max_steps";
    const share = barred && limit > 0 ? Math.min(1, value / limit) : 0;
    const full = this.exhausted === name || share >= 1;
    const tone = full ? "tone-bad" : share >= ALMOST ? "tone-warn" : "";
    const each = name === "max_steps" ? " a level" : "";
    return html`<div class="meter ${tone}">
      <dt class="meter-label">${label}${full ? " · limit reached" : ""}</dt>
      <dd>
        <span class="meter-value">${show(value)}</span>
        ${limit === null ? nothing : html`<span class="meter-limit"> / ${show(limit)}${each}</span>`}
        ${barred
          ? html`<progress class="meter-bar" max="1" .value=${share} aria-label="${label} used of the limit"></progress>`
          : nothing}
      </dd>
    </div>`;
  }
}

customElements.define("rlm-meters", RlmMeters);
