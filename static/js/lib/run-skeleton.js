// The skeleton of a run as the server streams it: a head, then lines of columns, taken while they come.

const SLICE = 100; // spans between two looks at the clock
const BUDGET_MS = 8; // of a frame: what is left is the browser's own

/** Let the browser draw and answer its reader. */
export function breathe() {
  return globalThis.scheduler?.yield ? globalThis.scheduler.yield() : new Promise((resolve) => setTimeout(resolve));
}

/** The lines of a stream of texts that are cut anywhere. */
export async function* linesOf(texts) {
  let rest = "";
  for await (const text of texts) {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    yield* lines;
  }
  if (rest) yield rest;
}

/** Rows from `from` to before `to` of a line of columns, named as GET /spans names them. */
export function rowsOf(names, columns, from, to) {
  const rows = [];
  for (let index = from; index < to; index += 1) {
    const row = {};
    for (let at = 0; at < names.length; at += 1) row[names[at]] = columns[at][index];
    row.started_at = new Date(row.started_ms).toISOString();
    rows.push(row);
  }
  return rows;
}

/**
 * Read a skeleton: `head` is told the first line, `take` gets some rows at a time. Between them the page is let go on
 * whenever a frame's share is used up; `clock` and `pause` are given by tests.
 */
export async function readSkeleton(texts, { head, take, clock = () => performance.now(), pause = breathe }) {
  let names = null;
  let since = clock();
  for await (const line of linesOf(texts)) {
    const parsed = JSON.parse(line);
    if (!names) {
      names = parsed.columns;
      head(parsed);
      continue;
    }
    const { length } = parsed[0];
    for (let from = 0; from < length; from += SLICE) {
      take(rowsOf(names, parsed, from, Math.min(length, from + SLICE)));
      if (clock() - since < BUDGET_MS) continue;
      await pause();
      since = clock();
    }
  }
  if (!names) throw new Error("The skeleton has no head");
}
