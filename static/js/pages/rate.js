// The rate panel of the run page: its keys, and the verdict in the head, which the server words.

import "../elements/rlm-rating.js";
import { shortcut } from "../lib/keys.js";

const root = document.querySelector("[data-page=run]");
const panel = root?.querySelector("rlm-rating");

async function press(value) {
  root.querySelector("[data-tab=rate]").click();
  await panel.updateComplete;
  panel.press(value);
}

/** Fetch this page again and take over what it says of the ratings now. */
async function refresh() {
  const response = await fetch(location.pathname, { credentials: "same-origin" });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector('[data-part="rated"]');
  if (fresh) root.querySelector('[data-part="rated"]').replaceWith(document.adoptNode(fresh));
}

if (panel) {
  root.addEventListener("rlm-rated", refresh);
  if (panel.hasAttribute("data-rates")) {
    shortcut("g", "Rate: right", () => press(1));
    shortcut("b", "Rate: wrong, and say what is right", () => press(0));
    shortcut("e", "Correct the answer", () => press());
  }
}
