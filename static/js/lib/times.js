// Times in the reader's own zone.

import { ago, dateTime, time } from "./format.js";

/** Write each <time> below `root` as its `data-as` asks; the title names date and zone. */
export function showTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const value = element.getAttribute("datetime");
    const shape = { clock: time, full: dateTime }[element.dataset.as] || ago;
    element.textContent = shape(value);
    element.title = dateTime(value);
  }
}
