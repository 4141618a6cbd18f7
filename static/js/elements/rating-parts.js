// Templates of the rate panel: thumbs, scales, the editor of the right answer with its diff.

import { guard, html, nothing } from "../../vendor/lit.js";
import { changesIn, diffOf } from "../lib/diff.js";
import { iconOf } from "../lib/icons.js";
import { comparable, DIMENSIONS, SCALE } from "../lib/rating-form.js";
import { clean, readable } from "../lib/text.js";
import { pictured } from "./cell-parts.js";

const errorOf = (ui, name) => html`<p class="error" id="rate-${name}-error">${ui.errors.get(name) || nothing}</p>`;

/** Right or wrong, at one press. */
export function thumbs(ui) {
  const thumb = (value, icon, word, key) => html`<button
    type="button"
    class="button rate-thumb ${value ? "tone-ok" : "tone-bad"}"
    aria-pressed=${ui.form.values.correct === value}
    title="${word} (${key})"
    @click=${() => ui.rate("correct", ui.form.values.correct === value ? null : value)}
  >
    ${iconOf(icon)} ${word}
  </button>`;
  return html`<div class="rate-thumbs" role="group" aria-label="Is it correct?">
      ${thumb(1, "thumb-up", "Right", "g")} ${thumb(0, "thumb-down", "Wrong", "b")}
    </div>
    ${errorOf(ui, "value")}`;
}

/** The answer that should have been given, beside the one that was. */
export function correction(ui) {
  const { form, given, span } = ui;
  const invalid = ui.errors.has("correction");
  const kind = (json, word) => html`<button type="button" class="segment" aria-pressed=${form.json === json} @click=${() => ui.change({ json })}>${word}</button>`;
  return html`<div class="field rate-correction">
    <div class="row row-wrap">
      <label for="rate-correction">${span ? "It should have been" : "The answer should have been"}</label>
      <span class="segments push" role="group" aria-label="Kind of answer">${kind(false, "Text")} ${kind(true, "JSON")}</span>
    </div>
    <textarea
      class="input ${form.json ? "input-mono" : ""}"
      id="rate-correction"
      rows="4"
      .value=${form.text}
      spellcheck=${form.json ? "false" : "true"}
      aria-invalid=${invalid ? "true" : nothing}
      aria-describedby="rate-correction-error rate-correction-hint"
      placeholder=${form.json ? '{"…": "…"}' : "The right answer, as it should have come out."}
      @input=${(event) => ui.change({ text: event.target.value })}
    ></textarea>
    ${errorOf(ui, "correction")}
    <p class="hint" id="rate-correction-hint">${hintOf(form)}</p>
    ${given === null || form.text
      ? nothing
      : html`<p class="row row-wrap">
          <button type="button" class="button button-sm" @click=${() => ui.change({ text: readable(given), json: typeof given !== "string" })}>
            ${iconOf("copy", "icon-sm")} Start from the given answer
          </button>
        </p>`}
    ${form.text.trim() && given !== null ? guard([given, form.text, form.json], () => difference(readable(given), comparable(form))) : nothing}
  </div>`;
}

function hintOf({ text, values }) {
  if (text.trim() && values.correct === null) return "Counts as wrong unless you rate it otherwise.";
  if (text.trim()) return "";
  return "Corrections teach later runs most: as examples they show what was wrong and what is right.";
}

function difference(given, corrected) {
  const pieces = diffOf(given, corrected);
  const count = changesIn(pieces);
  if (!count.gone && !count.new) return html`<p class="hint">The same as the given answer.</p>`;
  const piece = ({ kind, text }) => {
    if (kind === "gone") return html`<del>${clean(text)}</del>`;
    return kind === "new" ? html`<ins>${clean(text)}</ins>` : clean(text);
  };
  return html`<figure class="rate-diff">
    <figcaption class="label">Given against right</figcaption>
    <pre class="code quote" tabindex="0">${pieces.map(piece)}</pre>
  </figure>`;
}

export function comment(ui) {
  return html`<div class="field">
    <label for="rate-comment">Comment</label>
    <textarea
      class="input rate-comment"
      id="rate-comment"
      rows="2"
      .value=${ui.form.comment}
      aria-invalid=${ui.errors.has("comment") ? "true" : nothing}
      aria-describedby="rate-comment-error"
      placeholder="What was wrong, or good, and why."
      @input=${(event) => ui.change({ comment: event.target.value })}
    ></textarea>
    ${errorOf(ui, "comment")}
  </div>`;
}

/** Each dimension as a row of five, which the arrow keys walk through. */
export function scales(ui) {
  return html`<div class="rate-scales">${DIMENSIONS.map(([name, word]) => scale(ui, name, word))}</div>`;
}

function scale(ui, name, word) {
  const chosen = ui.form.values[name];
  const point = ([value, sign, meaning]) => html`<label class="rate-point" title=${meaning}>
    <input class="unseen" type="radio" name="rate-${name}" .checked=${chosen === value} aria-label="${word}: ${meaning}" @change=${() => ui.rate(name, value)} />
    <span aria-hidden="true">${sign}</span>
  </label>`;
  return html`<fieldset class="rate-scale">
    <legend class="unseen">${word}</legend>
    <span class="rate-name" aria-hidden="true">${word}</span>
    <span class="segments">${SCALE.map(point)}</span>
    ${chosen === null ? html`<span class="rate-none"></span>` : pictured("close", `Clear ${word.toLowerCase()}`, () => ui.rate(name, null))}
  </fieldset>`;
}

/** The run as a whole, or the part of it that is selected. */
export function targetOf(name, onSpan, choose) {
  const choice = (value, word) => html`<button type="button" class="segment" aria-pressed=${onSpan === value} @click=${() => choose(value)}>${word}</button>`;
  return html`<div class="segments rate-target" role="group" aria-label="What is rated">${choice(false, "Whole run")} ${choice(true, name)}</div>`;
}

/** What went wrong with the request as a whole. */
export function problemOf(message, signedOut) {
  const back = `/accounts/login/?next=${encodeURIComponent(location.pathname + location.search)}`;
  return html`<div class="notice tone-bad rate-problem" role="alert" tabindex="-1">${iconOf("alert")}
    <div>
      <span>${signedOut ? "Your session has ended. What you wrote is kept." : message}</span>
      ${signedOut ? html`<a href=${back}>Sign in again and come back</a>` : nothing}
    </div>
  </div>`;
}
