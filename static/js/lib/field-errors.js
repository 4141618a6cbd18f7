// Puts what the server says of a form's fields at the fields.

/** body.budget.max_steps → budget.max_steps; tags.0 → tags */
export function nameOf(path) {
  const name = path.replace(/^body\./, "");
  return name.startsWith("budget.") ? name : name.split(".")[0];
}

export function clearErrors(form) {
  const problem = form.querySelector('[data-part="problem"]');
  problem.hidden = true;
  for (const place of form.querySelectorAll("[data-error-for]")) place.textContent = "";
  for (const element of form.querySelectorAll("[aria-invalid]")) element.removeAttribute("aria-invalid");
}

/** Each message at its field, what has no field in the form's own place, and the cursor at the first wrong one. */
export function showErrors(form, error) {
  const homeless = error.fields?.size ? [] : [error.message];
  let first = null;
  for (const [path, message] of error.fields || []) {
    const name = nameOf(path);
    const place = form.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
    if (!place) {
      homeless.push(`${path}: ${message}`);
      continue;
    }
    place.textContent = message;
    place.closest("details")?.setAttribute("open", "");
    const element = form.elements.namedItem(name);
    element?.setAttribute("aria-invalid", "true");
    first ??= element;
  }
  const problem = form.querySelector('[data-part="problem"]');
  problem.hidden = !homeless.length;
  problem.textContent = homeless.join(" ");
  (first || problem).focus();
}
