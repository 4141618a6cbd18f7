// What every page has: theme, keyboard help, menus that close, times in the reader's zone.

import { MOD, allShortcuts, listen, shortcut, singleKeys } from "../lib/keys.js";
import { copy } from "../lib/notify.js";
import { showTimes } from "../lib/times.js";

const THEMES = ["system", "light", "dark"];
const THEME = "rlm-theme";

function showTheme(name) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.querySelector("use").setAttribute("href", `#icon-${{ system: "contrast", light: "sun", dark: "moon" }[name]}`);
    button.querySelector("[data-word]").textContent = `Theme: ${name}`;
    button.title = `Theme: ${name}`;
  }
}

function nextTheme() {
  const now = localStorage.getItem(THEME) || "system";
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  if (next === "system") localStorage.removeItem(THEME);
  else localStorage.setItem(THEME, next);
  showTheme(next);
}

function keyCaps(keys) {
  return keys.split("+").filter(Boolean).concat(keys === "+" ? ["+"] : []).map((part) => {
    const cap = document.createElement("kbd");
    cap.className = "kbd";
    cap.textContent = part === "Mod" ? MOD : part;
    return cap;
  });
}

function showKeys() {
  const dialog = document.getElementById("keys");
  if (dialog.open) {
    dialog.close();
    return;
  }
  const list = dialog.querySelector("[data-keys]");
  list.replaceChildren(
    ...allShortcuts().map(({ keys, what }) => {
      const row = document.createElement("div");
      const name = document.createElement("dt");
      const caps = document.createElement("dd");
      name.textContent = what;
      caps.append(...keyCaps(keys));
      row.append(name, caps);
      return row;
    }),
  );
  dialog.querySelector("[data-single-keys]").checked = singleKeys.on;
  dialog.showModal();
}

/** On a narrow screen the navigation is folded behind one button. */
function toggleNavigation(button) {
  const open = button.closest(".nav").classList.toggle("is-open");
  button.setAttribute("aria-expanded", open);
}

function onClick(event) {
  const target = event.target instanceof Element ? event.target : null;
  const folded = target?.closest("[data-nav-open]");
  if (folded) toggleNavigation(folded);
  if (target?.closest("[data-theme-switch]")) nextTheme();
  if (target?.closest("[data-keys-open]")) showKeys();
  const close = target?.closest("[data-close]");
  if (close) close.closest("dialog").close();
  const copied = target?.closest("[data-copy]");
  if (copied) copy(document.getElementById(copied.dataset.copy).textContent.trim(), "Copied");
  for (const menu of document.querySelectorAll("details.switcher[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
}

showTheme(localStorage.getItem(THEME) || "system");
// What is shown once is the answer to a form: a reload shall show the page, not send the form again.
if (document.querySelector(".secret")) history.replaceState(history.state, "", location.href);
showTimes();
for (const cap of document.querySelectorAll("[data-mod-enter]")) cap.textContent = `${MOD} ↵`;
listen();
document.addEventListener("click", onClick);
document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-single-keys]")) singleKeys.on = event.target.checked;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.switcher[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("submit", (event) => {
  const question = event.target.dataset?.confirm;
  if (question && !globalThis.confirm(question)) event.preventDefault();
});
shortcut("?", "Show these keys", showKeys);
for (const link of document.querySelectorAll("a[data-key]")) {
  shortcut(link.dataset.key, link.dataset.keyWhat, () => link.click());
}
