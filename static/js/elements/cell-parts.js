// Templates of the notebook: steps, model text, code, output, sub-calls. `ui` holds what the reader opened.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { iconOf } from "../lib/icons.js";
import { copy } from "../lib/notify.js";
import { linkTo } from "../lib/run-address.js";
import { isLevel, proseOf, replyOf, shownOutput, stepParts, subCallGroups } from "../lib/run-cells.js";
import { wordsOf } from "../lib/run-replay.js";
import { isOrigin } from "../lib/run-tree.js";
import { kindIcon, shortModel, spanName } from "../lib/span-names.js";
import { STATUSES } from "../lib/status.js";
import { mediaRow } from "./media-parts.js";
import { memoryCall, memoryOutcome } from "./memory-parts.js";
import { toolCall } from "./tool-parts.js";
import { clean, preview, readable } from "../lib/text.js";
import "./rlm-code.js";

const OUTPUT_SHOWN = 12_000;
export const CALLS_SHOWN = 50;
const NOTES = { nudge: "The model was nudged", fallback: "Asked for the best answer so far", repair: "Asked to mend its reply" };
const CHANNELS = { stdout: "Output", stderr: "Warnings", result: "Value", error: "Error" };

export function statusOf(status, hideOk = false) {
  if (hideOk && status === "ok") return nothing;
  const [tone, icon, word] = STATUSES[status] || STATUSES.running;
  return html`<span class="status tone-${tone}">${iconOf(icon, status === "running" ? "spin" : "")} ${word}</span>`;
}

/** A small button that shows its picture only. */
export function pictured(icon, word, act) {
  return html`<button class="button button-quiet button-sm button-icon" title=${word} @click=${act}>
    ${iconOf(icon, "icon-sm")}<span class="unseen">${word}</span>
  </button>`;
}

export function copyLink(target) {
  return copy(linkTo(location.href, target), "Link copied");
}

/** Tokens, cost and time of a span and everything below it. */
export function figures(span) {
  const used = span.sum.input + span.sum.output;
  const cost = span.sum.unpriced ? null : span.sum.cost;
  return html`<span class="figures number">
    ${used ? html`<span>${format.tokens(used)} tokens</span>` : nothing}
    ${used && cost !== null && cost > 0 ? html`<span>${format.usd(cost)}</span>` : nothing}
    ${span.seconds === null ? nothing : html`<span>${format.seconds(span.seconds)}</span>`}
  </span>`;
}

function failureOf(span) {
  if (!span.failure) return nothing;
  return html`<div class="notice tone-bad">${iconOf("alert")}
    <div><strong>${span.failure.code.replaceAll("_", " ")}</strong><span>${clean(span.failure.message)}</span></div>
  </div>`;
}

export function stepCard(step, ui) {
  const { calls, cells, notes, summaries, edits } = stepParts(step);
  return html`
    <header class="step-head">
      <h2>${spanName(step)}</h2>
      ${statusOf(step.status, true)} ${marksOf(step)} <span class="push">${figures(step)}</span>
      ${ui.fork ? html`<a class="button button-quiet button-sm button-icon" href=${ui.fork(step)} title="Fork from here: this step is made anew (f)">${iconOf("branch", "icon-sm")}<span class="unseen">Fork from ${spanName(step)}</span></a>` : nothing}
    </header>
    ${edits.length ? html`<p class="said said-by faint">${iconOf("edit", "icon-sm")} A person's code, in place of the model's reply</p>` : nothing}
    ${calls.map((call) => modelText(call, ui))} ${subCallGroups(step).map((group) => groupCard(group, ui))} ${cells.map((cell) => executionCell(cell, ui))}
    ${notes.map((note) => noteOf(note))} ${summaries.map((call) => summaryOf(call, ui))} ${logsOf(step)} ${isOrigin(step) ? failureOf(step) : nothing}
  `;
}

/** How a span stands in a run that shares another one's events, or was taken up again. */
export function marksOf(span) {
  return html`${span.data.shared ? html`<span class="chip is-shared" title="Another run paid for it; here it costs nothing">shared</span>` : nothing}
    ${span.attempt > 1 ? html`<span class="chip" title="It was broken off before, and taken up again">attempt ${span.attempt}</span>` : nothing}`;
}

