// <rlm-coverage>: a map of the input: which bytes of it were read, and by which prompts and prints.
// Properties: run (as the REST interface gives it), selected (a span's id). Fires rlm-select {id}.

import { html, nothing, svg } from "../../vendor/lit.js";
import { Api } from "../lib/api.js";
import * as format from "../lib/format.js";
import { barsOf, bytesOf, seamsOf, WIDTH } from "../lib/run-coverage.js";
import { TERMINAL } from "../lib/status.js";
import { clean } from "../lib/text.js";
import { iconOf } from "../lib/icons.js";
import { heading } from "./details-parts.js";
import { LightElement } from "./light-element.js";

const LISTED = 20;
const HEIGHT = 16;
const KINDS = { execution: "print", sub_call: "sub-call", step: "call" };

class RlmCoverage extends LightElement {
  static properties = {
    run: { attribute: false },
    selected: { attribute: false },
    found: { state: true },
    shown: { state: true },
  };

  /** Once for a run at work, and again when it has ended. */
  willUpdate() {
    if (!this.run?.context) return;
    const wanted = `${this.run.id} ${TERMINAL.has(this.run.status)}`;
    if (this.asked === wanted) return;
    this.asked = wanted;
    this.load();
  }

  async load() {
    try {
      this.found = await Api.ofPage().get(`runs/${this.run.id}/coverage`);
    } catch {
      this.asked = null; // the page tells of the trouble itself; the next update tries again
    }
  }

  render() {
    const { found } = this;
    if (!found?.known || !found.size) return nothing;
    const share = `${Math.floor((100 * found.read_bytes) / found.size)} %`;
    return html`${heading("Input read")}
      ${found.warning ? html`<p class="notice tone-warn">${iconOf("alert")} <span>${clean(found.warning)}</span></p>` : nothing}
      ${this.map(found, share)}
      <p class="faint">${share} of ${format.bytes(found.size)} stood in prompts and prints. What code counted or rewrote is not found.</p>
      ${found.spans.length ? this.readers(found.spans) : html`<p class="faint">Nothing of it was found in a prompt or a print.</p>`}`;
  }

  map({ size, parts, read, spans }, share) {
    const chosen = spans.find((span) => span.span_id === (this.shown || this.selected));
    const bars = (ranges, name) => barsOf(ranges, size).map(({ x, width }) => svg`<rect class=${name} x=${x} width=${width} height=${HEIGHT}></rect>`);
    return html`<svg class="coverage" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${share} of the input was read">
      ${bars(read, "is-read")} ${chosen ? bars(chosen.ranges, "is-chosen") : nothing}
      ${seamsOf(parts, size).map(({ name, x }) => svg`<line class="is-seam" x1=${x} x2=${x} y1="0" y2=${HEIGHT}><title>${clean(name)}</title></line>`)}
    </svg>`;
  }

  readers(spans) {
    const more = spans.length - LISTED;
    return html`<ul class="coverage-readers">
        ${spans.slice(0, LISTED).map((span) => html`<li>
          <button class="link" type="button" @click=${() => this.choose(span.span_id)} @mouseenter=${() => (this.shown = span.span_id)}
            @mouseleave=${() => (this.shown = "")} @focus=${() => (this.shown = span.span_id)} @blur=${() => (this.shown = "")}>${clean(span.name)}</button>
          <span class="faint">${KINDS[span.kind] ?? span.kind}, ${format.bytes(bytesOf(span.ranges))}</span>
        </li>`)}
      </ul>
      ${more > 0 ? html`<p class="faint">and ${format.count(more)} more, each of which shows its part in its own details</p>` : nothing}`;
  }

  choose(id) {
    this.dispatchEvent(new CustomEvent("rlm-select", { bubbles: true, detail: { id } }));
  }
}

customElements.define("rlm-coverage", RlmCoverage);
