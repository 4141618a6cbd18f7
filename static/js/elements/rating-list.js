// Templates of the ratings that a run has: who, when, what, why, and what should have been.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { iconOf } from "../lib/icons.js";
import { DIMENSIONS } from "../lib/rating-form.js";
import { spanName } from "../lib/span-names.js";
import { clean, readable } from "../lib/text.js";
import { pictured } from "./cell-parts.js";

const WORDS = Object.fromEntries(DIMENSIONS);
const KINDS = { checker: "checker", judge: "judge", implicit: "implicit" };

/** A value by picture, word and colour. */
export function valueOf({ dimension, value }) {
  const [tone, icon] = value >= 0.8 ? ["ok", "thumb-up"] : value < 0.5 ? ["bad", "thumb-down"] : ["warn", "target"];
  return html`<span class="status tone-${tone}">${iconOf(icon)} ${WORDS[dimension] || dimension} <span class="number">${+value.toFixed(2)}</span></span>`;
}

export function ratingList(ratings, { isOwn, rates, span, select, edit, withdraw }) {
  if (!ratings.length) return html`<p class="muted">Nobody has rated this run yet.</p>`;
  return html`<ol class="rate-list">
    ${ratings.map(
      (rating) => html`<li>
        <div class="row row-wrap">
          ${valueOf(rating)} ${rating.span_id ? spanLink(rating.span_id, span, select) : nothing}
          ${rates && isOwn(rating)
            ? html`<span class="push row rate-acts">
                ${pictured("edit", `Edit the rating ${WORDS[rating.dimension]}`, () => edit(rating))}
                ${pictured("trash", `Withdraw the rating ${WORDS[rating.dimension]}`, () => withdraw(rating))}
              </span>`
            : nothing}
        </div>
        ${rating.comment ? html`<p class="rate-said">${clean(rating.comment)}</p>` : nothing}
        ${rating.correction === null ? nothing : corrected(rating.correction)}
        <p class="faint rate-who">
          ${who(rating, isOwn(rating))} · <time datetime=${rating.created_at} title=${format.dateTime(rating.created_at)}>${format.ago(rating.created_at)}</time>
          ${rating.version > 1 ? "· changed" : ""}
        </p>
      </li>`,
    )}
  </ol>`;
}

function spanLink(id, span, select) {
  const found = span(id);
  return html`<button type="button" class="chip link" @click=${() => select(id)}>${found ? spanName(found) : "a step"}</button>`;
}

function who({ rater }, isOwn) {
  const kind = KINDS[rater.kind] ? html` <span class="chip">${KINDS[rater.kind]}</span>` : nothing;
  return html`${rater.name || "somebody who is gone"}${isOwn ? " (you)" : ""}${kind}`;
}

function corrected(answer) {
  return html`<div class="rate-right">
    <span class="label">Should have been</span>
    <pre class="code quote" tabindex="0">${clean(readable(answer))}</pre>
  </div>`;
}
