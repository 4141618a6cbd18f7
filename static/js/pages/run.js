// The run page: one store, fed by one stream, shown by four elements and the header.

import "../elements/rlm-cells.js";
import "../elements/rlm-details.js";
import "../elements/rlm-meters.js";
import "../elements/rlm-tree.js";
import { Api } from "../lib/api.js";
import * as format from "../lib/format.js";
import { icon } from "../lib/icons.js";
import { shortcut } from "../lib/keys.js";
import { notify } from "../lib/notify.js";
import { browserSource } from "../lib/run-source.js";
import { RunStore } from "../lib/run-store.js";
import { RunStream } from "../lib/run-stream.js";
import { CONNECTIONS, FINISH_REASONS, STATUSES, TERMINAL } from "../lib/status.js";
import { preview } from "../lib/text.js";

const SECOND = 1000;

class RunPage {
  constructor(root) {
    this.root = root;
    this.id = root.dataset.run;
    this.skew = Date.parse(root.dataset.now) - Date.now();
    this.run = { id: this.id, status: root.dataset.status }; // the whole of it comes with `load`
    this.api = Api.ofPage();
    this.store = new RunStore();
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.tree = root.querySelector("rlm-tree");
    this.cells = root.querySelector("rlm-cells");
    this.details = root.querySelector("rlm-details");
    this.selected = new URLSearchParams(location.search).get("span") || "";
    this.stream = new RunStream({
      source: browserSource(this.api, this.id),
      sink: { deliver: (events, deltas) => this.deliver(events, deltas), state: (name) => this.connection(name) },
    });
  }

  start() {
    this.bind();
    this.render();
    this.load();
    this.skeleton();
    this.stream.start();
    this.ticking = setInterval(() => this.showMeters(), SECOND);
  }

  bind() {
    this.root.addEventListener("rlm-select", (event) => this.select(event.detail.id));
    this.part("stop")?.addEventListener("click", () => this.stop());
    addEventListener("offline", () => this.stream.lineDown());
    addEventListener("online", () => this.stream.lineUp());
    addEventListener("popstate", () => this.select(new URLSearchParams(location.search).get("span") || "", false));
    for (const button of this.root.querySelectorAll("[data-pane]")) {
      button.addEventListener("click", () => this.showPane(button.dataset.pane));
    }
    shortcut("j", "Next span", () => this.tree.move("down"));
    shortcut("k", "Previous span", () => this.tree.move("up"));
    shortcut("l", "Unfold, or go in", () => this.tree.move("in"));
    shortcut("h", "Fold, or go out", () => this.tree.move("out"));
    shortcut("!", "Problems only", () => (this.tree.errorsOnly = !this.tree.errorsOnly));
    shortcut("-", "Fold all", () => this.tree.foldAll(false));
    shortcut("+", "Unfold all", () => this.tree.foldAll(true));
    shortcut("F", "Follow the newest step", () => this.cells.toggleFollow());
    shortcut("s", "Stop the run", () => this.stop());
  }

  // ---- what arrives

  /** The run itself: limits, totals and checks that are not events. */
  async load() {
    try {
      this.run = await this.api.run(this.id);
      this.note();
      this.render();
    } catch {
      // the stream meets the same trouble, says so and tries again
    }
  }

  /** The tree of the whole run, before its events are here. */
  async skeleton() {
    try {
      let cursor = null;
      do {
        const page = await this.api.spans(this.id, cursor);
        this.store.skeleton(page.items);
        this.render();
        cursor = page.next_cursor;
      } while (cursor);
    } catch {
      // as above; the events bring the tree as well
    }
  }

  deliver(events, deltas) {
    for (const event of events) this.store.apply(event);
    for (const { span_id: id, offset, text } of deltas) this.store.delta(id, offset, text);
    this.note();
    this.drawing ??= requestAnimationFrame(() => this.render());
  }

  /** Keep the run's own fields in step with its root span. */
  note() {
    const { root } = this.store;
    if (!root) return;
    if (root.status === "running" && this.run.status === "queued") this.run.status = "running";
    if (root.answer) this.run.answer = root.answer.content;
    if (root.status === "running" || !root.end.finish_reason) return;
    const reason = root.end.finish_reason;
    this.run.finish_reason = reason;
    this.run.status = { submitted: "succeeded", fallback: "succeeded", cancelled: "cancelled" }[reason] || "failed";
    this.run.error = root.failure;
  }

