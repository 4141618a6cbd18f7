// The conversation of one RLM level, or of a plain sub-call, in its order. Pure.

import { merged } from "./run-attempts.js";
import { isLevel } from "./run-cells.js";

/** The span that holds the start of the conversation in which a model call was made. */
export function speakerOf(store, call) {
  let above = store.parent(call);
  while (above && !isLevel(above) && above.kind !== "sub_call") above = store.parent(above);
  return above || store.root;
}

/** Whether a span is a model call whose reply is part of the conversation; a summary's reply stands in its own message. */
function speaks(span) {
  return span.kind === "model_call" && span.data.purpose !== "compaction";
}

/** All messages of a level: those it began with, replies, observations: {seq, at, role, purpose, content, span}. */
export function conversationOf(level) {
  const found = [];
  const take = (span) => {
    for (const message of span.messages) found.push({ ...message, span });
  };
  take(level);
  for (const child of level.children) {
    take(child);
    if (child.kind === "step") child.children.filter(speaks).forEach(take);
  }
  return found.sort((left, right) => left.seq - right.seq);
}

/** The model call of a level that is writing now, or null. */
export function speaking(level) {
  const last = level.children.at(-1);
  if (!last) return null;
  const calls = last.kind === "step" ? last.children : [last];
  return calls.find((span) => span.kind === "model_call" && span.status === "running" && !span.messages.length) || null;
}

/** What a model call was sent: everything said in its conversation before it began; of summaries, the last one. */
export function requestOf(store, call) {
  const said = conversationOf(merged(store, speakerOf(store, call))).filter((message) => message.seq < call.seq);
  const last = said.findLast((message) => message.purpose === "summary");
  const asks = call.data.purpose === "compaction" ? said.findLast((message) => message.purpose === "summarise") : null;
  return said.filter((message) => (message.purpose !== "summary" || message === last) && (message.purpose !== "summarise" || message === asks));
}

/** The same as a provider takes it: messages of one role in a row are one, but for those of tools. */
export function asRequest(messages) {
  const joined = [];
  for (const { role, content, tool_calls: calls = [], tool_call_id: id } of messages) {
    const last = joined.at(-1);
    if (role === "tool") joined.push({ role, tool_call_id: id, content });
    else if (calls.length) joined.push({ role, content, tool_calls: calls.map(asToolCall) });
    else if (last && last.role === role) last.content += `\n\n${content}`;
    else joined.push({ role, content });
  }
  return joined;
}

function asToolCall({ id, name, arguments: given }) {
  return { id, type: "function", function: { name, arguments: given } };
}
