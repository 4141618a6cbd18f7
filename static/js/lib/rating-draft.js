// What was typed into the rate panel, kept for this tab until it is saved: a failed request or an ended session loses nothing.

export class Draft {
  constructor(run, span, storage = globalThis.sessionStorage) {
    this.key = `rlm-rating-${run}-${span || "run"}`;
    this.storage = storage;
  }

  get exists() {
    return this.storage.getItem(this.key) !== null;
  }

  read() {
    const text = this.storage.getItem(this.key);
    return text === null ? null : JSON.parse(text);
  }

  /** Keep the form; where the tab has no room for it, it is kept on the page alone. */
  keep(form) {
    try {
      this.storage.setItem(this.key, JSON.stringify(form));
    } catch {
      this.drop();
    }
  }

  drop() {
    this.storage.removeItem(this.key);
  }
}
