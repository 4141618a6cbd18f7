// Templates of a run's memory: what a cell recalled or kept, and what the run was shown from the start.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { iconOf } from "../lib/icons.js";
import { clean } from "../lib/text.js";

const TRUST = { user_stated: "stated by a person", human_edited: "edited by a person", agent_inferred: "kept by a run" };

/** The page of a memory; the run's page says where they stand. */
function pageOf(id) {
  const base = document.querySelector("[data-page=run]")?.dataset.memory;
  return base ? `${base}/${id}` : nothing;
}

const plural = (count, word) => `${format.count(count)} ${count === 1 ? word : word.replace(/y$/, "ie").concat("s")}`;

/** "3 found", "kept": what came of a call, in one word or two. */
export function memoryOutcome(span) {
  const [memory] = span.memories;
  if (!memory) return nothing;
  if (memory.action === "recalled") return html`<span>${memory.data.items.length ? `${format.count(memory.data.items.length)} found` : "nothing found"}</span>`;
  return html`<span>${memory.data.created ? "kept" : "known already"}</span>`;
}

/** One call of recall or remember, as people read it. */
export function memoryCall(span) {
  return span.memories.map(({ action, data }) =>
    action === "recalled"
      ? html`<h3 class="label">Looked for</h3>
          <pre class="code quote">${clean(data.query)}</pre>
          <h3 class="label">Recalled · ${format.count(data.items.length)}</h3>
          ${data.items.length ? memoryList(data.items) : html`<p class="muted">Nothing that it remembers shares a word with that.</p>`}`
      : html`<h3 class="label">${data.created ? "Kept for later runs" : "Known already: nothing was added"}</h3>
          ${memoryList([data])}`,
  );
}

export function memoryList(items) {
  return html`<ul class="told">
    ${items.map(
      ({ id, text, kind, trust }) => html`<li>
        <a href=${pageOf(id)}>${clean(text)}</a>
        ${kind ? html`<span class="faint">${kind}${TRUST[trust] ? ` · ${TRUST[trust]}` : ""}</span>` : nothing}
      </li>`,
    )}
  </ul>`;
}

/** The pinned memories that a level was shown before its first step. */
export function memoriesAtHand(level, ui) {
  const items = level.memories.flatMap(({ data }) => (data.pinned ? data.items : []));
  if (!items.length) return nothing;
  const key = `memory-${level.id}`;
  const open = ui.isOpen(key);
  return html`<button class="link" aria-expanded=${open} @click=${() => ui.toggle(key)}>
      ${iconOf("pin", "icon-sm")} ${open ? "Hide" : "Show"} what it was reminded of (${plural(items.length, "pinned memory")})
    </button>
    ${open ? memoryList(items) : nothing}`;
}
