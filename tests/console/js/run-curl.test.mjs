import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { curlOf, quoted, requestBody } from "../../../static/js/lib/run-curl.js";

const RUN = {
  id: "1", project: "demo", task: "Count.", model: "openai/a", sub_model: null, environment: "restricted", seed: 0,
  response_schema: null, tags: [], title: "", status: "failed", totals: { steps: 3 }, last_seq: 9,
  budget: { max_tokens: 1000, max_cost_usd: null, max_seconds: 1.5 },
};
const HOSTILE = [
  "it's", `"double" and 'single' and \\back\\slash\\`, "two\nlines\n", "$HOME ${HOME} $(touch /tmp/owned) `touch /tmp/owned`",
  "!! !$ ; | & > /tmp/owned # no comment", "'; touch /tmp/owned; '", "tab\tand nul \u0001 and é 🦉 \u2028", "-d @/etc/passwd", "''''", "\\'", "%s %n",
];

/** The arguments that a program named curl gets when bash runs the command. */
function argumentsOf(command) {
  const script = `curl() { printf '%s\\0' "$@"; }\n${command}`;
  const env = { PATH: process.env.PATH, RLMLAB_API_KEY: "rlm_of_the_shell" };
  return execFileSync("bash", ["-c", script], { env, encoding: "utf8" }).split("\0").slice(0, -1);
}

test("only what was asked for is asked again", () => {
  assert.deepEqual(requestBody(RUN), {
    task: "Count.", model: "openai/a", environment: "restricted", seed: 0, budget: { max_tokens: 1000, max_seconds: 1.5 },
  });
});

test("mode and models by depth are asked for again", () => {
  const body = requestBody({ ...RUN, mode: "repl", depth_models: ["openai/a", ""], mode_reason: "it went better here" });
  assert.equal(body.mode, "repl");
  assert.deepEqual(body.depth_models, ["openai/a", ""]);
  assert.equal("mode_reason" in body, false);
});

test("the same prompt version, examples, memory and fallback models are asked for", () => {
  const body = requestBody({
    ...RUN, prompt: { name: "system", version: 3 }, use_examples: true, use_memory: false, fallback_models: [],
  });
  assert.equal(body.prompt, "system@3");
  assert.equal(body.use_examples, true);
  assert.equal("use_memory" in body, false);
  assert.deepEqual(body.fallback_models, []);
  assert.equal("priority" in requestBody({ ...RUN, priority: 0 }), false);
  assert.equal(requestBody({ ...RUN, priority: -5 }).priority, -5);
});

test("bash hands curl the address, the shell's own key and the body", () => {
  const given = argumentsOf(curlOf({ ...RUN, tags: ["night"], sub_model: "openai/b" }, "http://127.0.0.1:8000"));
  assert.deepEqual(given.slice(0, -1), [
    "--fail-with-body", "http://127.0.0.1:8000/api/v1/projects/demo/runs",
    "-H", "Authorization: Bearer rlm_of_the_shell", "-H", "Content-Type: application/json", "--data-raw",
  ]);
  assert.deepEqual(JSON.parse(given.at(-1)), { ...requestBody(RUN), tags: ["night"], sub_model: "openai/b" });
});

for (const task of HOSTILE) {
  test(`the task survives the shell: ${JSON.stringify(task)}`, () => {
    const given = argumentsOf(curlOf({ ...RUN, task }, "http://127.0.0.1:8000"));
    assert.equal(given.length, 8);
    assert.equal(JSON.parse(given[7]).task, task);
  });
}

test("the command holds no key, only the name of the variable", () => {
  assert.match(curlOf(RUN, "http://x"), /Bearer \$RLMLAB_API_KEY"/);
});

test("a word is quoted for any shell", () => {
  assert.equal(quoted("a"), "'a'");
  assert.equal(quoted("it's"), "'it'\\''s'");
});
