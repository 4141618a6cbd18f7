// <rlm-code>: a text with syntax colours; set `text`, and `language` before it. Works once per change of text.

import { highlighted } from "../lib/highlight.js";
import { rendered } from "../lib/markdown.js";

class RlmCode extends HTMLElement {
  set text(value) {
    if (value === this.shown) return;
    this.shown = value;
    this.replaceChildren(highlighted(value, this.language || "python"));
  }
}

/** <rlm-prose>: sanitised Markdown; set `text`. */
class RlmProse extends HTMLElement {
  set text(value) {
    if (value === this.shown) return;
    this.shown = value;
    this.classList.add("prose");
    this.replaceChildren(rendered(value));
  }
}

customElements.define("rlm-code", RlmCode);
customElements.define("rlm-prose", RlmProse);
