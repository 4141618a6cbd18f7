// The launch form's switches for what was learnt before: while the task is typed, which examples it would get.

import { Api } from "../lib/api.js";
import { preview } from "../lib/text.js";

const AFTER_MS = 350;
const READ = 2_000; // characters of the task that decide

class ExamplePreview {
  constructor(form) {
    this.form = form;
    this.task = form.elements.namedItem("task");
    this.box = form.elements.namedItem("use_examples");
    this.place = form.querySelector("[data-part=chosen]");
    this.api = Api.ofPage();
  }

  start() {
    this.task.addEventListener("input", () => this.soon());
    this.box.addEventListener("change", () => this.show());
    this.soon();
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.show(), AFTER_MS);
  }

  async show() {
    const task = this.task.value.trim().slice(0, READ);
    this.asked?.abort();
    this.asked = new AbortController();
    if (!this.box.checked || !task || this.box.dataset.examples === "0") {
      this.place.hidden = true;
      return;
    }
    try {
      const path = `projects/${this.form.dataset.project}/examples/preview?task=${encodeURIComponent(task)}`;
      this.tell((await this.api.get(path, { signal: this.asked.signal })).items);
    } catch (error) {
      if (error.name !== "AbortError") this.place.hidden = true; // the run gets its examples all the same
    }
  }

  tell(items) {
    const lead = document.createElement("p");
    lead.className = "hint";
    lead.textContent = items.length ? "This task would get:" : "No example fits this task yet.";
    const list = document.createElement("ol");
    list.className = "launch-examples";
    list.append(...[...items].reverse().map((item) => this.line(item)));
    this.place.replaceChildren(lead, ...(items.length ? [list] : []));
    this.place.hidden = false;
  }

  line({ id, task, reason }) {
    const line = document.createElement("li");
    const link = document.createElement("a");
    const why = document.createElement("span");
    link.href = `/o/${this.form.dataset.organization}/p/${this.form.dataset.project}/examples/${id}`;
    link.target = "_blank";
    link.textContent = preview(task, 120);
    why.className = "hint";
    why.textContent = ` ${reason}`;
    line.append(link, why);
    return line;
  }
}

const form = document.querySelector("form[data-page=launch]");
if (form) new ExamplePreview(form).start();
