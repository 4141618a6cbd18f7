// <rlm-use>: what can be made of a rated run: an example for later ones, a case of a dataset.
// Properties: run, ratings, tick. Attributes: data-makes, data-example (the id of the one there is), data-examples (their
// page), data-item (the page that adds it to a dataset; empty: not allowed). Event: rlm-rated once an example was made.

import { html, nothing } from "../../vendor/lit.js";
import { Api } from "../lib/api.js";
import { iconOf } from "../lib/icons.js";
import { LightElement } from "./light-element.js";

class RlmUse extends LightElement {
  static properties = {
    run: { attribute: false },
    ratings: { attribute: false },
    tick: { attribute: false },
    makes: { attribute: "data-makes", type: Boolean },
    example: { attribute: "data-example" },
    examples: { attribute: "data-examples" },
    item: { attribute: "data-item" },
    made: { state: true },
    refused: { state: true },
    busy: { state: true },
  };

  willUpdate(changed) {
    if (changed.has("ratings")) this.refused = "";
  }

  render() {
    const example = this.made || this.example;
    const makes = !example && this.makes && this.ratings?.some((rating) => !rating.span_id);
    if (!example && !makes && !this.item) return nothing;
    return html`<div class="stack rate-use">
      ${example ? this.link(example) : nothing}
      <div class="row row-wrap">
        ${makes ? html`<button type="button" class="button" ?disabled=${this.busy} @click=${() => this.make()}>${iconOf("bulb")} Make an example of it</button>` : nothing}
        ${this.item ? html`<a class="button" href=${this.item}>${iconOf("stack")} Add to a dataset…</a>` : nothing}
      </div>
      ${makes ? html`<p class="hint">Later runs with examples switched on read it when their task is alike.</p>` : nothing}
      ${this.refused ? html`<p class="notice tone-warn" role="alert">${iconOf("alert")} <span>${this.refused}</span></p>` : nothing}
    </div>`;
  }

  link(example) {
    return html`<p class="notice tone-ok" role="status">${iconOf("bulb")}
      <span>${this.made ? "It is an example now." : "This run is an example."} <a href="${this.examples}/${example}">See what later runs read of it</a></span></p>`;
  }

  async make() {
    this.busy = true;
    this.refused = "";
    try {
      const made = await Api.ofPage().post(`runs/${this.run.id}/example`);
      this.made = made.id;
      this.dispatchEvent(new CustomEvent("rlm-rated", { bubbles: true }));
    } catch (error) {
      this.refused = error.message;
    }
    this.busy = false;
  }
}

customElements.define("rlm-use", RlmUse);
