// The launch form's choice of a prompt: shows the system prompt that models get with the chosen version.

import { Api } from "../lib/api.js";

class PromptPreview {
  constructor(details) {
    this.details = details;
    this.form = details.closest("form");
    this.select = this.form.elements.namedItem("prompt");
    this.place = details.querySelector("[data-part=prompt-text]");
    this.link = details.querySelector("[data-part=prompt-link]");
    this.api = Api.ofPage();
    this.texts = new Map();
  }

  start() {
    this.details.addEventListener("toggle", () => this.show());
    this.select.addEventListener("change", () => this.show());
  }

  async show() {
    if (!this.details.open) return;
    const number = this.select.selectedOptions[0]?.dataset.version;
    this.link.search = number ? `?version=${number}` : "";
    this.place.textContent = "Loading…";
    const text = await this.textOf(number);
    if (number === this.select.selectedOptions[0]?.dataset.version) this.place.textContent = text;
  }

  /** Fetch a version's text once: it never changes. */
  async textOf(number) {
    if (this.texts.has(number)) return this.texts.get(number);
    try {
      const path = `projects/${this.form.dataset.project}/prompts/${this.details.dataset.prompt}/versions/${number}`;
      const version = await this.api.get(path);
      this.texts.set(number, version.composed);
      return version.composed;
    } catch (error) {
      return `It cannot be shown now: ${error.message}`;
    }
  }
}

const details = document.querySelector("[data-part=prompt-preview]");
if (details) new PromptPreview(details).start();
