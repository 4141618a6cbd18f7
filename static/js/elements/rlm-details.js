// <rlm-details>: everything known about the selected span, or about the run where none is selected.
// Properties: store, tick, selected, run (as the REST interface gives it).

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { iconOf } from "../lib/icons.js";
import { copy } from "../lib/notify.js";
import { isLevel, spansOfLevel } from "../lib/run-cells.js";
import { speakerOf } from "../lib/run-transcript.js";
import { kindName, spanName } from "../lib/span-names.js";
import { FINISH_REASONS } from "../lib/status.js";
import { clean, readable } from "../lib/text.js";
import { copyLink, pictured, statusOf } from "./cell-parts.js";
import { askedAndAnswered, cacheFact, fact, fromCache, heading, priceFacts, requestOfCall, spendTable } from "./details-parts.js";
import { fromOrigin } from "./replay-parts.js";
import { LightElement } from "./light-element.js";
import { mediaRow } from "./media-parts.js";
import { memoryCall } from "./memory-parts.js";
import { toolCall } from "./tool-parts.js";
import "./rlm-code.js";
import "./rlm-coverage.js";
import "./rlm-learned.js";

const SHOWN_ELSEWHERE = new Set([
  "task", "prompt", "number", "cell", "model", "purpose", "request_hash", "max_tokens", "price", "finish_reason", "attempts",
  "cpu_seconds", "peak_memory_bytes", "usage_source", "status", "index", "batch_size", "function",
  "query", "text", "cached", "coverage", "arguments", "shown", "media", "shared", "first", "origin",
]);
const CHIPPED = new Set(["model_call", "sub_call", "tool_call"]); // whose name does not say what they are
const PURPOSES = { step: "Step of this level", sub_call: "Sub-call", fallback: "Best answer so far", repair: "Mending a reply", compaction: "Summary of earlier turns" };
const SOURCES = { measured: "the host", self_reported: "the guest itself", unavailable: "nobody: not available" };

function promptAddress({ project, prompt }) {
  const organization = document.querySelector('meta[name="rlm-organization"]').content;
  return `/o/${organization}/p/${project}/prompts/${prompt.name}?version=${prompt.version}`;
}

class RlmDetails extends LightElement {
  static properties = {
    store: { attribute: false },
    tick: { attribute: false },
    selected: { attribute: false },
    run: { attribute: false },
  };

  render() {
    const span = this.store?.spans.get(this.selected) || this.store?.root;
    return html`<div class="details" tabindex="0" role="region" aria-label="Details">${span ? this.about(span) : this.runFacts()}<rlm-coverage .run=${this.run} .selected=${this.selected}></rlm-coverage></div>`;
  }

  /** Of a run that is read in parts, ask for what is told here: the span's own events, and what a call was sent. */
  updated() {
    const { store } = this;
    if (!store?.bodies || this.asked === this.selected) return;
    this.asked = this.selected;
    const span = store.spans.get(this.selected);
    if (span?.kind === "model_call") store.want(spansOfLevel(speakerOf(store, span)));
    if (span) store.want([span]);
  }

  about(span) {
    return html`<header class="details-head">
        <h2>${spanName(span)}</h2>
        ${CHIPPED.has(span.kind) ? html`<span class="chip">${kindName(span)}</span>` : nothing}
        <span class="push">${pictured("link", "Copy link to this span", () => copyLink({ span: span.id }))}</span>
      </header>
      ${this.failure(span)}
      <dl class="facts">
        ${fact("Status", statusOf(span.status))} ${fact("Started", this.started(span))} ${fact("Ended", this.ended(span))}
        ${fact("Took", span.seconds === null ? null : format.seconds(span.seconds))} ${this.placeFacts(span)}
        ${this.modelFacts(span)} ${this.executionFacts(span)} ${priceFacts(span)}
      </dl>
      ${fromOrigin(span, this.run)} ${fromCache(span)} ${spendTable(span)} ${this.exchange(span)}
      ${span.kind === "model_call" ? requestOfCall(this.store, span) : nothing} ${span.kind === "run" ? this.runFacts() : this.otherFacts(span)}`;
  }

  exchange(span) {
    if (span.memories.length && span.kind === "tool_call") return memoryCall(span);
    if ("arguments" in span.data) return toolCall(span);
    return span.kind === "sub_call" || span.kind === "tool_call" ? askedAndAnswered(span) : nothing;
  }

  failure(span) {
    if (!span.failure) return nothing;
    const { code, message } = span.failure;
    return html`<div class="notice tone-bad">${iconOf("alert")}
      <div><strong class="mono">${clean(code)}</strong><span>${clean(message)}</span></div>
      <span class="push">${pictured("copy", "Copy failure", () => copy(`${code}: ${message}`, "Failure copied"))}</span>
    </div>`;
  }

  started(span) {
    if (!span.startedAt) return null;
    const after = (span.start - (this.store.root?.start ?? span.start)) / 1000;
    return html`${this.moment(span.startedAt)} ${after > 0 ? html`<span class="faint">+${format.seconds(after)}</span>` : nothing}`;
  }

  ended(span) {
    if (span.seconds === null || !span.startedAt) return null;
    return this.moment(new Date(span.start + span.seconds * 1000).toISOString());
  }

