// The menu "Export" of the run page: files, and the request that would start the same run.

import { copy, notify } from "./notify.js";
import { curlOf } from "./run-curl.js";

const LATER_MS = 60_000; // the browser reads the address of a blob when it gets to it

/** Save a blob under a name. */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), LATER_MS);
}

export class RunMenu {
  /** `current()` returns the run as the REST interface shows it. */
  constructor(element, { api, id, current }) {
    Object.assign(this, { element, api, id, current });
    for (const button of element.querySelectorAll("[data-export]")) {
      button.addEventListener("click", () => this.download(button.dataset.export));
    }
    element.querySelector("[data-curl]").addEventListener("click", () => this.copyCurl());
  }

  close() {
    this.element.open = false;
    this.element.querySelector("summary").focus();
  }

  async download(format) {
    const word = this.element.querySelector("[data-word]");
    const before = word.textContent;
    this.close();
    word.textContent = "Exporting…";
    try {
      save(await this.api.exported(this.id, format), `run-${this.id}.${format}`);
    } catch (error) {
      notify(error.message, "bad");
    } finally {
      word.textContent = before;
    }
  }

  copyCurl() {
    const run = this.current();
    this.close();
    if (!run.budget) return; // the run has not arrived yet
    const input = run.context ? " The input is not part of it: add it as context or files." : "";
    copy(curlOf(run, location.origin), `Command copied; it reads the key from $RLMLAB_API_KEY.${input}`);
  }
}
