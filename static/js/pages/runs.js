// The list of runs stays true while it is open: rows change in place, newer runs wait behind a pill.

import { shortcut } from "../lib/keys.js";
import { TagEditor } from "../lib/tag-editor.js";
import { showTimes } from "../lib/times.js";

const EVERY_MS = 2500;
const IDLE_EVERY_MS = 10_000;

class RunList {
  constructor(root) {
    this.root = root;
    this.current = -1;
    this.input = root.querySelector("input[type=search]");
    const dialog = document.getElementById("tag-editor");
    this.editor = dialog && new TagEditor(dialog, () => this.refresh());
  }

  get body() {
    return this.root.querySelector("tbody");
  }

  start() {
    this.plan();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.refresh();
    });
    document.addEventListener("htmx:beforeSwap", (event) => {
      if (event.detail.xhr.status === 422) event.detail.shouldSwap = true; // it says what is wrong with the query
    });
    document.addEventListener("htmx:afterSwap", () => this.swapped());
    document.addEventListener("htmx:historyRestore", () => location.reload());
    this.root.addEventListener("click", (event) => this.clicked(event));
    shortcut("j", "Next run", () => this.move(1));
    shortcut("k", "Previous run", () => this.move(-1));
    shortcut("Enter", "Open the run", () => this.rows()[this.current]?.querySelector("a").click());
    shortcut("/", "Filter", () => this.input.focus());
    if (this.editor) shortcut("t", "Change the tags", () => this.edit(this.rows()[Math.max(0, this.current)]));
  }

  clicked(event) {
    if (event.target.closest("[data-fresh]")) location.reload();
    const edit = event.target.closest("[data-edit-tags]");
    if (edit) this.edit(edit.closest("tr"));
    const choice = event.target.closest("a[data-query]");
    if (!choice || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.reopen = choice.closest("[data-facet]")?.dataset.facet;
    this.input.value = choice.dataset.query;
    this.input.form.requestSubmit();
  }

  /** Show the new rows, and keep the menu open in which the last choice was made. */
  swapped() {
    showTimes(this.root);
    this.current = -1;
    this.root.querySelector("[data-fresh]").hidden = true;
    const menu = this.reopen && this.root.querySelector(`[data-facet="${this.reopen}"]`);
    this.reopen = undefined;
    if (!menu) return;
    menu.open = true;
    menu.querySelector("summary").focus();
  }

  edit(row) {
    const button = row?.querySelector("[data-edit-tags]");
    if (button) this.editor.open(row.dataset.run, row.querySelector("a.cover").textContent, JSON.parse(button.dataset.tags));
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

  /** Fetch the page again and bring the rows that are shown up to date. */
  async refresh() {
    if (document.hidden) return;
    try {
      const response = await fetch(location.href, { credentials: "same-origin", headers: { "HX-Request": "true", "HX-Target": "rows" } });
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
      shown.delete(row.dataset.run);
      if (!old) fresh += 1;
      else if (old.dataset.state !== row.dataset.state) this.replace(old, row);
    }
    if (!fresh) for (const row of shown.values()) if (row.matches("[data-live]")) row.remove(); // the query means it no more
    if (!this.rows().length && (fresh || shown.size)) location.reload();
    const pill = this.root.querySelector("[data-fresh]");
    pill.hidden = fresh === 0;
    pill.querySelector("[data-word]").textContent = `${fresh} new ${fresh === 1 ? "run" : "runs"}`;
  }

  replace(old, row) {
    const selected = old.getAttribute("aria-selected");
    const focused = old.contains(document.activeElement);
    old.replaceWith(row);
    showTimes(row);
    if (selected) row.setAttribute("aria-selected", selected);
    if (focused) row.querySelector("a").focus({ preventScroll: true });
  }
}

const root = document.querySelector("[data-page=runs]");
if (root) new RunList(root).start();
