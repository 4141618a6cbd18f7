// What memory did in a run: shown from the start, recalled, kept. Pure.

/** Each memory once, in the order in which it came up: {pinned, recalled (with `times`), kept, searches, unfound}. */
export function memoryOf(memories) {
  const pinned = [];
  const recalled = new Map();
  const kept = new Map();
  let searches = 0;
  let unfound = 0;
  for (const { action, data } of memories) {
    if (action === "remembered") kept.set(data.id, kept.get(data.id) ?? data);
    else if (data.pinned) pinned.push(...data.items);
    else {
      searches += 1;
      if (!data.items.length) unfound += 1;
      for (const item of data.items) recalled.set(item.id, { ...item, times: (recalled.get(item.id)?.times ?? 0) + 1 });
    }
  }
  return { pinned, recalled: [...recalled.values()], kept: [...kept.values()], searches, unfound };
}
