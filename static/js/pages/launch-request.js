// Shows the launch form's request as code, as it is filled in.

import { pythonOf, shown } from "../lib/request-code.js";
import { commandOf } from "../lib/run-curl.js";

const form = document.querySelector("form[data-page=launch]");
const place = form?.querySelector("[data-part=request]");

function show({ detail }) {
  const { body, cut } = shown(detail);
  const { project } = form.dataset;
  place.querySelector("#request-curl").textContent = commandOf(project, body, location.origin);
  place.querySelector("#request-python").textContent = pythonOf(project, body, location.origin);
  place.querySelector("[data-part=request-cut]").hidden = !cut;
}

if (place) form.addEventListener("rlm-request", show);
