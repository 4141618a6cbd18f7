// Turns spans into what the notebook shows of one RLM level. Pure.

import { latestOf, merged } from "./run-attempts.js";

/** A span whose own conversation can be opened: the run, or a recursive sub-call. */
export function isLevel(span) {
  if (span.kind === "run") return true;
  return span.kind === "sub_call" && (span.name.startsWith("rlm_") || span.children.some((child) => child.kind === "step"));
}

/** The level in which a span is to be looked at: itself, or the nearest above. */
export function levelOf(store, span) {
  let above = span;
  while (above && !isLevel(above)) above = store.parent(above);
  return above || store.root;
}

/** Levels from the root down to `level`, for the breadcrumb. */
export function levelPath(store, level) {
  const path = [];
  for (let above = level; above; above = store.parent(above)) if (isLevel(above)) path.unshift(above);
  return path;
}

/** The spans whose events a level's notebook and transcript show: itself, its blocks, and what a step consists of. */
export function spansOfLevel(level) {
  return [level, ...level.children.flatMap((block) => (block.kind === "step" ? [block, ...block.children] : [block]))];
}

/** The block of a level (a step, or a call beside the steps) in which a span lies; null for the level itself. */
export function blockOf(store, level, span) {
  let above = span;
  while (above && store.parent(above)?.id !== level.id) above = store.parent(above);
  return above ? latestOf(store, above) : null;
}

/** What a reply says outside its code fences; the code stands in its own cell. */
export function proseOf(reply) {
  const kept = [];
  let fence = "";
  for (const line of reply.split("\n")) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1] || "";
    if (!fence && mark) fence = mark;
    else if (fence && mark.startsWith(fence) && line.trim() === mark) fence = "";
    else if (!fence) kept.push(line);
  }
  return kept.join("\n").trim();
}

export function replyOf(modelCall) {
  const message = modelCall.messages.find((each) => each.role === "assistant");
  return message ? message.content : null;
}

/** Sub-calls of a cell, those of one function in a row together: {name, spans, failed, running, sum}. */
export function subCallGroups(span) {
  const groups = [];
  for (const child of span.children) {
    if (child.kind !== "sub_call" && child.kind !== "tool_call") continue;
    let group = groups.at(-1);
    if (!group || group.name !== child.name) {
      group = { id: child.id, name: child.name, spans: [], failed: 0, running: 0, tokens: 0, cost: 0, unpriced: 0 };
      groups.push(group);
    }
    group.spans.push(child);
    group.failed += child.status !== "ok" && child.status !== "running" ? 1 : 0;
    group.running += child.status === "running" ? 1 : 0;
    group.tokens += child.sum.input + child.sum.output;
    group.cost += child.sum.cost;
    group.unpriced += child.sum.unpriced;
  }
  return groups;
}

const NOTED = new Set(["nudge", "fallback", "repair"]);

/** A step as the notebook shows it. */
export function stepParts(step) {
  const asked = step.children.filter((child) => child.kind === "model_call");
  const calls = asked.filter((call) => call.data.purpose !== "compaction");
  const summaries = asked.filter((call) => call.data.purpose === "compaction");
  const cells = step.children.filter((child) => child.kind === "execution");
  const notes = step.messages.filter((message) => NOTED.has(message.purpose));
  const edits = step.messages.filter((message) => message.purpose === "edit");
  return { calls, cells, notes, summaries, edits };
}

/** Join an output's pieces up to `limit` characters: [text, characters left out]. */
export function shownOutput(output, limit) {
  const text = output.parts.length === 1 ? output.parts[0] : output.parts.join("");
  if (output.parts.length > 1) output.parts = [text];
  return text.length > limit ? [text.slice(0, limit), text.length - limit] : [text, 0];
}

/** The cards that must be open for a span to be seen in a level's notebook: [{group, index, id}], the outermost first. */
export function placeInBlock(store, level, span) {
  const places = [];
  for (let call = span; call && call.id !== level.id; call = store.parent(call)) {
    const cell = store.parent(call);
    if (!cell || (call.kind !== "sub_call" && call.kind !== "tool_call")) continue;
    const { id } = latestOf(store, call);
    const group = subCallGroups(merged(store, cell)).find((each) => each.spans.some((one) => one.id === id));
    if (group) places.unshift({ group: group.id, index: group.spans.findIndex((one) => one.id === id), id });
  }
  return places;
}
