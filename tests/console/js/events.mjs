// Builders of events as they stand on the wire.

export class Events {
  constructor() {
    this.seq = 0;
    this.all = [];
  }

  add(type, span, payload, { parent = null, depth = 0 } = {}) {
    this.seq += 1;
    const at = new Date(Date.UTC(2026, 0, 1) + this.seq * 1000).toISOString();
    const event = { seq: this.seq, at, span_id: span, parent_span_id: parent, depth, type, payload };
    this.all.push(event);
    return event;
  }

  start(span, kind, { parent = null, depth = 0, name = kind, data = {}, path = span, attempt = 1 } = {}) {
    return this.add("span_started", span, { kind, name, path, attempt, data }, { parent, depth });
  }

  finish(span, kind, { parent = null, depth = 0, status = "ok", usage = null, result = null, data = {} } = {}) {
    const payload = { kind, status, seconds: 1.5, usage, failure: null, result, data };
    return this.add("span_finished", span, payload, { parent, depth });
  }
}

/** A run whose worker was lost in the cell of its first step: a call was paid, a sub-call answered, the cell runs again. */
export function takenUpRun() {
  const events = new Events();
  events.start("run", "run", { path: "", data: { task: "How many?" } });
  events.start("s1", "step", { parent: "run", path: "1", data: { number: 1 } });
  events.start("m1", "model_call", { parent: "s1", path: "1/m" });
  events.add("message", "m1", { role: "assistant", content: "Look.", purpose: "reply" }, { parent: "s1" });
  events.finish("m1", "model_call", { parent: "s1", usage: usage(100, 20, 0.02) });
  events.start("x1", "execution", { parent: "s1", path: "1/x", data: { cell: 1 } });
  events.add("code", "x1", { cell: 1, code: "x = 1" }, { parent: "s1" });
  events.start("q1", "sub_call", { parent: "x1", path: "1/1", name: "llm_query" });
  events.finish("q1", "sub_call", { parent: "x1", result: "seen" });
  events.add("output", "x1", { channel: "stdout", text: "one ", truncated: false }, { parent: "s1" });
  events.add("log", "run", { level: "info", message: "again", data: { code: "taken_up" } });
  events.finish("x1", "execution", { parent: "s1", status: "interrupted" });
  events.finish("s1", "step", { parent: "run", status: "interrupted" });
  events.add("log", "run", { level: "warning", message: "d", data: { code: "divergence", path: "1/m", what: "another reply" } });
  events.start("s1b", "step", { parent: "run", path: "1", attempt: 2, data: { number: 1 } });
  events.start("x1b", "execution", { parent: "s1b", path: "1/x", attempt: 2, data: { cell: 1 } });
  events.add("code", "x1b", { cell: 1, code: "x = 1" }, { parent: "s1b" });
  events.start("q2", "sub_call", { parent: "x1b", path: "1/2", name: "llm_query" });
  events.finish("q2", "sub_call", { parent: "x1b", result: "seen" });
  events.add("output", "x1b", { channel: "stdout", text: "one two", truncated: false }, { parent: "s1b" });
  events.finish("x1b", "execution", { parent: "s1b" });
  events.finish("s1b", "step", { parent: "run" });
  return events.all;
}

/** A usage of `input` and `output` tokens at a cost; null: unpriced. */
export function usage(input, output, cost_usd = 0.01) {
  return { input_tokens: input, cached_tokens: 0, output_tokens: output, reasoning_tokens: 0, cost_usd, estimated: false };
}

/** A run of one step: a model call, a cell with two llm_query calls (the second fails), an answer. */
export function smallRun() {
  const events = new Events();
  events.start("run", "run", { name: "run", data: { task: "How many?" } });
  events.add("message", "run", { role: "user", content: "How many?", purpose: "task" });
  events.start("s1", "step", { parent: "run", name: "1", data: { number: 1 } });
  events.start("m1", "model_call", { parent: "s1", data: { model: "openai/a", purpose: "step" } });
  events.add("message", "m1", { role: "assistant", content: "Look:\n```repl\nx = 1\n```\n", purpose: "reply" }, { parent: "s1" });
  events.finish("m1", "model_call", { parent: "s1", usage: usage(100, 20, 0.02) });
  events.start("x1", "execution", { parent: "s1", data: { cell: 1 } });
  events.add("code", "x1", { cell: 1, code: "x = 1" }, { parent: "s1" });
  for (const [id, status, cost] of [["q1", "ok", 0.01], ["q2", "error", 0.03]]) {
    events.start(id, "sub_call", { parent: "x1", depth: 1, name: "llm_query", data: { function: "llm_query", prompt: `ask ${id}` } });
    events.start(`m${id}`, "model_call", { parent: id, depth: 1, data: { model: "openai/a", purpose: "sub_call" } });
    events.finish(`m${id}`, "model_call", { parent: id, depth: 1, usage: usage(10, 5, cost) });
    events.finish(id, "sub_call", { parent: "x1", depth: 1, status, result: "seen" });
  }
  events.add("output", "x1", { channel: "stdout", text: "one ", truncated: false }, { parent: "s1" });
  events.add("output", "x1", { channel: "stdout", text: "two", truncated: false }, { parent: "s1" });
  events.add("output", "x1", { channel: "stderr", text: "careful", truncated: false }, { parent: "s1" });
  events.finish("x1", "execution", { parent: "s1" });
  events.add("budget", "s1", { spent: { max_tokens: 150 }, limits: { max_tokens: 1000 }, exhausted: null }, { parent: "run" });
  events.finish("s1", "step", { parent: "run" });
  events.add("answer", "run", { content: "42", dialect: "answer" });
  events.finish("run", "run", { data: { finish_reason: "submitted" } });
  return events.all;
}