  connection(name) {
    const [tone, word] = CONNECTIONS[name];
    const part = this.part("connection");
    part.className = `status tone-${tone}`;
    part.dataset.state = name;
    part.querySelector(".dot").classList.toggle("is-live", name === "live" || name === "polling");
    part.querySelector("[data-word]").textContent = word;
    this.part("trouble").hidden = !["offline", "signed-out", "gone"].includes(name);
    this.part("trouble-text").textContent =
      {
        offline: "The line to the server is down. The run goes on; what you miss is fetched when the line is back.",
        "signed-out": "Your session has ended. Sign in again to go on watching; the run goes on.",
        gone: "This run is not available to you any more.",
      }[name] || "";
    if (name === "ended") this.settle();
  }

  /** Ask once more for the run itself: checks and totals that are not events. */
  async settle() {
    clearInterval(this.ticking);
    await this.load();
    if (this.root.dataset.reload === "verdict") this.verdict();
  }

  /** The check of a demo run is written just after its end; the server renders it. */
  async verdict() {
    const response = await fetch(location.pathname, { credentials: "same-origin" });
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector('[data-part="verdict"]');
    if (fresh) this.part("verdict").replaceWith(document.adoptNode(fresh));
  }

  // ---- what is shown

  render() {
    this.drawing = null;
    const { store, run, selected } = this;
    const live = !TERMINAL.has(run.status);
    for (const element of [this.tree, this.cells, this.details]) {
      Object.assign(element, { store, selected, tick: store.version });
    }
    Object.assign(this.cells, { live, answer: run.answer ?? null, fallback: run.finish_reason === "fallback" });
    this.details.run = run;
    this.showStatus(live);
    this.showMeters();
    const head = Math.max(this.stream.head, run.last_seq || 0, store.lastSeq);
    this.part("loaded").textContent =
      store.lastSeq < head ? `${format.count(store.lastSeq)} of ${format.count(head)} events loaded` : `${format.count(store.lastSeq)} events`;
  }

  showStatus(live) {
    const { run } = this;
    const [tone, name, word] = STATUSES[run.status];
    const part = this.part("status");
    if (part.dataset.shown !== run.status) {
      part.dataset.shown = run.status;
      part.className = `status status-pill tone-${tone}`;
      const picture = icon(name);
      if (run.status === "running") picture.classList.add("spin");
      part.replaceChildren(picture, word);
      document.title = `${word} · ${document.title.replace(/^[A-Z][a-z]+ · /, "")}`;
    }
    const stop = this.part("stop");
    if (stop) stop.hidden = !live;
    const reason = this.part("reason");
    reason.hidden = live || run.status === "succeeded";
    if (!reason.hidden) {
      reason.className = `notice ${run.status === "failed" ? "tone-bad" : "tone-calm"}`;
      this.part("reason-title").textContent = FINISH_REASONS[run.finish_reason] || "";
      this.part("reason-text").textContent = run.error ? preview(run.error.message, 600) : "";
    }
  }

  showMeters() {
    const { root } = this.store;
    const meters = this.root.querySelector("rlm-meters");
    const running = root?.status === "running" && !TERMINAL.has(this.run.status);
    const clock = running ? (Date.now() + this.skew - Date.parse(root.startedAt)) / SECOND : (root?.seconds ?? this.run.totals?.seconds);
    meters.seconds = Math.max(0, clock || 0);
    meters.totals = root ? this.store.totals() : this.run.totals;
    meters.limits = this.run.budget;
    meters.exhausted = this.store.budget?.exhausted ?? null;
  }

  showPane(name) {
    this.root.dataset.shown = name;
    for (const button of this.root.querySelectorAll("[data-pane]")) button.setAttribute("aria-pressed", button.dataset.pane === name);
  }

  // ---- what the reader does

  select(id, remember = true) {
    this.selected = id;
    if (remember) {
      const url = new URL(location.href);
      url.searchParams.set("span", id);
      history.replaceState(null, "", url);
    }
    this.render();
  }

  async stop() {
    const button = this.part("stop");
    if (!button || button.hidden || button.disabled) return;
    button.disabled = true;
    button.querySelector("[data-word]").textContent = "Stopping…";
    try {
      await this.api.cancel(this.id);
    } catch (error) {
      button.disabled = false;
      button.querySelector("[data-word]").textContent = "Stop";
      notify(error.message, "bad");
    }
  }
}

const root = document.querySelector("[data-page=run]");
if (root) new RunPage(root).start();