/** What the model said: streaming as it comes, then the prose around its code. */
export function modelText(call, ui) {
  const reply = replyOf(call);
  if (reply === null) return html`${streaming(call)} ${logsOf(call)} ${failureOf(call)}`;
  const prose = proseOf(reply);
  const whole = ui.isOpen(`reply-${call.id}`);
  return html`<div class="said" id="cell-${call.id}">
    ${whole ? html`<pre class="code said-whole">${clean(reply)}</pre>` : prose ? html`<rlm-prose .text=${prose}></rlm-prose>` : nothing}
    <p class="said-by faint">
      ${shortModel(call.data.model || call.name)} ${call.end.finish_reason === "length" ? "· cut at its output limit" : ""}
      <button class="link" @click=${() => ui.toggle(`reply-${call.id}`)}>${whole ? "Show prose only" : "Show exact reply"}</button>
    </p>
    ${logsOf(call)} ${failureOf(call)}
  </div>`;
}

function streaming(call) {
  if (call.status !== "running") return nothing;
  if (!call.live) return html`<p class="said waiting faint">${iconOf("loader", "icon-sm spin")} ${shortModel(call.data.model || call.name)} is thinking</p>`;
  return html`<pre class="code said said-live">${call.live.gap ? "… " : ""}${clean(call.live.text)}<span class="caret"></span></pre>`;
}

export function executionCell(cell, ui) {
  const running = cell.status === "running";
  return html`<div class="cell ${running ? "is-running" : ""} ${ui.isSelected(cell.id) ? "is-selected" : ""}" id="cell-${cell.id}">
    <div class="cell-in">
      <span class="cell-mark">In [${cell.cell ?? cell.data.cell ?? " "}]</span>
      ${cell.code === null ? nothing : html`<rlm-code class="code" .text=${cell.code}></rlm-code>`}
      <span class="cell-acts">
        ${pictured("copy", "Copy code", () => copy(cell.code ?? "", "Code copied"))}
        ${pictured("link", "Copy link to this cell", () => copyLink({ span: cell.id }))}
      </span>
    </div>
    ${subCallGroups(cell).map((group) => groupCard(group, ui))}
    ${cell.outputs.map((output, index) => outputOf(cell, output, index, ui))}
    ${running ? html`<p class="cell-running faint">${iconOf("loader", "icon-sm spin")} Running</p>` : nothing}
    ${logsOf(cell)} ${cell.outputs.some((output) => output.channel === "error") ? nothing : failureOf(cell)}
  </div>`;
}

function outputOf(cell, output, index, ui) {
  const key = `output-${cell.id}-${index}`;
  const [text, hidden] = shownOutput(output, ui.isOpen(key) ? Infinity : OUTPUT_SHOWN);
  return html`<div class="cell-out is-${output.channel}">
    <span class="cell-mark">${CHANNELS[output.channel] || output.channel}</span>
    <pre class="code">${clean(text)}</pre>
    ${hidden ? html`<button class="button button-sm" @click=${() => ui.toggle(key)}>Show ${format.count(hidden)} more characters</button>` : nothing}
    ${output.truncated ? html`<p class="faint">The output was longer than the limit of a cell; the rest was not kept.</p>` : nothing}
  </div>`;
}

/** The model's summary of the turns so far, which stands in their place from here on. */
function summaryOf(call, ui) {
  return html`<h3 class="label">Earlier turns summed up</h3> ${modelText(call, ui)}`;
}

function noteOf(note) {
  return html`<div class="notice tone-warn">${iconOf("reply")}
    <div><strong>${NOTES[note.purpose]}</strong>
    <span class="muted">${preview(note.content, 240)}</span></div>
  </div>`;
}

export function logsOf(span) {
  return span.logs.map((log) => {
    const tone = { warning: "tone-warn", error: "tone-bad" }[log.level] || "tone-info";
    return html`<p class="log ${tone}">${iconOf(log.level === "info" ? "info" : "alert", "icon-sm")} <span>${clean(wordsOf(log))}</span></p>`;
  });
}

