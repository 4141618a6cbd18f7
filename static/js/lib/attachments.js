// Files dropped on the launch form: uploaded at once, one after another, each with its progress.

import * as format from "./format.js";
import { icon } from "./icons.js";

const PROGRESS_OF_WHOLE = 1;

export class Attachments {
  /** `list` is the <ul> that shows them; `changed` is called whenever their number or size changes. */
  constructor({ api, project, list, changed }) {
    Object.assign(this, { api, project, list, changed });
    this.items = [];
    this.queue = Promise.resolve();
  }

  get size() {
    return this.items.reduce((sum, item) => sum + item.size, 0);
  }

  get busy() {
    return this.items.some((item) => item.state === "waiting" || item.state === "sending");
  }

  get failed() {
    return this.items.some((item) => item.state === "failed");
  }

  ids() {
    return this.items.filter((item) => item.id).map((item) => item.id);
  }

  add(files) {
    for (const file of files) {
      const item = { name: file.name, size: file.size, state: "waiting", file, abort: new AbortController() };
      this.show(item);
      this.items.push(item);
      this.queue = this.queue.then(() => this.send(item));
    }
    this.changed();
  }

  /** Put back files that were uploaded before, from the draft. */
  restore(stored) {
    for (const { id, name, size } of stored) {
      const item = { id, name, size, state: "done" };
      this.show(item);
      this.items.push(item);
      this.draw(item, PROGRESS_OF_WHOLE);
    }
    this.changed();
  }

  async send(item) {
    if (item.state === "removed") return;
    item.state = "sending";
    this.draw(item, 0);
    try {
      const stored = await this.api.upload(this.project, item.file, {
        progress: (share) => this.draw(item, share),
        signal: item.abort.signal,
      });
      item.id = stored.id;
      item.state = "done";
      item.file = null;
    } catch (error) {
      if (item.state === "removed") return;
      item.state = "failed";
      item.error = error.message;
    }
    this.draw(item, PROGRESS_OF_WHOLE);
    this.changed();
  }

  remove(item) {
    item.state = "removed";
    item.abort?.abort();
    item.row.remove();
    this.items = this.items.filter((each) => each !== item);
    this.changed();
  }

  show(item) {
    const row = document.createElement("li");
    row.className = "attachment";
    const name = Object.assign(document.createElement("span"), { className: "clip", textContent: item.name });
    item.note = Object.assign(document.createElement("span"), { className: "faint number nowrap push" });
    item.bar = Object.assign(document.createElement("progress"), { className: "meter-bar", max: 1, value: 0 });
    item.bar.setAttribute("aria-label", `Upload of ${item.name}`);
    const remove = Object.assign(document.createElement("button"), {
      className: "button button-quiet button-sm button-icon",
      type: "button",
      title: "Remove",
    });
    remove.setAttribute("aria-label", `Remove ${item.name}`);
    remove.append(icon("close"));
    remove.addEventListener("click", () => this.remove(item));
    row.append(icon("file"), name, item.note, remove, item.bar);
    item.row = row;
    this.list.append(row);
    this.draw(item, 0);
  }

  draw(item, share) {
    const size = format.bytes(item.size);
    const words = {
      waiting: `${size} · waiting`,
      sending: `${size} · ${Math.round(share * 100)} %`,
      done: `${size} · ≈ ${format.tokens(format.estimatedTokens(item.size))} tokens`,
      failed: item.error,
    };
    item.note.textContent = words[item.state] || "";
    item.row.classList.toggle("is-failed", item.state === "failed");
    item.bar.hidden = item.state !== "sending";
    item.bar.value = share;
  }
}
