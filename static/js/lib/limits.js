// The limits of a run in a form whose fields are called budget.max_….

export const LIMITS = ["max_tokens", "max_cost_usd", "max_seconds", "max_depth", "max_steps", "max_sub_calls"];

/** What is no number goes as it was typed, so that the server can say what is wrong with it. */
export function numberOf(text) {
  const number = Number(text.replaceAll(",", ""));
  return Number.isFinite(number) ? number : text;
}

/** The limits that were filled in; null: none. `value(name)` gives what stands in a field. */
export function limitsOf(value) {
  const given = LIMITS.map((name) => [name, value(`budget.${name}`).trim()]).filter(([, text]) => text);
  return given.length ? Object.fromEntries(given.map(([name, text]) => [name, numberOf(text)])) : null;
}
