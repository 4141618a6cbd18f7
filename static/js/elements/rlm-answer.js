// <rlm-answer>: the answer as sanitised Markdown or as its exact text, a structured one as a tree; with a way to copy it.
// Properties: answer (any JSON), note (a sentence about how it came to be), tone.

import { html, nothing } from "../../vendor/lit.js";
import { iconOf } from "../lib/icons.js";
import { copy } from "../lib/notify.js";
import { clean, readable } from "../lib/text.js";
import { LightElement } from "./light-element.js";
import "./rlm-code.js";
import "./rlm-json.js";

class RlmAnswer extends LightElement {
  static properties = {
    answer: { attribute: false },
    note: { attribute: false },
    exact: { state: true },
  };

  render() {
    if (this.answer === null || this.answer === undefined) return nothing;
    const text = readable(this.answer);
    const isText = typeof this.answer === "string";
    return html`<section class="answer" aria-label="Answer">
      <header class="answer-head">
        <h2>Answer</h2>
        ${this.note ? html`<span class="chip">${this.note}</span>` : nothing}
        <span class="push row">
          <button class="button button-quiet button-sm" aria-pressed=${Boolean(this.exact)} @click=${() => (this.exact = !this.exact)}>${isText ? "Exact text" : "As JSON"}</button>
          <button class="button button-quiet button-sm" @click=${() => copy(text, "Answer copied")}>${iconOf("copy", "icon-sm")} Copy</button>
        </span>
      </header>
      <div class="answer-body" tabindex="0" role="group" aria-label="Text of the answer">${this.body(text, isText)}</div>
    </section>`;
  }

  body(text, isText) {
    if (!isText && (this.exact || this.answer === null || typeof this.answer !== "object")) {
      return html`<rlm-code class="code" .language=${"json"} .text=${text}></rlm-code>`;
    }
    if (!isText) return html`<rlm-json .value=${this.answer}></rlm-json>`;
    if (this.exact) return html`<pre class="code">${clean(text)}</pre>`;
    return html`<rlm-prose .text=${text}></rlm-prose>`;
  }
}

customElements.define("rlm-answer", RlmAnswer);
