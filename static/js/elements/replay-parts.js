// Templates of what replay leaves: earlier attempts, and what another run has paid for.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { isReplaced } from "../lib/run-attempts.js";

/** The class of a row that is muted. */
export function toneOf(store, span) {
  if (isReplaced(store, span)) return "is-replaced";
  return span.data.shared ? "is-shared" : "";
}

/** The tags of a row: shared, and which attempt it is where there are several. */
export function tagsOf(store, span) {
  const isOld = isReplaced(store, span);
  return html`${span.data.shared ? html`<span class="chip is-shared">shared</span>` : nothing}
    ${isOld || span.attempt > 1 ? html`<span class="chip">attempt ${span.attempt}</span>` : nothing}`;
}

/** What a shared span had cost the run that paid for it. */
export function fromOrigin(span, run) {
  if (!span.data.shared) return nothing;
  const { seconds, usage } = span.end.shared ?? {};
  const tokens = usage ? `${format.count(usage.input_tokens + usage.output_tokens)} tokens, ${usage.cost_usd === null ? "no price known" : format.usd(usage.cost_usd)}` : "";
  const took = typeof seconds === "number" ? format.seconds(seconds) : "";
  const used = [tokens, took].filter(Boolean).join(", ");
  const origin = run?.origin ? html`<a href="/runs/${run.origin.run_id}">the run that this one goes on from</a>` : "another run";
  return html`<p class="notice tone-calm">Shared: ${origin} paid for it, here it costs nothing.${used ? ` It had used ${used}.` : ""}</p>`;
}
