// The request that would start the same run, as one shell command. Pure.

const COPIED = [
  "task", "model", "sub_model", "depth_models", "mode", "environment", "response_schema", "seed", "tags", "title", "use_examples", "use_memory",
];

function isGiven(value) {
  if (value === null || value === undefined || value === "" || value === false) return false;
  return !Array.isArray(value) || value.length > 0;
}

/** One word of a POSIX shell, whatever it contains. */
export function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The body of POST …/runs; `run` as the REST interface shows it. The input itself is not part of a run as shown. */
export function requestBody(run) {
  const body = {};
  for (const name of COPIED) if (isGiven(run[name])) body[name] = run[name];
  // by its number, since a label may point elsewhere by now; an empty list keeps the project's fallback models out
  if (run.prompt) body.prompt = `${run.prompt.name}@${run.prompt.version}`;
  if (run.priority) body.priority = run.priority;
  if (run.fallback_models) body.fallback_models = run.fallback_models;
  body.budget = Object.fromEntries(Object.entries(run.budget || {}).filter(([, value]) => value !== null));
  return body;
}

/** The command; the key stays a variable of the shell, so that none is ever on the clipboard. */
export function curlOf(run, origin) {
  return commandOf(run.project, requestBody(run), origin);
}

/** The same for any body of a request. */
export function commandOf(project, body, origin) {
  return postOf(`${origin}/api/v1/projects/${project}/runs`, body);
}

/** The command that posts a body to an address. */
export function postOf(address, body) {
  return [
    `curl --fail-with-body ${quoted(address)}`,
    `-H "Authorization: Bearer $RLMLAB_API_KEY"`,
    `-H 'Content-Type: application/json'`,
    `--data-raw ${quoted(JSON.stringify(body))}`,
  ].join(" \\\n  ");
}
