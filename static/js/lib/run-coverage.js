// What a map of the input draws, from what the REST interface tells. Pure.

export const WIDTH = 1000;

/** Bars of a map: flat ranges of bytes → [{x, width}], each wide enough to be seen. */
export function barsOf(ranges, size) {
  const bars = [];
  for (let at = 0; at + 1 < ranges.length; at += 2) {
    const x = (ranges[at] / size) * WIDTH;
    bars.push({ x, width: Math.max(1, ((ranges[at + 1] - ranges[at]) / size) * WIDTH) });
  }
  return bars;
}

/** Where files begin, without the first; the lines between the segments of a map. */
export function seamsOf(parts, size) {
  return parts.slice(1).map(({ name, start }) => ({ name, x: (start / size) * WIDTH }));
}

/** The bytes of flat ranges. */
export function bytesOf(ranges) {
  let sum = 0;
  for (let at = 0; at + 1 < ranges.length; at += 2) sum += ranges[at + 1] - ranges[at];
  return sum;
}