/** "llm_query ×37 · $0.12 · 2 failed", opening to its calls. */
function groupCard(group, ui) {
  const key = `group-${group.id}`;
  const single = group.spans.length === 1;
  const open = ui.isOpen(key);
  return html`<div class="calls ${single && ui.isSelected(group.spans[0].id) ? "is-selected" : ""}" id=${single ? `cell-${group.spans[0].id}` : nothing}>
    <button class="calls-head" aria-expanded=${open} @click=${() => ui.toggle(key)}>
      ${iconOf("chevron", open ? "icon-sm is-open" : "icon-sm")} ${iconOf(group.spans[0].memories.length ? "memory" : kindIcon(group.spans[0]), "icon-sm")}
      <span class="mono">${group.name}</span>${single ? nothing : html`<span class="number">×${format.count(group.spans.length)}</span>`}
      ${single ? html`<span class="clip muted">${preview(group.spans[0].preview, 160)}</span>` : nothing}
      <span class="figures number push">
        ${group.tokens ? html`<span>${format.tokens(group.tokens)} tokens</span>` : nothing}
        ${group.cost && !group.unpriced ? html`<span>${format.usd(group.cost)}</span>` : nothing}
        ${single ? memoryOutcome(group.spans[0]) : nothing}
        ${single ? html`<span>${format.seconds(group.spans[0].seconds)}</span>` : nothing}
      </span>
      ${group.failed ? html`<span class="status tone-bad">${iconOf("cross")} ${single ? STATUSES[group.spans[0].status][2] : `${group.failed} failed`}</span>` : nothing}
      ${group.running ? html`<span class="status tone-info">${iconOf("loader", "spin")} ${single ? "Running" : `${group.running} running`}</span>` : nothing}
    </button>
    ${open ? groupBody(group, key, ui) : nothing}
  </div>`;
}

function groupBody(group, key, ui) {
  if (group.spans.length === 1) return html`<div class="calls-body">${subCall(group.spans[0], ui)}</div>`;
  const shown = CALLS_SHOWN * (1 + ui.count(key));
  const rest = group.spans.length - shown;
  return html`<ol class="calls-list" data-scrolls>
      ${group.spans.slice(0, shown).map((span, index) => callRow(span, index, ui))}
    </ol>
    ${rest > 0
      ? html`<p class="calls-more muted">
          ${format.count(shown)} of ${format.count(group.spans.length)} shown.
          <button class="button button-sm" @click=${() => ui.more(key)}>Show ${Math.min(rest, CALLS_SHOWN)} more</button>
        </p>`
      : nothing}`;
}

function callRow(span, index, ui) {
  const key = `call-${span.id}`;
  const open = ui.isOpen(key);
  return html`<li id="cell-${span.id}" class=${ui.isSelected(span.id) ? "is-selected" : ""}>
    <button class="calls-head" aria-expanded=${open} @click=${() => ui.toggle(key)}>
      ${iconOf("chevron", open ? "icon-sm is-open" : "icon-sm")}
      <span class="faint number">${index + 1}</span>
      <span class="clip">${preview(span.preview, 160)}</span>
      <span class="push">${memoryOutcome(span)} ${figures(span)}</span> ${statusOf(span.status, true)}
    </button>
    ${open ? html`<div class="calls-body">${subCall(span, ui)}</div>` : nothing}
  </li>`;
}

/** One sub-call: what was asked, what came back, and the way into its own level. */
function subCall(span, ui) {
  ui.want([span, ...span.children]);
  if (span.memories.length) return html`${memoryCall(span)} <p class="row"><button class="link" @click=${() => ui.select(span.id)}>Details</button></p>`;
  if ("arguments" in span.data) return html`${toolCall(span)} ${failureOf(span)} <p class="row"><button class="link" @click=${() => ui.select(span.id)}>Details</button></p>`;
  const live = span.children.find((child) => child.live);
  const reply = span.result ?? (span.children.length === 1 ? replyOf(span.children[0]) : null);
  return html`
    <h3 class="label">Asked</h3>
    <pre class="code quote">${clean(span.data.prompt || span.preview)}</pre>
    ${mediaRow(span.data.media)}
    ${reply === null || reply === "" ? nothing : html`<h3 class="label">Answered</h3><pre class="code quote">${clean(readable(reply))}</pre>`}
    ${live ? html`<pre class="code said-live">${clean(live.live.text)}<span class="caret"></span></pre>` : nothing}
    ${failureOf(span)}
    <p class="row">
      ${isLevel(span)
        ? html`<button class="button button-sm" @click=${() => ui.select(span.id)}>${iconOf("enter", "icon-sm")} Open its notebook</button>`
        : html`<button class="link" @click=${() => ui.select(span.id)}>Details</button>`}
    </p>
  `;
}
