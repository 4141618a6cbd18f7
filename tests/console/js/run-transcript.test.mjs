import assert from "node:assert/strict";
import { test } from "node:test";

import { RunStore } from "../../../static/js/lib/run-store.js";
import { asRequest, conversationOf, requestOf, speakerOf, speaking } from "../../../static/js/lib/run-transcript.js";
import { Events } from "./events.mjs";

/** Two steps, a plain and a recursive sub-call in the first, a fallback after the second. */
function run() {
  const events = new Events();
  const say = (span, parent, role, content, purpose) => events.add("message", span, { role, content, purpose }, { parent });
  const call = (id, parent, content) => {
    events.start(id, "model_call", { parent });
    say(id, parent, "assistant", content, "reply");
    events.finish(id, "model_call", { parent });
  };
  events.start("run", "run");
  say("run", null, "system", "You use a REPL.", "system");
  say("run", null, "user", "Count.", "task");
  events.start("s1", "step", { parent: "run" });
  call("m1", "s1", "First reply");
  events.start("x1", "execution", { parent: "s1" });
  events.start("llm", "sub_call", { parent: "x1", name: "llm_query" });
  say("llm", "x1", "user", "A question", "prompt");
  call("mllm", "llm", "Its answer");
  events.start("rlm", "sub_call", { parent: "x1", name: "rlm_query" });
  say("rlm", "x1", "user", "A deeper task", "task");
  events.start("s2", "step", { parent: "rlm" });
  call("m2", "s2", "Deep reply");
  say("s1", "run", "user", "It printed 1", "observation");
  events.start("s3", "step", { parent: "run" });
  call("m3", "s3", "Second reply");
  say("s3", "run", "user", "It printed 2", "observation");
  say("run", null, "user", "Best answer so far?", "fallback");
  call("f", "run", "42");
  return events;
}

function stored(events) {
  const store = new RunStore();
  for (const event of events.all) store.apply(event);
  return store;
}

const texts = (messages) => messages.map((message) => message.content);

test("a level's conversation is in order and its own", () => {
  const store = stored(run());
  assert.deepEqual(texts(conversationOf(store.root)), [
    "You use a REPL.", "Count.", "First reply", "It printed 1", "Second reply", "It printed 2", "Best answer so far?", "42",
  ]);
  assert.deepEqual(texts(conversationOf(store.spans.get("rlm"))), ["A deeper task", "Deep reply"]);
  assert.deepEqual(texts(conversationOf(store.spans.get("llm"))), ["A question", "Its answer"]);
  const [first] = conversationOf(store.root);
  assert.deepEqual([first.seq, first.at, first.span.id], [2, "2026-01-01T00:00:02.000Z", "run"]);
});

test("a call was sent what was said before it in its conversation", () => {
  const store = stored(run());
  const sent = (id) => texts(requestOf(store, store.spans.get(id)));
  assert.deepEqual(sent("m1"), ["You use a REPL.", "Count."]);
  assert.deepEqual(sent("m3"), ["You use a REPL.", "Count.", "First reply", "It printed 1"]);
  assert.deepEqual(sent("mllm"), ["A question"]);
  assert.deepEqual(sent("m2"), ["A deeper task"]);
  assert.equal(sent("f").at(-1), "Best answer so far?");
  assert.equal(speakerOf(store, store.spans.get("mllm")).id, "llm");
});

test("a request joins messages of one role as the engine does", () => {
  const messages = [["system", "a"], ["user", "b"], ["assistant", "c"], ["user", "d"], ["user", "e"]].map(([role, content]) => ({ role, content, seq: 1 }));
  assert.deepEqual(asRequest(messages), [
    { role: "system", content: "a" },
    { role: "user", content: "b" },
    { role: "assistant", content: "c" },
    { role: "user", content: "d\n\ne" },
  ]);
});

test("the call that writes now is the open one of the last step", () => {
  const events = run();
  assert.equal(speaking(stored(events).root), null);
  events.start("s4", "step", { parent: "run" });
  assert.equal(speaking(stored(events).root), null);
  events.start("m4", "model_call", { parent: "s4" });
  assert.equal(speaking(stored(events).root).id, "m4");
  events.add("message", "m4", { role: "assistant", content: "done", purpose: "reply" }, { parent: "s4" });
  assert.equal(speaking(stored(events).root), null);
  assert.equal(speaking(new RunStore().place("x")), null);
});

test("a summary stands in the conversation once, and only its own call was sent what asks for it", () => {
  const events = run();
  const sumUp = (step, id, content) => {
    events.add("message", step, { role: "user", content: "Sum up", purpose: "summarise" }, { parent: "run" });
    events.start(id, "model_call", { parent: step, data: { purpose: "compaction" } });
    events.add("message", id, { role: "assistant", content, purpose: "reply" }, { parent: step });
    events.finish(id, "model_call", { parent: step });
    events.add("message", step, { role: "user", content: `Summed up: ${content}`, purpose: "summary" }, { parent: "run" });
  };
  sumUp("s1", "h1", "first");
  sumUp("s3", "h3", "second");
  events.start("s5", "step", { parent: "run" });
  events.start("m5", "model_call", { parent: "s5" });
  const store = stored(events);
  const said = texts(conversationOf(store.root));
  assert.deepEqual(said.slice(-4), ["Sum up", "Summed up: first", "Sum up", "Summed up: second"]);
  const sent = (id) => texts(requestOf(store, store.spans.get(id)));
  assert.deepEqual(sent("h3").slice(-2), ["Summed up: first", "Sum up"]);
  assert.deepEqual(sent("m5").filter((text) => text.startsWith("Sum")), ["Summed up: second"]);
});

test("calls of tools and their results go to a provider one by one", () => {
  const call = { id: "a", name: "grep", arguments: '{"pattern":"x"}' };
  const messages = [
    { role: "user", content: "Find x." },
    { role: "assistant", content: "", tool_calls: [call] },
    { role: "tool", content: "one", tool_call_id: "a" },
    { role: "tool", content: "two", tool_call_id: "b" },
    { role: "user", content: "[Budget left]" },
  ];
  assert.deepEqual(asRequest(messages), [
    { role: "user", content: "Find x." },
    { role: "assistant", content: "", tool_calls: [{ id: "a", type: "function", function: { name: "grep", arguments: '{"pattern":"x"}' } }] },
    { role: "tool", tool_call_id: "a", content: "one" },
    { role: "tool", tool_call_id: "b", content: "two" },
    { role: "user", content: "[Budget left]" },
  ]);
});
