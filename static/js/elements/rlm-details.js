// <rlm-details>: everything known about the selected span, or about the run where none is selected.
// Properties: store, tick, selected, run (as the REST interface gives it).

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { iconOf } from "../lib/icons.js";
import { copy } from "../lib/notify.js";
import { kindName, spanName } from "../lib/span-names.js";
import { FINISH_REASONS } from "../lib/status.js";
import { clean, readable } from "../lib/text.js";
import { statusOf } from "./cell-parts.js";
import { LightElement } from "./light-element.js";
import "./rlm-code.js";

const SHOWN_ELSEWHERE = new Set(["task", "prompt", "number", "cell", "model", "purpose", "request_hash", "max_tokens", "price"]);
const PURPOSES = { step: "Step of this level", sub_call: "Sub-call", fallback: "Best answer so far" };

const fact = (label, value) =>
  value === null || value === undefined || value === "" ? nothing : html`<dt>${label}</dt><dd>${value}</dd>`;

class RlmDetails extends LightElement {
  static properties = {
    store: { attribute: false },
    tick: { attribute: false },
    selected: { attribute: false },
    run: { attribute: false },
  };

  render() {
    const span = this.store?.spans.get(this.selected) || this.store?.root;
    if (!span) return html`<div class="details">${this.runFacts()}</div>`;
    return html`<div class="details" tabindex="0" role="region" aria-label="Details">
      <header class="details-head">
        <h2>${spanName(span)}</h2>
        ${span.kind === "model_call" || span.kind === "sub_call" ? html`<span class="chip">${kindName(span)}</span>` : nothing}
        <button class="button button-quiet button-sm button-icon push" title="Copy link" @click=${() => this.copyLink(span)}>
          ${iconOf("link", "icon-sm")}<span class="unseen">Copy link to this span</span>
        </button>
      </header>
      <dl class="facts">
        ${fact("Status", statusOf(span.status))} ${fact("Started", this.started(span))}
        ${fact("Took", span.seconds === null ? null : format.seconds(span.seconds))} ${fact("Level", `depth ${span.depth}`)}
        ${span.attempt > 1 ? fact("Attempt", span.attempt) : nothing} ${this.modelFacts(span)}
      </dl>
      ${this.spend(span)} ${this.failure(span)} ${span.kind === "run" ? this.runFacts() : nothing} ${this.endFacts(span)}
    </div>`;
  }

  copyLink(span) {
    const url = new URL(location.href);
    url.search = `?span=${span.id}`;
    copy(url.href, "Link copied");
  }

  started(span) {
    return span.startedAt && html`<time datetime=${span.startedAt} title=${format.dateTime(span.startedAt)}>${format.time(span.startedAt)}</time>`;
  }

  modelFacts(span) {
    const { data, end } = span;
    return html`${fact("Model", data.model && html`<span class="mono">${data.model}</span>`)}
    ${fact("Purpose", PURPOSES[data.purpose])} ${fact("Output limit", data.max_tokens && `${format.count(data.max_tokens)} tokens`)}
    ${fact("Ended by", span.kind === "model_call" ? end.finish_reason : null)}
    ${end.attempts > 1 ? fact("Attempts", end.attempts) : nothing}`;
  }

  spend(span) {
    const { own, sum } = span;
    const unpriced = sum.unpriced > 0;
    if (!sum.calls) return nothing;
    return html`<h3 class="label">Spend</h3>
      <dl class="facts">
        ${span.kind === "model_call"
          ? html`${fact("Input", `${format.count(own.input - own.cached)} tokens`)}
            ${own.cached ? fact("Cached input", `${format.count(own.cached)} tokens`) : nothing}
            ${fact("Output", `${format.count(own.output - own.reasoning)} tokens`)}
            ${own.reasoning ? fact("Reasoning", `${format.count(own.reasoning)} tokens`) : nothing}
            ${own.estimated ? fact("Counted by", "an estimate: the provider reported no usage") : nothing}`
          : html`${fact("Model calls", format.count(sum.calls))} ${fact("Input", `${format.count(sum.input)} tokens`)}
            ${fact("Output", `${format.count(sum.output)} tokens`)}`}
        ${fact("Cost", unpriced ? (sum.cost ? `${format.usd(sum.cost)} and calls without a price` : "no price known") : format.usd(sum.cost))}
        ${sum.failed ? fact("Failed below", `${format.count(sum.failed)} sub-calls`) : nothing}
      </dl>`;
  }

