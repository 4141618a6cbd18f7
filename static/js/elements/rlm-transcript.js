// <rlm-transcript>: the conversation of one RLM level as the model had it, message by message.
// Properties: store, tick, level, selected, at (number of the message that a link names), live, follow.
// Events: rlm-address {at}, rlm-follow {follow}.

import { guard, html, nothing, repeat } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { copy } from "../lib/notify.js";
import { merged } from "../lib/run-attempts.js";
import { conversationOf, speaking } from "../lib/run-transcript.js";
import { shortModel, spanName } from "../lib/span-names.js";
import { clean } from "../lib/text.js";
import { copyLink, pictured } from "./cell-parts.js";
import { LightElement } from "./light-element.js";
import { ScrollKeeper } from "./scroll-keeper.js";

const SHOWN = 4000;
const WORDS = { edit: "A person's code, in place of a reply", repair: "Asked to mend its reply", summarise: "Asked to sum up" };
const ROLES = { system: "System", user: "User", assistant: "Model", tool: "Tool" };

class RlmTranscript extends LightElement {
  static properties = {
    store: { attribute: false },
    tick: { attribute: false },
    level: { attribute: false },
    selected: { attribute: false },
    at: { attribute: false },
    live: { attribute: false },
    follow: { attribute: false },
    whole: { state: true },
  };

  constructor() {
    super();
    this.whole = new Set(); // numbers of the messages that are shown to their end
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }

  firstUpdated() {
    this.keeper = new ScrollKeeper(this.querySelector(".cells"), {
      find: () => this.target(),
      follows: (follow) => this.tell("rlm-follow", { follow }),
    });
  }

  willUpdate() {
    this.messages = this.level ? conversationOf(merged(this.store, this.level)) : [];
  }

  updated(changed) {
    if ((changed.has("selected") && this.selected) || (changed.has("at") && this.at)) this.keeper.aim();
    else this.keeper.drawn(this.live && this.follow);
  }

  /** The message that the link names, else the first of the selected span, or of the step in which it lies. */
  target() {
    for (let span = this.store.spans.get(this.selected); !this.at && span && span !== this.level; span = this.store.parent(span)) {
      const found = this.querySelector(`[data-span="${CSS.escape(span.id)}"]`);
      if (found) return found;
    }
    return this.at ? this.querySelector(`#message-${CSS.escape(this.at)}`) : null;
  }

  render() {
    return html`<div class="cells" tabindex="0" role="region" aria-label="Transcript">
      ${repeat(this.messages, (message) => message.seq, (message) => this.message(message))} ${this.inFlight()}
      ${this.messages.length ? nothing : html`<p class="faint">${this.live ? "Nothing was said yet." : "Loading the messages of this level."}</p>`}
    </div>`;
  }

  message(message) {
    const { seq, role, span } = message;
    const linked = String(seq) === this.at;
    const isWhole = this.whole.has(seq);
    return html`<article class="message is-${role} ${linked ? "is-selected" : ""}" id="message-${seq}" data-span=${span.id}>
      ${guard([seq, isWhole, span.own.calls], () => html`<header class="message-head">
          <h2>${ROLES[role]}</h2>
          <span class="faint">${this.about(message)}</span>
          <span class="push row">
            ${pictured("copy", "Copy message", () => copy(message.content, "Message copied"))}
            ${pictured("link", "Copy link to this message", () => this.link(message))}
          </span>
        </header>
        ${this.text(message, isWhole)}`)}
    </article>`;
  }

  about({ role, purpose, span, content }) {
    const size = `${format.count(content.length)} characters`;
    if (role === "assistant" && span.kind === "model_call") {
      const tokens = span.own.calls ? ` · ${format.tokens(span.own.output)} tokens` : "";
      return `${shortModel(span.data.model || span.name)} · ${spanName(this.store.parent(span) || span)}${tokens}`;
    }
    const what = purpose === role ? "" : `${WORDS[purpose] ?? `${purpose.charAt(0).toUpperCase()}${purpose.slice(1)}`} · `;
    return `${what}${size}`;
  }

  link({ seq }) {
    this.tell("rlm-address", { at: String(seq) });
    copyLink({ span: this.level === this.store.root ? "" : this.level.id, show: "transcript", at: seq });
  }

  text({ seq, content, tool_calls: calls = [] }, isWhole) {
    const shown = isWhole ? content : content.slice(0, SHOWN);
    const rest = content.length - shown.length;
    return html`${shown || !calls.length ? html`<pre class="code message-text">${clean(shown)}</pre>` : nothing}
      ${calls.map((call) => html`<pre class="code message-text">${clean(`${call.name}(${call.arguments})`)}</pre>`)}
      ${rest
        ? html`<button class="button button-sm message-more" @click=${() => (this.whole = new Set(this.whole).add(seq))}>
            Show ${format.count(rest)} more characters
          </button>`
        : nothing}`;
  }

  inFlight() {
    const call = this.level && speaking(merged(this.store, this.level));
    if (!call) return nothing;
    const text = call.live ? html`${call.live.gap ? "… " : ""}${clean(call.live.text)}` : nothing;
    return html`<article class="message is-assistant">
      <header class="message-head"><h2>${ROLES.assistant}</h2><span class="faint">${shortModel(call.data.model || call.name)} is writing</span></header>
      <pre class="code message-text said-live">${text}<span class="caret"></span></pre>
    </article>`;
  }
}

customElements.define("rlm-transcript", RlmTranscript);
