// A run's request as a Python program with OpenAI's SDK, for the launch form. Pure.

export const LONGEST_CONTEXT = 2000; // characters of a pasted text that are shown

/** The request without a pasted text that nobody could read here; `cut` says that there was one. */
export function shown(body) {
  const cut = (body.context ?? "").length > LONGEST_CONTEXT;
  return { body: cut ? { ...body, context: undefined } : body, cut };
}

/** A JSON value as Python writes it. */
export function literal(value, indent = "") {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
  if (Array.isArray(value)) return `[${value.map((each) => literal(each, indent)).join(", ")}]`;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  if (!entries.length) return "{}";
  const deeper = `${indent}    `;
  const lines = entries.map(([name, each]) => `${deeper}${JSON.stringify(name)}: ${literal(each, deeper)},`);
  return `{\n${lines.join("\n")}\n${indent}}`;
}

/** Python that gets the answer of such a run; the key stays in the environment. */
export function pythonOf(project, { task, ...rest }, origin) {
  const rlm = JSON.parse(JSON.stringify(rest));
  const more = Object.keys(rlm).length ? [`    extra_body={"rlm": ${literal(rlm, "    ")}},`] : [];
  return [
    "import os",
    "",
    "from openai import OpenAI",
    "",
    "client = OpenAI(",
    `    base_url=${literal(`${origin}/v1`)},`,
    '    api_key=os.environ["RLMLAB_API_KEY"],',
    "    timeout=1800,",
    ")",
    "completion = client.chat.completions.create(",
    `    model=${literal(`rlm/${project}`)},`,
    `    messages=[{"role": "user", "content": ${literal(task)}}],`,
    ...more,
    ")",
    "print(completion.choices[0].message.content)",
  ].join("\n");
}
