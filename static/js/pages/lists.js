// Lists that are searched in place: times of new rows in the reader's zone, `/` to search.

import { shortcut } from "../lib/keys.js";
import { showTimes } from "../lib/times.js";

document.addEventListener("htmx:afterSwap", () => showTimes());
shortcut("/", "Search", () => document.querySelector("input[type=search]").focus());
