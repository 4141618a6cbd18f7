// What spans cost: self (the calls of this level) and subtree (with all sub-calls below). Pure.

/** Tokens in disjoint buckets, and their total. */
export function bucketsOf(spent) {
  return {
    input: spent.input - spent.cached - spent.written,
    cached: spent.cached,
    written: spent.written,
    output: spent.output - spent.reasoning,
    reasoning: spent.reasoning,
    total: spent.input + spent.output,
  };
}

/** Dollars; null where some price is unknown. */
export function costOf(spent) {
  return spent.unpriced ? null : spent.cost;
}

/** What a run is weighed by: dollars where every price is known and something was paid, else tokens. */
export function weightOf(root) {
  return root && !root.sum.unpriced && root.sum.cost > 0 ? "cost" : "tokens";
}

function weigh(spent, weight) {
  return weight === "cost" ? spent.cost : spent.input + spent.output;
}

/** The share of the run's whole that a span and everything below it spent: 0 to 1. */
export function shareOf(span, root) {
  const weight = weightOf(root);
  const whole = root ? weigh(root.sum, weight) : 0;
  return whole > 0 ? Math.min(1, weigh(span.sum, weight) / whole) : 0;
}

/** Model calls that spent something, the costliest first; equal ones in their order. */
export function costliest(store) {
  const weight = weightOf(store.root);
  const calls = [...store.spans.values()].filter((span) => span.kind === "model_call" && weigh(span.own, weight) > 0);
  return calls.sort((left, right) => weigh(right.own, weight) - weigh(left.own, weight));
}

const MILLION = 1_000_000;

/** A price snapshot in dollars for a million tokens: {input, cached, written, output}; null: not known. */
export function pricePerMillion(price) {
  if (!price) return null;
  const [input, output] = [price.input_usd * MILLION, price.output_usd * MILLION];
  const or = (usd) => (typeof usd === "number" ? usd * MILLION : input);
  return { input, cached: or(price.cached_input_usd), written: or(price.cache_write_usd), output };
}
