// Templates of a tool call: what it was called with, what came back, and how long it took.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { clean, readable } from "../lib/text.js";
import { argumentsOf } from "../lib/tool-calls.js";

const SHOWN = 20_000;

/** One call as people read it; what went wrong with it is told beside. */
export function toolCall(span) {
  const given = argumentsOf(span);
  const result = readable(span.result);
  const rest = result.length - SHOWN;
  return html`<h3 class="label">Arguments</h3>
    ${given ? html`<pre class="code quote">${clean(given)}</pre>` : html`<p class="muted">None.</p>`}
    ${result
      ? html`<h3 class="label">Result</h3><pre class="code quote" tabindex="0">${clean(result.slice(0, SHOWN))}</pre>
          ${rest > 0 ? html`<p class="faint">${format.count(rest)} more characters: the raw view has them all.</p>` : nothing}`
      : nothing}`;
}
