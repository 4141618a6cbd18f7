// The list of runs stays true while it is open: rows change in place, newer runs wait behind a pill.

import { shortcut } from "../lib/keys.js";
import { showTimes } from "../lib/times.js";

const EVERY_MS = 2500;
const IDLE_EVERY_MS = 10_000;

class RunList {
  constructor(root) {
    this.root = root;
    this.current = -1;
  }

  get body() {
    return this.root.querySelector("tbody");
  }

  start() {
    this.plan();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.refresh();
    });
    document.addEventListener("htmx:afterSwap", () => {
      showTimes(this.root);
      this.current = -1;
    });
    this.root.addEventListener("click", (event) => {
      if (event.target.closest("[data-fresh]")) location.reload();
    });
    shortcut("j", "Next run", () => this.move(1));
    shortcut("k", "Previous run", () => this.move(-1));
    shortcut("Enter", "Open the run", () => this.rows()[this.current]?.querySelector("a").click());
    shortcut("/", "Filter", () => this.root.querySelector("input[type=search]").focus());
  }

  rows() {
    return [...this.root.querySelectorAll("tbody tr[data-run]")];
  }

  move(step) {
    const rows = this.rows();
    if (!rows.length) return;
    this.current = Math.max(0, Math.min(rows.length - 1, this.current + step));
    for (const [index, row] of rows.entries()) row.setAttribute("aria-selected", index === this.current);
    rows[this.current].scrollIntoView({ block: "nearest" });
    rows[this.current].querySelector("a").focus({ preventScroll: true });
  }

  plan() {
    clearTimeout(this.timer);
    const busy = this.root.querySelector("tr[data-live]") !== null;
    this.timer = setTimeout(() => this.refresh(), busy ? EVERY_MS : IDLE_EVERY_MS);
  }

  /** Fetch the first page again and bring the rows that are shown up to date. */
  async refresh() {
    if (document.hidden) return;
    try {
      const url = new URL(location.href);
      url.searchParams.delete("cursor");
      const response = await fetch(url, { credentials: "same-origin", headers: { "HX-Request": "true" } });
      if (response.ok) this.merge(new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch {
      // the next round tries again; what is shown stays
    }
    this.plan();
  }

  merge(page) {
    const shown = new Map(this.rows().map((row) => [row.dataset.run, row]));
    let fresh = 0;
    for (const row of page.querySelectorAll("tr[data-run]")) {
      const old = shown.get(row.dataset.run);
      if (!old) fresh += 1;
      else if (old.dataset.state !== row.dataset.state) {
        const selected = old.getAttribute("aria-selected");
        const focused = old.contains(document.activeElement);
        old.replaceWith(row);
        showTimes(row);
        if (selected) row.setAttribute("aria-selected", selected);
        if (focused) row.querySelector("a").focus({ preventScroll: true });
      }
    }
    const pill = this.root.querySelector("[data-fresh]");
    if (!shown.size && fresh) location.reload();
    pill.hidden = fresh === 0;
    pill.querySelector("[data-word]").textContent = `${fresh} new ${fresh === 1 ? "run" : "runs"}`;
  }
}

const root = document.querySelector("[data-page=runs]");
if (root) new RunList(root).start();
