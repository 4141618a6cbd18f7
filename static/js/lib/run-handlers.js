// What each type of event changes in the store of a run and in its span: (store, span, payload, event). Pure.

const KEPT_LOGS = 500;

export const HANDLERS = {
  span_started(store, span, payload, event) {
    store.describe(span, payload.kind, payload.name, event.depth, event.at);
    span.seq = event.seq;
    span.data = payload.data || {};
    store.attempt(span, payload.path, payload.attempt);
    store.discount(span);
    span.preview ||= String(span.data.task || span.data.prompt || span.data.query || span.data.text || span.data.shown || "").slice(0, 200);
  },
  span_finished(store, span, payload) {
    if (payload.usage) store.spend(span, payload.usage);
    span.failure = payload.failure || null;
    span.result = payload.result ?? null;
    span.end = payload.data || {};
    store.close(span, payload.status, payload.seconds);
  },
  message(store, span, payload, event) {
    span.messages.push({ ...payload, seq: event.seq, at: event.at });
    if (payload.role !== "assistant") return;
    span.live = null;
    span.preview ||= payload.content.slice(0, 200);
  },
  code(store, span, payload) {
    span.code = payload.code;
    span.cell = payload.cell;
    span.preview ||= payload.code.slice(0, 200);
  },
  output(store, span, payload) {
    const last = span.outputs.at(-1);
    span.outputLength += payload.text.length;
    if (last && last.channel === payload.channel && !last.truncated) {
      last.parts.push(payload.text);
      last.truncated = payload.truncated;
    } else {
      span.outputs.push({ channel: payload.channel, parts: [payload.text], truncated: payload.truncated });
    }
  },
  answer(store, span, payload) {
    span.answer = payload;
  },
  budget(store, span, payload, event) {
    span.budget = payload;
    if (event.seq > store.budgetSeq) [store.budget, store.budgetSeq] = [payload, event.seq];
  },
  memory(store, span, payload, event) {
    if (store.remembered.has(event.seq)) return; // it was mentioned before the events of its span came
    store.remembered.add(event.seq);
    span.memories.push({ action: payload.action, data: payload.data });
    const isLate = store.memories.at(-1)?.seq > event.seq;
    store.memories.push({ action: payload.action, data: payload.data, span: span.id, seq: event.seq });
    if (isLate) store.memories.sort((left, right) => left.seq - right.seq);
  },
  log(store, span, payload, event) {
    const { code, path, what } = payload.data ?? {};
    if (code === "divergence") store.divergences.push({ path, what, span });
    if (span.logs.length < KEPT_LOGS) span.logs.push({ ...payload, at: event.at, after: store.gap, paused: span.logs.at(-1)?.data?.code === "paused" });
  },
};