  failure(span) {
    if (!span.failure) return nothing;
    return html`<div class="notice tone-bad">${iconOf("alert")}
      <div><strong>${span.failure.code.replaceAll("_", " ")}</strong><span>${clean(span.failure.message)}</span></div>
    </div>`;
  }

  /** What the span ended with that has no place of its own: CPU time, memory and what else the engine adds. */
  endFacts(span) {
    const rest = Object.entries({ ...span.data, ...(span.kind === "run" ? {} : span.end) }).filter(
      ([name, value]) => !SHOWN_ELSEWHERE.has(name) && value !== null && value !== "" && span.kind !== "run" && name !== "finish_reason" && name !== "attempts",
    );
    if (!rest.length) return nothing;
    return html`<h3 class="label">More</h3>
      <dl class="facts">${rest.map(([name, value]) => fact(this.label(name), this.value(name, value)))}</dl>`;
  }

  label(name) {
    const words = name.replace(/_(bytes|seconds)$/, "").replaceAll("_", " ");
    return words.charAt(0).toUpperCase() + words.slice(1);
  }

  value(name, value) {
    if (name.endsWith("_bytes")) return format.bytes(value);
    if (name.endsWith("_seconds")) return format.seconds(value);
    if (typeof value === "number") return format.count(value);
    return typeof value === "object" ? html`<rlm-code class="code" .language=${"json"} .text=${readable(value)}></rlm-code>` : clean(value);
  }

  runFacts() {
    const { run } = this;
    if (!run) return nothing;
    const { budget } = run;
    if (!budget) return nothing; // the run has not arrived yet
    const context = this.store?.root?.data.context ?? run.context;
    return html`<h3 class="label">Setup</h3>
      <dl class="facts">
        ${fact("Model", html`<span class="mono">${run.model}</span>`)}
        ${fact("Sub-calls", run.sub_model ? html`<span class="mono">${run.sub_model}</span>` : "the same model")}
        ${fact("Environment", run.environment)}
        ${fact("Input", context ? `${format.bytes(context.size)}, ${this.contextKind(context)}` : null)}
        ${fact("Ended", FINISH_REASONS[run.finish_reason])} ${fact("Seed", run.seed)}
        ${fact("Created", html`<time datetime=${run.created_at} title=${format.dateTime(run.created_at)}>${format.ago(run.created_at)}</time>`)}
        ${fact("Tags", run.tags?.length ? run.tags.join(", ") : null)} ${fact("Events", format.count(Math.max(run.last_seq || 0, this.store?.lastSeq || 0)))}
        ${fact("Id", html`<span class="mono">${run.id}</span>`)}
      </dl>
      <h3 class="label">Limits</h3>
      <dl class="facts">
        ${fact("Tokens", format.count(budget.max_tokens))} ${fact("Cost", budget.max_cost_usd === null ? "none: no price is known" : format.usd(budget.max_cost_usd))}
        ${fact("Time", format.seconds(budget.max_seconds))} ${fact("Steps", `${format.count(budget.max_steps)} a level`)}
        ${fact("Sub-calls", format.count(budget.max_sub_calls))} ${fact("Depth", format.count(budget.max_depth))}
      </dl>`;
  }

  contextKind({ kind, parts }) {
    const files = Array.isArray(parts) ? parts.length : 0;
    if (files) return `${format.count(files)} ${files === 1 ? "file" : "files"}`;
    return { text: "a string", json: "JSON" }[kind] || kind;
  }
}

customElements.define("rlm-details", RlmDetails);
