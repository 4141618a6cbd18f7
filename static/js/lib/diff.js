// What differs between two texts: word by word where they are short, line by line where they are long. Pure.

/** Up to so many words or lines on each side are aligned; the time and space it takes grow with the square. */
const MOST = 800;
const MOST_CHARACTERS = 40_000; // of both together, to be compared by words
const WORDS = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;

const words = (text) => text.match(WORDS) || [];
const lines = (text) => text.match(/[^\n]*\n|[^\n]+$/g) || [];

/** Pieces of both texts in order: [{kind: "same" | "gone" | "new", text}]; equal texts give one piece, or none. */
export function diffOf(before, after) {
  const isShort = before.length + after.length <= MOST_CHARACTERS;
  for (const split of isShort ? [words, lines] : [lines]) {
    const found = aligned(split(before), split(after));
    if (found) return merged(found);
  }
  return merged([["gone", before], ["new", after]]);
}

/** How many pieces came and went. */
export function changesIn(pieces) {
  const count = (kind) => pieces.filter((piece) => piece.kind === kind).length;
  return { gone: count("gone"), new: count("new") };
}

/** [kind, token] in order; null where too much lies between the first and the last difference. */
function aligned(before, after) {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const left = before.slice(head, before.length - tail);
  const right = after.slice(head, after.length - tail);
  if (Math.max(left.length, right.length) > MOST) return null;
  const same = (tokens) => tokens.map((token) => ["same", token]);
  return [...same(before.slice(0, head)), ...walked(left, right), ...same(before.slice(before.length - tail))];
}

/** Walk through the table of longest common subsequences of the rests. */
function walked(left, right) {
  const width = right.length + 1;
  const table = new Uint16Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      table[at] = left[i] === right[j] ? table[at + width + 1] + 1 : Math.max(table[at + width], table[at + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  while (i < left.length && j < right.length) {
    const at = i * width + j;
    if (left[i] === right[j]) {
      found.push(["same", left[i]]);
      i += 1;
      j += 1;
    } else if (table[at + width] >= table[at + 1]) found.push(["gone", left[i++]]);
    else found.push(["new", right[j++]]);
  }
  return [...found, ...left.slice(i).map((token) => ["gone", token]), ...right.slice(j).map((token) => ["new", token])];
}

/** Join neighbours of one kind; between two equal pieces what is gone comes first. */
function merged(tokens) {
  const pieces = [];
  let pending = { gone: "", new: "" };
  const flush = () => {
    for (const kind of ["gone", "new"]) if (pending[kind]) pieces.push({ kind, text: pending[kind] });
    pending = { gone: "", new: "" };
  };
  for (const [kind, text] of tokens) {
    const last = pieces.at(-1);
    if (kind !== "same") pending[kind] += text;
    else {
      flush();
      if (last?.kind === "same" && pieces.at(-1) === last) last.text += text;
      else pieces.push({ kind, text });
    }
  }
  flush();
  return pieces;
}
