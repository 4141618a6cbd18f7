// Short messages at the corner, read aloud by screen readers.

import { icon } from "./icons.js";

function region() {
  let element = document.querySelector(".toasts");
  if (!element) {
    element = document.createElement("div");
    element.className = "toasts";
    element.setAttribute("role", "status");
    document.body.append(element);
  }
  return element;
}

/** Show `text` for some seconds; `tone` is "ok" or "bad". */
export function notify(text, tone = "ok") {
  const toast = document.createElement("div");
  toast.className = `toast toast-${tone}`;
  const words = document.createElement("div");
  words.textContent = text;
  toast.append(icon(tone === "ok" ? "check" : "alert"), words);
  region().append(toast);
  setTimeout(() => toast.remove(), tone === "ok" ? 4000 : 9000);
}

/** Copy to the clipboard and say so. */
export async function copy(text, what = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
    notify(what);
  } catch {
    notify("The browser does not allow copying here", "bad");
  }
}
