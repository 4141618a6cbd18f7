// The head of the run page: status, connection, spend and why a run ended. What the server rendered is kept up to date.

import * as format from "./format.js";
import { icon } from "./icons.js";
import { CONNECTIONS, FINISH_REASONS, STATUSES, TERMINAL } from "./status.js";
import { preview } from "./text.js";

const TROUBLES = {
  offline: "The line to the server is down. The run goes on; what you miss is fetched when the line is back.",
  "signed-out": "Your session has ended. Sign in again to go on watching; the run goes on.",
  gone: "This run is not available to you any more.",
};

const PAUSING = ["warn", "pause", "Pausing"];

const LIVE = new Set(["live", "streaming", "polling"]);

export class RunHeader {
  constructor(root) {
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.meters = root.querySelector("rlm-meters");
  }

  connection(name) {
    const [tone, word] = CONNECTIONS[name];
    const part = this.part("connection");
    part.className = `status tone-${tone}`;
    part.dataset.state = name;
    part.querySelector(".dot").classList.toggle("is-live", LIVE.has(name));
    part.querySelector("[data-word]").textContent = word;
    this.part("trouble").hidden = !(name in TROUBLES);
    this.part("trouble-text").textContent = TROUBLES[name] || "";
  }

  status(run) {
    const live = !TERMINAL.has(run.status);
    const pausing = run.status === "running" && Boolean(run.pause_requested);
    const [tone, name, word] = pausing ? PAUSING : STATUSES[run.status];
    const part = this.part("status");
    const shown = pausing ? "pausing" : run.status;
    if (part.dataset.shown !== shown) {
      part.dataset.shown = shown;
      part.className = `status status-pill tone-${tone}`;
      const picture = icon(name);
      if (shown === "running") picture.classList.add("spin");
      part.replaceChildren(picture, word);
      document.title = `${word} · ${document.title.replace(/^[A-Z][a-z]+ · /, "")}`;
    }
    const reason = this.part("reason");
    reason.hidden = live || run.status === "succeeded";
    if (reason.hidden) return;
    reason.className = `notice ${run.status === "failed" ? "tone-bad" : "tone-calm"}`;
    this.part("reason-title").textContent = FINISH_REASONS[run.finish_reason] || "";
    this.part("reason-code").textContent = run.error?.code ?? "";
    this.part("reason-text").textContent = run.error ? preview(run.error.message, 600) : "";
  }

  /** Spend against limits; `now` is the server's clock in milliseconds. */
  spend(run, store, now) {
    const { root } = store;
    const running = root?.status === "running" && !TERMINAL.has(run.status);
    const worked = run.status === "running" ? store.clock.seconds(now) : (run.totals?.seconds ?? store.clock.seconds(now));
    const clock = running ? worked : (root?.seconds ?? run.totals?.seconds);
    this.meters.seconds = Math.max(0, clock || 0);
    this.meters.totals = root ? store.totals() : run.totals;
    this.meters.limits = run.budget;
    this.meters.exhausted = store.budget?.exhausted ?? null;
  }

  /** How often replay came out otherwise than it is on record. */
  diverged(count) {
    const part = this.part("diverged");
    part.hidden = count === 0;
    part.querySelector("[data-word]").textContent = `${format.count(count)} ${count === 1 ? "divergence" : "divergences"}`;
  }

  loaded(count, head) {
    const all = Math.max(head, count);
    this.part("loaded").textContent = count < all ? `${format.count(count)} of ${format.count(all)} events loaded` : `${format.count(count)} events`;
  }
}
