// Keyboard shortcuts of the page. `?` lists them; single letters can be switched off and never fire while typing.

const OFF = "rlm-keys-off";
const shortcuts = [];

/** The key that stands for Mod, as it is written on this reader's keyboard. */
export const MOD = navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl";

export const singleKeys = {
  get on() {
    return localStorage.getItem(OFF) === null;
  },
  set on(value) {
    if (value) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  },
};

/** Register one: `keys` as shown ("j", "Mod+Enter"), `what` it does; `typing` true lets it fire inside a field. */
export function shortcut(keys, what, run, { typing = false } = {}) {
  shortcuts.push({ keys, what, run, typing });
}

export function allShortcuts() {
  return [...shortcuts];
}

function nameOf(event) {
  const mod = event.metaKey || event.ctrlKey ? "Mod+" : "";
  return mod + event.key;
}

function isField(target) {
  return target instanceof Element && target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

function onKey(event) {
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]") && event.key !== "?") return;
  const name = nameOf(event);
  const typing = isField(event.target);
  for (const entry of shortcuts) {
    if (entry.keys !== name || (typing && !entry.typing)) continue;
    if (name.length === 1 && !singleKeys.on && name !== "?") continue;
    event.preventDefault();
    entry.run(event);
    return;
  }
}

export function listen(target = document) {
  target.addEventListener("keydown", onKey);
}
