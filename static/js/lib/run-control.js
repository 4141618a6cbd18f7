// Stop, pause, go on, fork: the buttons and keys of the run page that change what becomes of the run.

import { notify } from "./notify.js";
import { actAtHand, changesState, FITS, showActs } from "./run-acts.js";
import { GoOn } from "./run-go-on.js";

const SOON_MS = 400; // what an event says stands in the run's row at about the same time
const LOOKS = 4;
const BUSY = { stop: "Stopping…", pause: "Pausing…" };
const ASKS = { stop: "cancel", pause: "pause" };

export class RunControl {
  /** `current()` returns the run, `take(run)` shows another state of it, `reload()` asks for it. */
  constructor(root, { api, id, current, take, reload }) {
    Object.assign(this, { root, api, id, current, take, reload });
    const dialog = document.querySelector("#go-on");
    this.dialog = dialog && new GoOn(dialog, (act, body, key) => this.goOn(act, body, key));
    for (const act of ["stop", "pause", "resume", "retry", "continue"]) this.button(act)?.addEventListener("click", () => this.act(act));
  }

  button(act) {
    return this.root.querySelector(`[data-act="${act}"]`);
  }

  show() {
    showActs(this.root, this.current());
  }

  /** Do the first of some acts that can be done now; the keys come here. */
  first(...acts) {
    const act = actAtHand(this.root, acts);
    if (act) this.act(act);
  }

  act(act) {
    if (act in ASKS) return this.ask(act);
    const { pause_requested: pausing, status } = this.current();
    if (act === "resume" && pausing && status !== "paused") return this.undo(); // it never stood still: no limits to ask for
    return this.dialog.open(act);
  }

  async ask(act) {
    const button = this.button(act);
    const word = button.querySelector("[data-word]");
    const before = word.textContent;
    button.disabled = true;
    word.textContent = BUSY[act];
    try {
      this.take(await this.api.act(this.id, ASKS[act]));
      if (act === "pause") notify("Pausing: calls under way are waited for. Resume lets it go on.");
    } catch (error) {
      notify(error.message, "bad");
    }
    if (act !== "stop" || !this.current().cancel_requested) {
      button.disabled = false;
      word.textContent = before;
    }
  }

  async undo() {
    try {
      this.take(await this.api.act(this.id, "resume"));
      notify("The run goes on");
    } catch (error) {
      notify(error.message, "bad");
    }
  }

  async goOn(act, body, key) {
    const run = await this.api.act(this.id, act === "retry" ? "retry" : "resume", body, key);
    if (run.id === this.id) this.take(run);
    else location.assign(`/runs/${run.id}`);
  }

  /** Go to the page that forks the run, at the selected span's first event. */
  fork(seq) {
    const link = this.button("fork");
    if (link) location.assign(seq === null ? link.href : `${link.href}?at=${seq}`);
  }

  /** The run stands still or is taken up: ask for its fields, and once more in case they were read too early. */
  heard(events) {
    if (!events.some(changesState)) return;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.reload(), SOON_MS);
  }

  /** While it is asked to stand still, look now and then whether it does. */
  watch() {
    const run = this.current();
    this.looks = (this.looks ?? 0) + 1;
    if (this.looks % LOOKS === 0 && run.pause_requested && FITS.resume(run) && run.status !== "paused") this.reload();
  }
}
