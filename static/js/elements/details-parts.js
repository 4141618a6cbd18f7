// Templates of the details pane: what a span spent, at what price, what it asked and what came back.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { copy } from "../lib/notify.js";
import { bucketsOf, costOf, pricePerMillion } from "../lib/run-spend.js";
import { asRequest, requestOf } from "../lib/run-transcript.js";
import { clean, readable } from "../lib/text.js";
import { pictured } from "./cell-parts.js";
import { mediaRow } from "./media-parts.js";
import "./rlm-code.js";

const BUCKETS = [
  ["input", "Input"],
  ["cached", "Cache read"],
  ["written", "Cache write"],
  ["output", "Output"],
  ["reasoning", "Reasoning"],
];
const SHOWN = 20_000;

export const fact = (label, value) =>
  value === null || value === undefined || value === "" ? nothing : html`<dt>${label}</dt><dd>${value}</dd>`;

/** A heading with what can be done to what stands below it. */
export function heading(word, ...acts) {
  return html`<div class="label details-label"><h3>${word}</h3><span class="push row">${acts}</span></div>`;
}

function money(spent) {
  const cost = costOf(spent);
  if (cost !== null) return format.usd(cost);
  return spent.cost ? `${format.usd(spent.cost)} and calls without a price` : "no price known";
}

/** Tokens by bucket and dollars: of the span's own level, and with all sub-calls below. */
export function spendTable(span) {
  const { self, sum } = span;
  if (!sum.calls) return nothing;
  const [own, all] = [bucketsOf(self), bucketsOf(sum)];
  const figure = (value) => (self.calls ? format.count(value) : format.NONE);
  const failed = sum.failed - (span.kind === "sub_call" && span.status !== "ok" && span.status !== "running" ? 1 : 0);
  const both = sum.calls !== self.calls || failed > 0;
  const line = (word, left, right, name = "") =>
    html`<tr class=${name}><th scope="row">${word}</th><td>${left}</td>${both ? html`<td>${right}</td>` : nothing}</tr>`;
  return html`${heading("Spend")}
    <table class="spend number">
      <thead><tr><td></td><th scope="col" title="The calls of this level alone">Self</th>
        ${both ? html`<th scope="col" title="With every sub-call below">Subtree</th>` : nothing}</tr></thead>
      <tbody>
        ${BUCKETS.filter(([name]) => all[name] || name === "input" || name === "output").map(([name, word]) =>
          line(word, figure(own[name]), format.count(all[name])))}
        ${line("Tokens", figure(own.total), format.count(all.total), "is-total")}
        ${line("Cost", self.calls ? money(self) : format.NONE, money(sum), "is-total")}
        ${span.kind === "model_call" ? nothing : line("Model calls", figure(self.calls), format.count(sum.calls))}
        ${failed ? line("Failed sub-calls", nothing, format.count(failed)) : nothing}
      </tbody>
    </table>
    ${sum.estimated ? html`<p class="faint">${estimate(span)}</p>` : nothing}`;
}

function estimate({ kind, sum }) {
  if (kind === "model_call") return "An estimate: the provider reported no usage.";
  return `${format.count(sum.estimated)} of these calls are estimates: the provider reported no usage.`;
}

/** The price at which a call was counted. */
export function priceFacts({ data }) {
  if (!("price" in data)) return nothing;
  const price = pricePerMillion(data.price);
  if (!price) return fact("Price", "not known");
  return html`${fact("Price", html`${format.usd(price.input)} in · ${format.usd(price.cached)} cache read · ${format.usd(price.written)} cache write · ${format.usd(price.output)} out
    <span class="faint">for a million tokens, as known at the call</span>`)}`;
}

/** A text with its heading, cut where it is very long, copied whole. */
export function passage(word, text) {
  const rest = text.length - SHOWN;
  return html`${heading(word, pictured("copy", `Copy ${word.toLowerCase()}`, () => copy(text, `${word} copied`)))}
    <pre class="code quote" tabindex="0">${clean(text.slice(0, SHOWN))}</pre>
    ${rest > 0 ? html`<p class="faint">${format.count(rest)} more characters; Copy takes them all.</p>` : nothing}`;
}

/** The messages that a model call was sent, and its reply. */
export function requestOfCall(store, call) {
  const messages = requestOf(store, call);
  const reply = call.messages.find((message) => message.role === "assistant");
  const asJson = () => copy(JSON.stringify(asRequest(messages), null, 2), "Request copied");
  return html`${messages.length
      ? html`${heading(`Request · ${messages.length} messages`, pictured("copy", "Copy request as JSON", asJson))}
          <p class="faint">As said on record. Where it grew long, a summary or nothing stood for the oldest turns.</p>
          ${messages.map((message) => requestMessage(message))}`
      : nothing}
    ${reply ? passage("Reply", reply.content) : nothing}`;
}

function requestMessage({ seq, role, purpose, content }) {
  return html`<details class="request" name="request-${seq}">
    <summary><span class="mono">${role}</span> <span class="faint clip">${purpose === role ? clean(content.slice(0, 60)) : purpose}</span>
      <span class="faint number push">${format.count(content.length)}</span></summary>
    <pre class="code quote" tabindex="0">${clean(content.slice(0, SHOWN))}</pre>
  </details>`;
}

/** What a sub-call was asked and what it answered; the prompt on its span is cut at 2,000 characters. */
export function askedAndAnswered(span) {
  const whole = span.messages.find((message) => message.purpose === "prompt" || message.purpose === "task");
  const prompt = whole?.purpose === "prompt" ? whole.content : span.data.prompt || span.preview;
  return html`${prompt ? passage("Prompt", prompt) : nothing}
    ${mediaRow(span.data.media)}
    ${span.result === null || span.result === "" ? nothing : passage("Result", readable(span.result))}`;
}

/** Who paid for the answer of a sub-call that was not asked again. */
export function fromCache({ end }) {
  if (!end.cached) return nothing;
  const { run, span, saved_usd: saved } = end.cached;
  const worth = saved === null ? "a call whose price is not known" : format.usd(saved);
  return html`<p class="notice tone-calm">Answered from the cache: <a href="/runs/${run}?span=${span}">another run</a> paid for this answer. It saved ${worth}.</p>`;
}

/** What the cache did for a run; null where it has none. */
export function cacheFact(cache) {
  if (!cache?.on) return null;
  if (!cache.sub_calls) return "on; nothing was answered from it";
  const worth = cache.saved_usd === null ? "calls of which some have no price" : format.usd(cache.saved_usd);
  return `answered ${format.count(cache.sub_calls)} sub-calls, saved ${worth}`;
}
