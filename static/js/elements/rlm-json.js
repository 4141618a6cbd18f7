// <rlm-json>: a JSON value as a tree that folds. Property: value.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { clean } from "../lib/text.js";
import { LightElement } from "./light-element.js";

const SHOWN = 100; // parts of one value at first
const OPEN_LEVELS = 2;

class RlmJson extends LightElement {
  static properties = {
    value: { attribute: false },
    more: { state: true },
  };

  constructor() {
    super();
    this.more = new Map(); // path → how many parts are shown
  }

  render() {
    return html`<div class="json-tree">${this.part(null, this.value, "$", 0)}</div>`;
  }

  part(name, value, path, level) {
    const label = name === null ? nothing : html`<span class="json-name">${clean(name)}</span>`;
    if (value === null || typeof value !== "object") return html`<div class="json-leaf">${label} ${this.leaf(value)}</div>`;
    const parts = Array.isArray(value) ? value.map((item, at) => [String(at), item]) : Object.entries(value);
    const kind = Array.isArray(value) ? "items" : "fields";
    const shown = this.more.get(path) || SHOWN;
    return html`<details class="json-node" ?open=${level < OPEN_LEVELS}>
      <summary>${label} <span class="faint number">${format.count(parts.length)} ${parts.length === 1 ? kind.slice(0, -1) : kind}</span></summary>
      ${parts.slice(0, shown).map(([key, item]) => this.part(key, item, `${path}/${key}`, level + 1))}
      ${parts.length > shown
        ? html`<button class="link" type="button" @click=${() => this.grow(path, shown)}>${format.count(parts.length - shown)} more</button>`
        : nothing}
    </details>`;
  }

  leaf(value) {
    const kind = value === null ? "null" : typeof value;
    return html`<span class="json-value is-${kind}">${kind === "string" ? clean(value) : String(value)}</span>`;
  }

  grow(path, shown) {
    this.more = new Map(this.more).set(path, shown + 10 * SHOWN);
  }
}

customElements.define("rlm-json", RlmJson);
