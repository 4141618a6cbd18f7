// Tabs as the page's markup declares them: buttons with data-tab, panels with data-panel, one of each name.

import { shortcut } from "./keys.js";

export class Tabs {
  /** `changed(name)` is told what the reader chose; a tab's `data-key` and `data-key-what` make a shortcut of it. */
  constructor(root, changed) {
    this.buttons = [...root.querySelectorAll("[data-tab]")];
    this.panels = [...root.querySelectorAll("[data-panel]")];
    this.changed = changed;
    for (const button of this.buttons) {
      button.addEventListener("click", () => this.changed(button.dataset.tab));
      button.addEventListener("keydown", (event) => this.onKey(event));
      if (button.dataset.key) shortcut(button.dataset.key, button.dataset.keyWhat, () => this.changed(button.dataset.tab));
    }
  }

  /** Show one; a name that is none shows the first. */
  show(name) {
    const chosen = this.buttons.find((button) => button.dataset.tab === name) || this.buttons[0];
    for (const button of this.buttons) {
      button.setAttribute("aria-selected", button === chosen);
      button.tabIndex = button === chosen ? 0 : -1;
    }
    for (const panel of this.panels) panel.hidden = panel.dataset.panel !== chosen.dataset.tab;
  }

  onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const index = this.buttons.indexOf(event.currentTarget) + step;
    const next = this.buttons[(index + this.buttons.length) % this.buttons.length];
    next.focus();
    this.changed(next.dataset.tab);
  }
}
