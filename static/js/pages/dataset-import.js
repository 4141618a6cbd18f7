// The import form takes a dropped file as if it had been chosen.

import * as format from "../lib/format.js";

const form = document.querySelector("form[data-page=dataset-import]");
if (form) {
  const drop = form.querySelector("[data-part=drop]");
  const input = form.querySelector("input[type=file]");
  const show = () => {
    const file = input.files[0];
    if (file) form.querySelector("[data-part=name]").textContent = `${file.name} · ${format.bytes(file.size)}`;
  };
  input.addEventListener("change", show);
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      drop.classList.toggle("is-over", name === "dragover");
      if (name !== "drop") return;
      input.files = event.dataTransfer.files;
      show();
    });
  }
  form.addEventListener("submit", () => {
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    button.textContent = "Importing…";
  });
}
