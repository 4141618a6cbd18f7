// The run page: one store, fed by one stream; its state stands in the URL; elements show both.

import "../elements/rlm-details.js";
import "../elements/rlm-level.js";
import "../elements/rlm-meters.js";
import "../elements/rlm-outline.js";
import { Api } from "../lib/api.js";
import { readAddress, writeAddress } from "../lib/run-address.js";
import { RunBodies } from "../lib/run-bodies.js";
import { RunControl } from "../lib/run-control.js";
import { RunHeader } from "../lib/run-header.js";
import { bindKeys } from "../lib/run-keys.js";
import { RunMenu } from "../lib/run-menu.js";
import { readSkeleton } from "../lib/run-skeleton.js";
import { browserSource } from "../lib/run-source.js";
import { RunStore } from "../lib/run-store.js";
import { RunStream } from "../lib/run-stream.js";
import { TERMINAL } from "../lib/status.js";
import { Tabs } from "../lib/tabs.js";

const SECOND = 1000;
const SELDOM_MS = 250;
const FEW_EVENTS = 2000; // of a run that has ended: fetched at once
const FEW_PROBLEMS = 200;
const STATUS_OF = { submitted: "succeeded", fallback: "succeeded", cancelled: "cancelled" };

class RunPage {
  constructor(root) {
    this.root = root;
    this.id = root.dataset.run;
    this.skew = Date.parse(root.dataset.now) - Date.now();
    this.run = { id: this.id, status: root.dataset.status }; // the whole of it comes with `load`
    this.api = Api.ofPage();
    this.store = new RunStore();
    this.state = readAddress(location.search);
    this.header = new RunHeader(root);
    this.outline = root.querySelector("rlm-outline");
    this.level = root.querySelector("rlm-level");
    this.level.forks = root.querySelector('[data-act="fork"]')?.getAttribute("href") ?? "";
    this.panels = root.querySelectorAll("[data-panel] > *");
    this.tabs = new Tabs(root, (tab) => this.showTab(tab));
    this.menu = new RunMenu(root.querySelector("[data-menu]"), { api: this.api, id: this.id, current: () => this.run });
    this.control = new RunControl(root, {
      api: this.api,
      id: this.id,
      current: () => this.run,
      take: (run) => this.take(run),
      reload: () => this.load(),
    });
    this.source = browserSource(this.api, this.id);
    this.stream = new RunStream({
      source: this.source,
      sink: { deliver: (events, deltas) => this.deliver(events, deltas), state: (name) => this.connection(name) },
    });
  }

  start() {
    this.bind();
    this.render();
    this.loading = this.load();
    if (!TERMINAL.has(this.run.status)) this.follow();
    this.skeleton();
    this.ticking = setInterval(() => this.tick(), SECOND);
  }

  tick() {
    this.control.watch();
    this.render();
  }

  bind() {
    this.root.addEventListener("rlm-select", (event) => this.select(event.detail.id));
    this.root.addEventListener("rlm-address", (event) => this.change(event.detail));
    this.header.part("diverged").addEventListener("click", () => this.change({ view: "errors" }));
    addEventListener("offline", () => this.isFollowed && this.stream.lineDown());
    addEventListener("online", () => this.isFollowed && this.stream.lineUp());
    addEventListener("popstate", () => {
      this.state = readAddress(location.search);
      this.render();
    });
    for (const button of this.root.querySelectorAll("[data-pane]")) {
      button.addEventListener("click", () => this.showPane(button.dataset.pane));
    }
    bindKeys(this);
  }

  get now() {
    return Date.now() + this.skew;
  }

  // ---- what arrives

  /** The run itself: limits, totals and checks that are not events. */
  async load() {
    try {
      this.take(await this.api.run(this.id));
    } catch {
      // the stream meets the same trouble, says so and tries again
    }
  }

  /** Show the run as it stands now; what its events say is newer. */
  take(run) {
    this.run = run;
    this.note();
    this.render();
  }

