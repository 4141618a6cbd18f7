// Text that a model or a guest wrote is hostile: it reaches the page as text nodes only, without control characters.

/* eslint-disable no-control-regex */
const ESCAPE_SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;
// C0 without tab and line feed, DEL, C1, bidirectional overrides and isolates, which make text read other than it is.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Strip terminal escapes, control characters and bidirectional overrides; line ends become "\n". */
export function clean(text) {
  return String(text).replace(/\r\n?/g, "\n").replace(ESCAPE_SEQUENCES, "").replace(CONTROL, "");
}

/** The first line's worth of a text, for one row of a list. */
export function preview(text, length = 120) {
  const line = clean(text).slice(0, length * 4).replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

/** A value of unknown shape as readable text: strings as they are, everything else as indented JSON. */
export function readable(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** Count characters as the server does, by code point, not by UTF-16 unit. */
export function codePoints(text) {
  let count = text.length;
  for (let index = 0; index < text.length - 1; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit < 0xdc00) {
      count -= 1;
      index += 1;
    }
  }
  return count;
}
