// The dialog before a run goes on: says what happens, takes other limits, shows what the server refuses at its field.

import { clearErrors, showErrors } from "./field-errors.js";
import { limitsOf } from "./limits.js";
import { GO_ON } from "./run-acts.js";

export class GoOn {
  /** `go(act, body, key)` asks the server and resolves when it agreed. */
  constructor(dialog, go) {
    Object.assign(this, { dialog, go });
    this.form = dialog.querySelector("form");
    this.button = this.part("go");
    for (const close of dialog.querySelectorAll("[data-close]")) close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  part(name) {
    return this.dialog.querySelector(`[data-part="${name}"]`);
  }

  open(act) {
    this.act = act;
    this.key = crypto.randomUUID();
    const { title, text, word } = GO_ON[act];
    this.part("go-on-title").textContent = title;
    this.part("go-on-text").textContent = text;
    this.word(word);
    clearErrors(this.form);
    this.form.reset();
    this.dialog.showModal();
    this.button.focus();
  }

  word(text) {
    this.button.querySelector("[data-word]").textContent = text;
  }

  async submit() {
    clearErrors(this.form);
    const budget = limitsOf((name) => this.form.elements.namedItem(name).value);
    this.button.disabled = true;
    this.word(GO_ON[this.act].busy);
    try {
      await this.go(this.act, budget ? { budget } : {}, this.key);
      this.dialog.close();
    } catch (error) {
      if (error.status) this.key = crypto.randomUUID(); // refused: another attempt is another request
      showErrors(this.form, error);
    } finally {
      this.button.disabled = false;
      this.word(GO_ON[this.act].word);
    }
  }
}
