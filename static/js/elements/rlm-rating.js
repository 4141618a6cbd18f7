// <rlm-rating>: rates and corrects a run, or the selected span of it, and lists what others said.
// Properties: store, run, selected, tick. Attributes: data-me, data-rates and those of <rlm-use>.
// Events: rlm-select {id}, rlm-rated once something was saved.

import { html, nothing } from "../../vendor/lit.js";
import { Api } from "../lib/api.js";
import { iconOf } from "../lib/icons.js";
import { MOD } from "../lib/keys.js";
import { Draft } from "../lib/rating-draft.js";
import { changesOf, correctionOf, formOf, givenOf, ownRatings, problemsOf } from "../lib/rating-form.js";
import { RatingRecord } from "../lib/rating-record.js";
import { spanName } from "../lib/span-names.js";
import { TERMINAL } from "../lib/status.js";
import { LightElement } from "./light-element.js";
import "./rlm-use.js";
import { ratingList } from "./rating-list.js";
import { comment, correction, problemOf, scales, targetOf, thumbs } from "./rating-parts.js";

const NAMED = ["correction", "comment", "value"];
const SIGNED_OUT = 401;
const PAUSE_MS = 900;

class RlmRating extends LightElement {
  static properties = {
    store: { attribute: false },
    run: { attribute: false },
    selected: { attribute: false },
    tick: { attribute: false },
    me: { attribute: "data-me" },
    rates: { attribute: "data-rates", type: Boolean },
    ratings: { state: true },
    form: { state: true },
    errors: { state: true },
    onSpan: { state: true },
    state: { state: true },
    undo: { state: true },
  };

  constructor() {
    super();
    this.api = Api.ofPage();
    this.errors = new Map();
    this.ratings = null;
    this.state = ""; // "", "saving", "saved", "restored"
    this.span = "";
    this.ui = { rate: (name, value) => this.rate(name, value), change: (part) => this.change(part) };
  }

  get ended() {
    return TERMINAL.has(this.run?.status);
  }

  /** The selected span, where it is a part of the run and not the run itself. */
  get part() {
    const span = this.store?.spans.get(this.selected);
    return span && span !== this.store.root ? span : null;
  }

  get given() {
    return givenOf(this.store, this.run, this.span);
  }

  willUpdate() {
    if (this.ended && this.run.budget && !this.asked) {
      this.asked = true;
      this.load();
    }
    const span = this.onSpan && this.part ? this.part.id : "";
    if (this.form && span !== this.span) this.aim(span);
  }

  // ---- what is on record

  async load() {
    this.record ??= new RatingRecord(this.api, this.run.id);
    this.errors = new Map();
    try {
      this.ratings = await this.record.all();
      if (!this.form) this.aim(this.span);
    } catch (error) {
      this.fail(error);
    }
  }

  own(span = this.span) {
    return ownRatings(this.ratings || [], this.me, span);
  }

  /** Take up the run or one of its spans, with the draft that was left there. */
  aim(span) {
    this.span = span;
    this.draft = new Draft(this.run.id, span);
    this.errors = new Map();
    const wantsJson = !span && (Boolean(this.run.response_schema) || (this.given !== null && typeof this.given !== "string"));
    this.form = this.draft.read() || formOf(this.own(), wantsJson);
    this.state = this.draft.exists ? "restored" : "";
  }

  // ---- what the reader does

  change(part) {
    this.form = { ...this.form, ...part };
    this.state = "";
    this.undo = null;
    for (const name of Object.keys(part)) this.clear({ text: "correction", json: "correction", comment: "comment" }[name]);
    this.draft.keep(this.form);
    this.checkSoon();
  }

  rate(name, value) {
    this.clear("value");
    this.change({ values: { ...this.form.values, [name]: value } });
  }

  clear(name) {
    if (name && this.errors.has(name)) this.errors = new Map([...this.errors].filter(([each]) => each !== name));
  }

  /** Say of JSON that it is none, once the typing pauses: not when the field is left, which would move the button that is pressed. */
  checkSoon() {
    clearTimeout(this.checking);
    this.checking = setTimeout(() => {
      const { problem } = correctionOf(this.form, undefined);
      if (problem) this.errors = new Map([...this.errors, ["correction", problem]]);
    }, PAUSE_MS);
  }

  discard() {
    this.draft.drop();
    this.aim(this.span);
  }

  /** For the keys of the page: rate what is aimed at right (1) or wrong (0), or nothing, and go on where it leads. */
  async press(value) {
    if (!this.form) return;
    if (value !== undefined) this.rate("correct", value);
    await this.updateComplete;
    this.querySelector(value ? ".rate-save" : "#rate-correction")?.focus();
  }

