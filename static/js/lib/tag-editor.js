// The dialog that changes the tags of one run.

import { Api, ApiError } from "./api.js";
import { icon } from "./icons.js";
import { added, others, refusal } from "./tags.js";

export class TagEditor {
  constructor(dialog, saved) {
    this.dialog = dialog;
    this.saved = saved;
    this.known = JSON.parse(dialog.dataset.known);
    this.input = dialog.querySelector("input");
    this.part("save").addEventListener("click", () => this.save());
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      if (this.input.value.trim()) this.add(this.input.value);
      else this.save();
    });
    dialog.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-tag]");
      if (button?.dataset.does === "add") this.add(button.dataset.tag);
      else if (button) this.remove(button.dataset.tag);
    });
  }

  part(name) {
    return this.dialog.querySelector(`[data-part=${name}]`);
  }

  open(run, title, tags) {
    this.run = run;
    this.tags = tags;
    this.input.value = "";
    this.part("run").textContent = title;
    this.show();
    this.dialog.showModal();
    this.input.focus();
  }

  add(text) {
    this.tags = added(this.tags, text);
    this.input.value = "";
    this.show();
    this.input.focus();
  }

  remove(tag) {
    this.tags = this.tags.filter((item) => item !== tag);
    this.show();
    this.input.focus();
  }

  show(error = "") {
    this.part("set").replaceChildren(...this.tags.map((tag) => this.chip(tag)));
    this.part("known").replaceChildren(...others(this.known, this.tags).map((tag) => this.button(tag, "add", "plus", "Add")));
    this.part("error").textContent = error;
    this.input.setAttribute("aria-invalid", String(Boolean(error)));
  }

  chip(tag) {
    const item = document.createElement("li");
    item.append(this.button(tag, "remove", "close", "Take away"));
    return item;
  }

  button(tag, does, picture, word) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "chip tags-tag", title: `${word} ${tag}` });
    Object.assign(button.dataset, { tag, does });
    button.setAttribute("aria-label", `${word} ${tag}`);
    const text = document.createElement("span");
    text.className = "clip";
    text.textContent = tag;
    button.append(...(does === "add" ? [icon(picture), text] : [text, icon(picture)]));
    return button;
  }

  async save() {
    this.tags = added(this.tags, this.input.value);
    this.input.value = "";
    try {
      await Api.ofPage().request("PATCH", `runs/${this.run}`, { json: { tags: this.tags } });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.show(refusal(error));
      return;
    }
    this.known = [...new Set([...this.known, ...this.tags])];
    this.dialog.close();
    this.saved();
  }
}