  moment(at) {
    return html`<time datetime=${at} title=${format.dateTime(at)}>${format.time(at)}</time>`;
  }

  placeFacts(span) {
    const depth = `depth ${span.depth}`;
    return html`${fact("Level", isLevel(span) && span.kind !== "run" ? `${depth}, its own` : depth)}
      ${fact("Path", span.path && html`<span class="mono">${clean(span.path)}</span>`)} ${span.attempt > 1 ? fact("Attempt", span.attempt) : nothing}`;
  }

  modelFacts(span) {
    const { data, end } = span;
    return html`${fact("Model", data.model && html`<span class="mono">${clean(data.model)}</span>`)}
    ${fact("Purpose", PURPOSES[data.purpose])} ${fact("Function", data.function && html`<span class="mono">${clean(data.function)}</span>`)}
    ${data.batch_size > 1 ? fact("Batch", `${format.count(data.index + 1)} of ${format.count(data.batch_size)}`) : nothing}
    ${fact("Output limit", data.max_tokens && `${format.count(data.max_tokens)} tokens`)}
    ${fact("Ended by", span.kind === "model_call" ? end.finish_reason : null)} ${end.attempts > 1 ? fact("Attempts", end.attempts) : nothing}`;
  }

  /** What a cell used, and who says so. */
  executionFacts({ kind, end }) {
    if (kind !== "execution") return nothing;
    return html`${fact("CPU", end.cpu_seconds === undefined ? null : format.seconds(end.cpu_seconds))}
    ${fact("Peak memory", end.peak_memory_bytes && format.bytes(end.peak_memory_bytes))}
    ${fact("Measured by", SOURCES[end.usage_source] ?? end.usage_source)}`;
  }

  /** What has no place of its own: what the engine adds. */
  otherFacts(span) {
    const isEmpty = (value) => value === null || value === "" || (typeof value === "object" && !Object.keys(value).length);
    const rest = Object.entries({ ...span.data, ...span.end }).filter(([name, value]) => !SHOWN_ELSEWHERE.has(name) && !isEmpty(value));
    if (!rest.length) return nothing;
    return html`${heading("More")}
      <dl class="facts">${rest.map(([name, value]) => fact(this.label(name), this.value(name, value)))}</dl>`;
  }

  label(name) {
    const words = name.replace(/_(bytes|seconds)$/, "").replaceAll("_", " ");
    return words.charAt(0).toUpperCase() + words.slice(1);
  }

  value(name, value) {
    if (typeof value === "object") return html`<rlm-code class="code" .language=${"json"} .text=${readable(value)}></rlm-code>`;
    if (name.endsWith("_bytes")) return format.bytes(value);
    if (name.endsWith("_seconds")) return format.seconds(value);
    return typeof value === "number" ? format.count(value) : clean(value);
  }

  runFacts() {
    const { run } = this;
    if (!run?.budget) return nothing; // the run has not arrived yet
    const { budget } = run;
    const context = this.store?.root?.data.context ?? run.context;
    return html`${heading("Setup")}
      <dl class="facts">
        ${fact("Model", html`<span class="mono">${run.model}</span>`)}
        ${fact("Sub-calls", run.sub_model ? html`<span class="mono">${run.sub_model}</span>` : "the same model")}
        ${run.depth_models?.length ? fact("By depth", html`<span class="mono">${run.depth_models.map((name) => name || "the same").join(", ")}</span>`) : nothing}
        ${fact("Mode", run.mode_reason ? html`${run.mode}, chosen: ${clean(run.mode_reason)}` : run.mode)}
        ${fact("Tools", run.tools?.length ? html`<span class="mono">${run.tools.join(", ")}</span>` : null)} ${fact("Cache", cacheFact(run.cache))}
        ${fact("Prompt", run.prompt && html`<a class="mono" href=${promptAddress(run)}>${run.prompt.name} v${run.prompt.version}</a>`)}
        ${fact("Environment", run.environment)}
        ${fact("Input", context ? `${format.bytes(context.size)}, ${this.contextKind(context)}` : null)}
        ${fact("Ended by", FINISH_REASONS[run.finish_reason])} ${fact("Seed", run.seed)} ${fact("Priority", run.priority || null)}
        ${fact("Created", html`<time datetime=${run.created_at} title=${format.dateTime(run.created_at)}>${format.ago(run.created_at)}</time>`)}
        ${fact("Tags", run.tags?.length ? run.tags.join(", ") : null)} ${fact("Events", format.count(Math.max(run.last_seq || 0, this.store?.lastSeq || 0)))}
        ${fact("Id", html`<span class="mono">${run.id}</span>`)}
      </dl>
      ${this.store?.root?.data.media ? html`${heading("Images and sounds")}${mediaRow(this.store.root.data.media)}` : nothing}
      ${run.response_schema ? html`${heading("Form of the answer")}<rlm-code class="code" .language=${"json"} .text=${readable(run.response_schema)}></rlm-code>` : nothing}
      <rlm-learned .run=${run} .store=${this.store} .tick=${this.store?.memories.length ?? 0}></rlm-learned>
      ${heading("Limits")}
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