  async save() {
    if (this.state === "saving" || !this.form) return;
    this.errors = problemsOf(this.form, this.given);
    if (this.errors.size) {
      this.toError();
      return;
    }
    const changes = changesOf(this.form, this.own(), { given: this.given, span: this.span });
    await this.carryOut(changes, () => this.draft.drop());
  }

  /** What was typed stays until all is saved. */
  async carryOut(changes, done = () => {}) {
    this.state = "saving";
    const undo = [];
    try {
      await this.record.carryOut(changes, undo);
      done();
      await this.load();
      this.aim(this.span);
      this.state = "saved";
      this.undo = undo;
    } catch (error) {
      this.state = "";
      this.fail(error);
      await this.toError();
    }
    if (undo.length) this.tell("rlm-rated");
  }

  fail(error) {
    const fields = [...(error.fields || [])].filter(([name]) => NAMED.includes(name));
    this.errors = new Map(fields.length ? fields : [["", error.message]]);
    this.signedOut = error.status === SIGNED_OUT;
  }

  async toError() {
    await this.updateComplete;
    (this.querySelector("[aria-invalid]") || this.querySelector(".rate-problem, .rate-thumb"))?.focus();
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }

  edit(rating) {
    this.tell("rlm-select", { id: rating.span_id || "" });
    this.onSpan = Boolean(rating.span_id);
    this.updateComplete.then(() => this.querySelector("#rate-correction")?.focus());
  }

  // ---- what is shown

  render() {
    return html`<div class="rate" tabindex="0" role="region" aria-label="Rate" @keydown=${(event) => this.onKey(event)}>
      ${this.ended ? this.body() : html`<p class="notice tone-calm">${iconOf("clock")} <span>The run can be rated when it has ended.</span></p>`}
    </div>`;
  }

  onKey(event) {
    if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    event.stopPropagation();
    this.save();
  }

  body() {
    if (!this.ratings && !this.errors.has("")) return html`<p class="faint">Loading the ratings.</p>`;
    if (!this.ratings) return html`${this.problem()} <p class="row"><button type="button" class="button" @click=${() => this.load()}>Try again</button></p>`;
    return html`${this.rates ? this.editor() : nothing}
      <rlm-use .run=${this.run} .ratings=${this.ratings} .tick=${this.state} data-example=${this.dataset.example || ""} data-examples=${this.dataset.examples || ""} data-item=${this.dataset.item || ""} ?data-makes=${"makes" in this.dataset}></rlm-use>
      <section class="stack" aria-label="Ratings of this run">
        <h3 class="label details-label">Ratings · ${this.ratings.length}</h3>
        ${ratingList(this.ratings, {
          rates: this.rates,
          isOwn: ({ rater }) => rater.actor === "user" && rater.id === this.me,
          span: (id) => this.store?.spans.get(id),
          select: (id) => this.tell("rlm-select", { id }),
          edit: (rating) => this.edit(rating),
          withdraw: (rating) => this.carryOut([{ withdraw: rating }]),
        })}
      </section>`;
  }

  editor() {
    const ui = { ...this.ui, form: this.form, errors: this.errors, given: this.given, span: this.span };
    return html`${this.part ? targetOf(spanName(this.part), Boolean(this.onSpan), (onSpan) => (this.onSpan = onSpan)) : nothing} ${thumbs(ui)} ${correction(ui)} ${comment(ui)} ${scales(ui)} ${this.problem()}
      <div class="form-end">
        <button type="button" class="button button-primary rate-save" ?disabled=${this.state === "saving"} @click=${() => this.save()}>
          ${this.state === "saving" ? "Saving…" : "Save"} <kbd class="kbd">${MOD} ↵</kbd>
        </button>
        ${this.state === "restored" ? html`<span class="hint">Not saved yet. <button type="button" class="link" @click=${() => this.discard()}>Discard</button></span>` : nothing}
        ${this.state === "saved" ? this.saved() : nothing}
      </div>`;
  }

  saved() {
    return html`<span class="row rate-saved" role="status">
      <span class="status tone-ok">${iconOf("check")} ${this.undo?.length ? "Saved" : "Nothing had changed"}</span>
      ${this.undo?.length ? html`<button type="button" class="button button-sm" @click=${() => this.carryOut(this.undo)}>${iconOf("undo", "icon-sm")} Undo</button>` : nothing}
    </span>`;
  }

  problem() {
    return this.errors.has("") ? problemOf(this.errors.get(""), this.signedOut) : nothing;
  }
}

customElements.define("rlm-rating", RlmRating);