  /**
   * The tree of the whole run, before its events are here. A run that has ended and is long is then read in parts: of
   * its events only those that are looked at are fetched.
   */
  async skeleton() {
    let length = 0;
    try {
      await readSkeleton(this.source.skeleton(), {
        head: ({ last_seq: last }) => {
          length = last;
          if (length <= FEW_EVENTS) this.follow();
        },
        take: (rows) => {
          this.store.skeleton(rows);
          this.renderSometimes();
        },
      });
      this.renderSoon();
    } catch {
      this.follow(); // meets the same trouble, says so and tries again; the events bring the tree as well
    }
    if (!this.isFollowed) this.readInParts(length);
  }

  /** Fetch all events, and those to come. */
  follow() {
    if (this.isFollowed) return;
    this.isFollowed = true;
    this.stream.start();
  }

  async readInParts(length) {
    const { store } = this;
    const sink = { changed: () => this.renderSoon(), state: (name) => this.header.connection(name) };
    store.inParts(length, new RunBodies({ source: this.source, store, sink }));
    if (store.bad.size <= FEW_PROBLEMS) store.want([...store.bad]); // what went wrong where is known from their ends
    this.connection("ended");
    await this.loading;
    if (this.run.use_memory) store.bodies.type("memory");
  }

  deliver(events, deltas) {
    for (const event of events) this.store.apply(event);
    for (const { span_id: id, offset, text } of deltas) this.store.delta(id, offset, text);
    this.note();
    this.control.heard(events);
    this.renderSoon();
  }

  /** Keep the run's own fields in step with its root span. */
  note() {
    const { root } = this.store;
    if (!root) return;
    if (root.status === "running" && this.run.status === "queued" && !this.run.started_at) this.run.status = "running";
    if (root.answer) this.run.answer = root.answer.content;
    if (root.status === "running" || !root.end.finish_reason) return;
    const reason = root.end.finish_reason;
    this.run.finish_reason = reason;
    this.run.status = STATUS_OF[reason] || "failed";
    this.run.error = root.failure;
  }

  connection(name) {
    this.header.connection(name);
    this.render(); // what it says of the count holds at this moment, in a tab that nobody sees too
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
    if (fresh) this.header.part("verdict").replaceWith(document.adoptNode(fresh));
  }

  // ---- what is shown

  /** While the skeleton comes: what is shown grows, and drawing it costs what reading it needs. */
  renderSometimes() {
    const now = performance.now();
    if (now - (this.drawn ?? 0) < SELDOM_MS) return;
    this.drawn = now;
    this.renderSoon();
  }

  renderSoon() {
    this.drawing ??= requestAnimationFrame(() => this.render());
  }

  render() {
    this.drawing = null;
    const { store, run, state } = this;
    const shared = { store, selected: state.span, tick: store.version, run };
    const live = !TERMINAL.has(run.status);
    Object.assign(this.outline, shared, { view: state.view, kind: state.kind, find: state.find, now: live ? this.now : 0 });
    Object.assign(this.level, shared, { show: state.show, at: state.at, live, answer: run.answer ?? null });
    this.level.fallback = run.finish_reason === "fallback";
    for (const panel of this.panels) Object.assign(panel, shared);
    this.tabs.show(state.tab);
    this.header.status(run);
    this.header.diverged(store.divergences.length);
    this.control.show();
    this.header.spend(run, store, this.now);
    this.header.loaded(store.held, Math.max(this.stream.head, run.last_seq || 0));
  }

  showPane(name) {
    this.root.dataset.shown = name;
    for (const button of this.root.querySelectorAll("[data-pane]")) button.setAttribute("aria-pressed", button.dataset.pane === name);
  }

  showTab(tab) {
    this.change({ tab });
    this.showPane("aside");
  }

  // ---- what the reader does

  /** Change what the URL says and show it; what is typed fast is drawn once a frame. */
  change(state) {
    Object.assign(this.state, state);
    history.replaceState(null, "", writeAddress(location.href, this.state));
    this.renderSoon();
  }

  select(id) {
    this.change({ span: id, at: "" });
  }
}

const root = document.querySelector("[data-page=run]");
if (root) new RunPage(root).start();
