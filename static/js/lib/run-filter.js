// Which spans the reader wants to see: by kind and by words. Pure.

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

/** Where things went wrong, in the order of their start. */
export function problems(store, matches) {
  const found = [...store.bad].filter((span) => isOrigin(span) && (!matches || matches(span)));
  return found.sort((left, right) => left.order - right.order);
}

/** The span behind (or, by -1, before) `id` in a list, from its end on to its beginning again. */
export function nextOf(spans, id, step = 1) {
  if (!spans.length) return null;
  const index = spans.findIndex((span) => span.id === id);
  if (index < 0) return step > 0 ? spans[0] : spans.at(-1);
  return spans[(index + step + spans.length) % spans.length];
}
