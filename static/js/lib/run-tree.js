// The visible rows of the recursion tree. Pure, iterative: one pass over what is unfolded, whatever the depth.

import { latestOf, merged } from "./run-attempts.js";

const MANY = 12;

/** Whether a span stands open before anybody touched it: steps do, a large batch and finished sub-calls do not. */
export function openByDefault(span) {
  if (span.kind === "run" || span.kind === "step") return true;
  if (span.kind === "execution") return span.children.length <= MANY;
  return span.kind === "sub_call" && span.status === "running" && span.children.some((child) => child.kind === "step");
}

export function isBad(span) {
  return span.status === "error" || span.status === "refused" || span.status === "interrupted";
}

/** Whether a span went wrong by itself, not only because one below it did. */
export function isOrigin(span) {
  const isCause = ({ failure }) => !span.failure || (failure?.code === span.failure.code && failure.message === span.failure.message);
  return isBad(span) && !span.children.some((child) => isBad(child) && isCause(child));
}

/** Spans that match, and everything above them. */
function waysTo(store, matches) {
  const kept = new Set();
  for (const span of store.spans.values()) {
    if (!matches(span)) continue;
    kept.add(span.id);
    for (let above = latestOf(store, span); above; above = store.parent(above)) kept.add(above.id);
  }
  return kept;
}

/**
 * Rows from top to bottom: {span, level, open, leaf}; earlier attempts stand folded under the one that replaced them. `toggled` maps span ids to true (open) or false (closed);
 * `matches` keeps the spans that it accepts and the ways to them, which then stand open.
 */
export function visibleRows(store, { toggled = new Map(), matches = null } = {}) {
  const rows = [];
  if (!store.root) return rows;
  const kept = matches ? waysTo(store, matches) : null;
  const work = [[merged(store, store.root), 0, false]];
  while (work.length) {
    const [span, level, isOld] = work.pop();
    if (kept && !kept.has(span.id)) continue;
    const below = isOld ? [] : [...span.replaced, ...span.children];
    const leaf = !below.some((child) => !kept || kept.has(child.id));
    const open = !leaf && (toggled.get(span.id) ?? (kept ? true : openByDefault(span)));
    rows.push({ span, level, open, leaf });
    if (!open) continue;
    for (let index = below.length - 1; index >= 0; index -= 1) work.push([below[index], level + 1, index < span.replaced.length]);
  }
  return rows;
}

/** Open every ancestor of a span, so that its row shows. */
export function reveal(store, span, toggled) {
  const next = new Map(toggled);
  for (let above = store.parent(span); above; above = store.parent(above)) next.set(above.id, true);
  return next;
}

/**
 * The window of a fixed-height list: first row, row after the last, with some rows on either side. Both go on by `step`
 * rows, so that most of the frames of a scroll change nothing.
 */
export function windowOf(scrollTop, height, rowHeight, length, { margin = 12, step = 1 } = {}) {
  const first = Math.max(0, Math.floor((Math.floor(scrollTop / rowHeight) - margin) / step) * step);
  const last = Math.min(length, Math.ceil((Math.ceil((scrollTop + height) / rowHeight) + margin) / step) * step);
  return [first, Math.max(first, last)];
}
