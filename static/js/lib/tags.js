// Tags as the editor changes them.

/** The tags with one more, once and without spaces around it. */
export function added(tags, text) {
  const tag = text.trim();
  return tag && !tags.includes(tag) ? [...tags, tag] : tags;
}

/** The tags that are known and not there yet. */
export function others(known, tags) {
  return known.filter((tag) => !tags.includes(tag));
}

/** What a refusal says about tags, wherever it says it. */
export function refusal(error) {
  const [first] = [...error.fields].filter(([field]) => field.startsWith("tags"));
  if (!first) return error.message;
  return `${first[0] === "tags" ? "The list" : "A tag"} ${first[1]}`;
}
