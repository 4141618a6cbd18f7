// Which spans the reader wants to see: by kind and by words. Pure.

import { isReplaced } from "./run-attempts.js";
import { isOrigin } from "./run-tree.js";
import { spanName } from "./span-names.js";

/** Whether a span has these words (lower case) in its name, its preview or its code. */
function says(span, words) {
  return [spanName(span), span.name, span.preview, span.code].some((text) => text && text.toLowerCase().includes(words));
}

/** A predicate over spans; null where everything is wanted. */
export function matcher({ kind = "", find = "" } = {}) {
  const words = find.trim().toLowerCase();
  if (!kind && !words) return null;
  return (span) => (!kind || span.kind === kind) && (!words || says(span, words));
}

/** Spans that match, in the order of their start. */
export function spansThat(store, matches) {
  const all = [...store.spans.values()];
  return matches ? all.filter(matches) : all;
}

/** Spans that came out otherwise than they are on record → what differed, each. */
export function diverged(store) {
  const found = new Map();
  for (const { path, what, span } of store.divergences) {
    const place = store.paths.get(path)?.at(-1) ?? span;
    found.set(place, [...(found.get(place) ?? []), what]);
  }
  return found;
}

/** Where things went wrong or otherwise than before, in the order of their start. */
export function problems(store, matches) {
  const wrong = [...store.bad].filter((span) => isOrigin(span) && !isReplaced(store, span));
  const found = [...new Set([...wrong, ...diverged(store).keys()])].filter((span) => !matches || matches(span));
  return found.sort((left, right) => left.order - right.order);
}

/** The span behind (or, by -1, before) `id` in a list, from its end on to its beginning again. */
export function nextOf(spans, id, step = 1) {
  if (!spans.length) return null;
  const index = spans.findIndex((span) => span.id === id);
  if (index < 0) return step > 0 ? spans[0] : spans.at(-1);
  return spans[(index + step + spans.length) % spans.length];
}
