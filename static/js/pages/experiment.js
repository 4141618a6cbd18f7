// What the server sends while an experiment goes on gets its times in the reader's zone; how the table was scrolled stays.

import { showTimes } from "../lib/times.js";

let scrolled = [];

function tables() {
  return [...document.querySelectorAll("#results .table-wrap")];
}

document.addEventListener("htmx:beforeSwap", () => {
  scrolled = tables().map((table) => table.scrollLeft);
});
document.addEventListener("htmx:afterSwap", () => {
  showTimes(document.getElementById("results"));
  for (const [index, table] of tables().entries()) table.scrollLeft = scrolled[index] ?? 0;
});
