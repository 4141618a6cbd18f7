// Prompts: a draft of a new version that survives a refusal or an expired session, and forms that send themselves.

import * as format from "../lib/format.js";
import { shortcut } from "../lib/keys.js";

const TAUGHT = ["REPL", 'answer["content"]'];
const keyOf = (element) => `rlm-prompt-${element.dataset.draft}`;

class Editor {
  constructor(form) {
    this.form = form;
    this.key = keyOf(form);
    this.part = (name) => form.querySelector(`[data-part="${name}"]`);
    this.text = form.elements.namedItem("text");
    this.note = form.elements.namedItem("note");
  }

  start() {
    this.given = { text: this.text.defaultValue, note: this.note.defaultValue };
    this.restore();
    this.form.addEventListener("input", () => this.changed());
    this.part("discard").addEventListener("click", () => this.discard());
    shortcut("Mod+Enter", "Save version", () => this.form.requestSubmit(), { typing: true });
    this.show();
  }

  changed() {
    const draft = { text: this.text.value, note: this.note.value, base: this.form.dataset.base };
    sessionStorage.setItem(this.key, JSON.stringify(draft));
    this.show();
  }

  /** Bring a draft back, unless it started from another version than this page does. */
  restore() {
    const draft = JSON.parse(sessionStorage.getItem(this.key) || "null");
    if (!draft || draft.base !== this.form.dataset.base) return;
    const isNews = draft.text !== this.text.value || draft.note !== this.note.value;
    this.text.value = draft.text;
    this.note.value = draft.note;
    this.part("restored").hidden = !isNews;
  }

  discard() {
    sessionStorage.removeItem(this.key);
    this.text.value = this.given.text;
    this.note.value = this.given.note;
    this.part("restored").hidden = true;
    this.show();
    this.text.focus();
  }

  show() {
    const { value } = this.text;
    const size = new Blob([value]).size;
    const count = [...value].length; // as the server counts: code points
    const most = Number(this.text.dataset.most);
    const tokens = format.tokens(format.estimatedTokens(size));
    this.part("count").textContent = `${format.count(count)} of at most ${format.count(most)} characters, about ${tokens} tokens in every call of a level.`;
    this.part("count").classList.toggle("error", count > most);
    this.part("contract").hidden = !value.trim() || TAUGHT.every((word) => value.includes(word));
  }
}

function startPrompt(page) {
  const address = new URL(location.href);
  if (address.searchParams.has("saved")) {
    sessionStorage.removeItem(keyOf(page));
    address.searchParams.delete("saved");
    history.replaceState(null, "", address);
  }
  for (const form of page.querySelectorAll("form[data-submits]")) {
    form.querySelector("[data-submit]").hidden = true;
    form.addEventListener("change", () => form.requestSubmit());
  }
}

const editor = document.querySelector("form[data-page=prompt-editor]");
if (editor) new Editor(editor).start();
const page = document.querySelector("[data-page=prompt]");
if (page) startPrompt(page);
