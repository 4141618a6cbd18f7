// Where spans stand on a time axis that leaves out idle time. Pure; milliseconds in, shares of the axis (0 to 1) out.

const WORK = new Set(["model_call", "execution", "tool_call"]);
const SHORTEST_GAP_MS = 1000;
const GAP_OF_ALL = 0.05; // of the whole time: what is shorter stays as it is
const GAP_DRAWN = 0.03; // of the axis: what a left-out gap still takes

/** When a span ended; one that runs lasts until `now`, one that was cut off is known to its start only. */
export function endOf(span, now) {
  if (span.status === "interrupted") return span.start;
  return span.seconds === null ? Math.max(now, span.start) : span.start + span.seconds * 1000;
}

/** First and last moment of a run. */
function extent(spans, now) {
  let [from, to] = [Infinity, -Infinity];
  for (const span of spans) {
    if (Number.isNaN(span.start)) continue;
    from = Math.min(from, span.start);
    to = Math.max(to, endOf(span, now));
  }
  return from <= to ? [from, to] : [0, 0];
}

/** Gaps [from, to] between pieces of work, `spans` in the order of their start. */
function idleGaps(spans, [from, to], now) {
  const least = Math.max(SHORTEST_GAP_MS, (to - from) * GAP_OF_ALL);
  const gaps = [];
  let busyUntil = from;
  for (const span of spans) {
    if (!WORK.has(span.kind) || Number.isNaN(span.start)) continue;
    if (span.start - busyUntil > least) gaps.push([busyUntil, span.start]);
    busyUntil = Math.max(busyUntil, endOf(span, now));
  }
  if (to - busyUntil > least) gaps.push([busyUntil, to]);
  return gaps;
}

/**
 * The axis: {from, to, segments, gaps}, a segment being {from, to, left, right, idle}. `spans` are all spans of a run in
 * the order of their start; `now` is the end of what still runs.
 */
export function timeAxis(spans, now) {
  const [from, to] = extent(spans, now);
  const cuts = idleGaps(spans, [from, to], now);
  const idle = cuts.reduce((sum, [start, end]) => sum + end - start, 0);
  const busy = to - from - idle;
  const left = Math.max(0, 1 - cuts.length * GAP_DRAWN);
  const segments = [];
  let [at, place] = [from, 0];
  const draw = (end, share, isIdle) => {
    if (end <= at && !isIdle) return;
    segments.push({ from: at, to: end, left: place, right: place + share, idle: isIdle });
    [at, place] = [end, place + share];
  };
  for (const [start, end] of [...cuts, [to, to]]) {
    draw(start, busy > 0 ? ((start - at) / busy) * left : 0, false);
    if (end > start) draw(end, GAP_DRAWN, true);
  }
  return { from, to, segments, gaps: segments.filter((segment) => segment.idle) };
}

/** The segment that holds a moment, by halving. */
function segmentAt(segments, moment) {
  let [low, high] = [0, segments.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segments[middle].to < moment) low = middle + 1;
    else high = middle;
  }
  return segments[low];
}

/** Where a moment stands on the axis. */
export function placeOf(axis, moment) {
  const segment = segmentAt(axis.segments, moment);
  if (!segment) return 0;
  const share = segment.to > segment.from ? (moment - segment.from) / (segment.to - segment.from) : 0;
  return segment.left + Math.min(1, Math.max(0, share)) * (segment.right - segment.left);
}

/** The bar of a span: {left, width}. */
export function barOf(axis, span, now) {
  if (Number.isNaN(span.start)) return { left: 0, width: 0 };
  const left = placeOf(axis, span.start);
  return { left, width: Math.max(0, placeOf(axis, endOf(span, now)) - left) };
}

/** Marks at even places: {place, seconds} since the start. */
export function marks(axis, count = 4) {
  const found = [];
  for (let index = 0; index < count; index += 1) {
    const place = index / count;
    const segment = axis.segments.find((each) => place >= each.left && place < each.right);
    if (!segment || segment.idle) continue;
    const share = (place - segment.left) / (segment.right - segment.left);
    found.push({ place, seconds: (segment.from + share * (segment.to - segment.from) - axis.from) / 1000 });
  }
  return found;
}
