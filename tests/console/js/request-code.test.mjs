import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { LONGEST_CONTEXT, literal, pythonOf, shown } from "../../../static/js/lib/request-code.js";
import { commandOf } from "../../../static/js/lib/run-curl.js";

const BODY = {
  task: 'Say "it\'s" \\ {so}\n 🦉 \u2028', model: "openai/a", use_memory: true, seed: 0, tags: ["a", 'b"c'], context: "x",
  budget: { max_steps: 3, max_cost_usd: null }, files: [],
};

/** What Python reads from a literal, as JSON. */
function read(text) {
  const program = "import ast, json, sys; print(json.dumps(ast.literal_eval(sys.stdin.read())))";
  return JSON.parse(execFileSync("python3", ["-c", program], { input: text, encoding: "utf8" }));
}

test("Python reads the literals as what they were", () => {
  assert.deepEqual(read(literal(BODY)), BODY);
  for (const value of [null, false, [], {}, [[1.5, "é\t\u0001"]], { a: { b: [] } }]) assert.deepEqual(read(literal(value)), value);
});

test("the program is Python and makes the same request", () => {
  const fake = [
    "import json, sys, types",
    "def create(**sent): print(json.dumps(sent)); raise SystemExit",
    "class OpenAI:",
    "    def __init__(self, **given): print(json.dumps(given))",
    "    chat = types.SimpleNamespace(completions=types.SimpleNamespace(create=create))",
    "sys.modules['openai'] = types.SimpleNamespace(OpenAI=OpenAI)",
  ].join("\n");
  const input = `${fake}\n${pythonOf("demo", BODY, "http://x:1")}`;
  const output = execFileSync("python3", ["-"], { input, encoding: "utf8", env: { ...process.env, RLMLAB_API_KEY: "k" } });
  const [client, request] = output.trim().split("\n").map(JSON.parse);
  assert.deepEqual(client, { base_url: "http://x:1/v1", api_key: "k", timeout: 1800 });
  const { task, ...rest } = BODY;
  assert.deepEqual(request, { model: "rlm/demo", messages: [{ role: "user", content: task }], extra_body: { rlm: rest } });
});

test("a task alone needs no extra body", () => {
  assert.doesNotMatch(pythonOf("demo", { task: "Hi." }, "http://x"), /extra_body/);
});

test("a long text is left out and said to be", () => {
  const long = shown({ task: "Hi.", context: "x".repeat(LONGEST_CONTEXT + 1) });
  assert.equal(long.cut, true);
  assert.doesNotMatch(commandOf("demo", long.body, "http://x"), /xxx|context/);
  assert.doesNotMatch(pythonOf("demo", long.body, "http://x"), /context/);
  assert.deepEqual(shown(BODY), { body: BODY, cut: false });
  assert.equal(shown({ task: "Hi." }).cut, false);
});
