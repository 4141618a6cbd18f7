// The launch form: sends the documented request, shows each error at its field, and loses nothing on the way.

import { Api } from "../lib/api.js";
import { Attachments } from "../lib/attachments.js";
import { nameOf } from "../lib/field-errors.js";
import * as format from "../lib/format.js";
import { shortcut } from "../lib/keys.js";
import { LIMITS, limitsOf, numberOf } from "../lib/limits.js";
import { placed, schemaOf } from "../lib/schema-field.js";

const SWITCHES = ["use_examples", "use_memory"];
const LARGEST_DRAFT = 2_000_000;

class LaunchForm {
  constructor(form) {
    this.form = form;
    this.project = form.dataset.project;
    this.draftKey = `rlm-draft-${form.dataset.organization}-${this.project}`;
    this.part = (name) => form.querySelector(`[data-part="${name}"]`);
    this.api = Api.ofPage();
    this.files = new Attachments({
      api: this.api,
      project: this.project,
      list: this.part("files"),
      changed: () => this.changed(),
    });
    this.key = crypto.randomUUID();
  }

  start() {
    this.restore();
    const { form } = this;
    form.addEventListener("input", () => this.changed());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.launch();
    });
    const drop = this.part("drop");
    const input = drop.querySelector("input[type=file]");
    input.addEventListener("change", () => {
      this.files.add(input.files);
      input.value = "";
    });
    for (const name of ["dragover", "dragleave", "drop"]) {
      form.addEventListener(name, (event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        drop.classList.toggle("is-over", name === "dragover");
        if (name === "drop") this.files.add(event.dataTransfer.files);
      });
    }
    shortcut("Mod+Enter", "Launch", () => form.requestSubmit(), { typing: true });
    this.changed();
  }

  field(name) {
    return this.form.elements.namedItem(name);
  }

  listed(name) {
    return this.field(name).value.split(",").map((part) => part.trim()).filter(Boolean);
  }

  /** The request's body, with what was left empty left out. */
  body() {
    const body = { task: this.field("task").value };
    for (const name of ["model", "sub_model", "mode", "environment", "prompt"]) {
      const value = this.field(name).value.trim();
      if (value) body[name] = value;
    }
    for (const name of SWITCHES) if (this.field(name).checked) body[name] = true;
    const tools = [...this.form.querySelectorAll("[data-tool]:checked")].map((box) => box.dataset.tool);
    if (tools.length) body.tools = tools;
    if (this.field("context").value) body.context = this.field("context").value;
    const files = this.files.ids();
    if (files.length) body.files = files;
    const seed = this.field("seed").value.trim();
    if (seed) body.seed = numberOf(seed);
    const priority = this.field("priority").value.trim();
    if (priority) body.priority = numberOf(priority);
    const tags = this.listed("tags");
    if (tags.length) body.tags = tags;
    const fallbacks = this.listed("fallback_models");
    if (fallbacks.length) body.fallback_models = fallbacks;
    const depths = this.field("depth_models").value.split(",").map((name) => name.trim());
    if (depths.some(Boolean)) body.depth_models = depths;
    const schema = schemaOf(this.field("response_schema").value).value;
    if (schema) body.response_schema = schema;
    const budget = limitsOf((name) => this.field(name).value);
    if (budget) body.budget = budget;
    return body;
  }

  changed() {
    const pasted = new Blob([this.field("context").value]).size;
    const size = pasted + this.files.size;
    this.part("size").textContent = size
      ? `Input: ${format.bytes(size)}, about ${format.tokens(format.estimatedTokens(size))} tokens. It stays in the sandbox; the model reads what its code looks at.`
      : "No input yet. A run may also have none.";
    this.part("launch").disabled = this.files.busy;
    this.part("launch-word").textContent = this.files.busy ? "Uploading…" : "Launch";
    this.form.dispatchEvent(new CustomEvent("rlm-request", { detail: this.body() }));
    this.keep();
  }

  // ---- draft

  keep() {
    const draft = { values: {}, files: this.files.items.filter((item) => item.id).map(({ id, name, size }) => ({ id, name, size })) };
    for (const element of this.form.elements) if (element.name && element.type !== "file") draft.values[element.name] = element.type === "checkbox" ? element.checked : element.value;
    const text = JSON.stringify(draft);
    if (text.length > LARGEST_DRAFT) draft.values.context = "";
    sessionStorage.setItem(this.draftKey, text.length > LARGEST_DRAFT ? JSON.stringify(draft) : text);
  }

  restore() {
    const stored = sessionStorage.getItem(this.draftKey);
    if (!stored) return;
    const { values, files } = JSON.parse(stored);
    for (const [name, value] of Object.entries(values)) {
      const element = this.field(name);
      if (typeof value === "boolean" && element) element.checked = value;
      else if (element && "value" in element) element.value = value;
    }
    this.files.restore(files);
    const optional = this.form.querySelector(".launch-limits");
    this.form.querySelector(".launch-schema").open = Boolean(this.field("response_schema").value);
    if (LIMITS.some((name) => this.field(`budget.${name}`).value)) optional.open = true;
  }

  // ---- launch

  async launch() {
    this.clearErrors();
    if (!this.field("task").value.trim()) {
      this.showErrors(new Map([["task", "Say what the run shall find out or do."]]));
      return;
    }
    if (this.files.failed) {
      this.showErrors(new Map([["files", "A file could not be uploaded. Remove it, or drop it again."]]));
      return;
    }
    const { problem } = schemaOf(this.field("response_schema").value);
    if (problem) {
      this.showErrors(new Map([["response_schema", problem]]));
      return;
    }
    const button = this.part("launch");
    button.disabled = true;
    this.part("launch-word").textContent = "Launching…";
    try {
      const run = await this.api.startRun(this.project, this.body(), this.key);
      sessionStorage.removeItem(this.draftKey);
      location.assign(`/runs/${run.id}`);
    } catch (error) {
      // No answer: the run may have started, and the same key finds it. Refused: another attempt is another request.
      if (error.status) this.key = crypto.randomUUID();
      button.disabled = false;
      this.part("launch-word").textContent = "Launch";
      this.showErrors(error.fields, error.message);
    }
  }

  clearErrors() {
    this.part("problem").hidden = true;
    for (const place of this.form.querySelectorAll("[data-error-for]")) place.textContent = "";
    for (const element of this.form.querySelectorAll("[aria-invalid]")) element.removeAttribute("aria-invalid");
  }

  /** Put each message at its field, what has no field above the button, and the cursor at the first wrong one. */
  showErrors(fields, detail = "") {
    let first = null;
    let homeless = fields?.size ? "" : detail;
    for (const [path, message] of fields || []) {
      const name = nameOf(path);
      const place = this.form.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
      const element = this.field(name);
      if (!place) {
        homeless += `${path}: ${message} `;
        continue;
      }
      place.textContent = name === "response_schema" ? placed(path, message) : message;
      place.closest("details")?.setAttribute("open", "");
      if (!element) continue;
      element.setAttribute("aria-invalid", "true");
      first ??= element;
    }
    this.part("problem").hidden = !homeless;
    this.part("problem-text").textContent = homeless;
    (first || this.part("problem")).focus?.();
  }
}

const form = document.querySelector("form[data-page=launch]");
if (form) new LaunchForm(form).start();
