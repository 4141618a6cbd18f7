// Numbers, money, durations and times, in the reader's own locale. The server's template filters do the same.

const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

export const NONE = "–";

export function count(value) {
  return value === null || value === undefined ? NONE : whole.format(value);
}

/** 1,234 stays, 12,345 becomes 12.3K. */
export function tokens(value) {
  if (value === null || value === undefined) return NONE;
  return value < 10_000 ? whole.format(value) : short.format(value);
}

/** Dollars with as many digits as a small sum needs; null means that some price is unknown. */
export function usd(value) {
  if (value === null || value === undefined) return "no price";
  if (value === 0) return "$0";
  if (value < 0.0001) return "<$0.0001";
  return `$${value.toFixed(value < 0.01 ? 4 : value < 1 ? 3 : 2)}`;
}

export function seconds(value) {
  if (value === null || value === undefined) return NONE;
  if (value < 0.001) return "<1 ms";
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 60) return `${Math.round(value)} s`;
  const all = Math.round(value);
  const minutes = Math.floor(all / 60) % 60;
  const hours = Math.floor(all / 3600);
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${String(all % 60).padStart(2, "0")} s`;
}

export function bytes(value) {
  if (value === null || value === undefined) return NONE;
  const units = ["B", "KB", "MB", "GB"];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

/** How many tokens a text of this many bytes may have: a rough guide of four bytes to a token. */
export function estimatedTokens(size) {
  return Math.ceil(size / 4);
}

export function time(value) {
  return value ? clock.format(new Date(value)) : NONE;
}

/** Date, time and zone, for titles. */
export function dateTime(value) {
  return value ? full.format(new Date(value)) : NONE;
}

const STEPS = [
  [60, 1, "second"],
  [3600, 60, "minute"],
  [86_400, 3600, "hour"],
  [2_592_000, 86_400, "day"],
];
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });

/** "5 min. ago" up to a month, then the date. */
export function ago(value, now = Date.now()) {
  const age = (new Date(value).getTime() - now) / 1000;
  for (const [limit, size, unit] of STEPS) {
    if (Math.abs(age) < limit) return relative.format(Math.round(age / size), unit);
  }
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(new Date(value));
}
