// The field that holds a JSON Schema. Pure.

/** What was typed: {value} (null: nothing), or {problem}, a sentence that says where it stops being JSON. */
export function schemaOf(text) {
  if (!text.trim()) return { value: null };
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `This is not JSON: ${error.message}` };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { problem: "A JSON Schema is an object: { … }" };
  return { value };
}

/** The server's message about a place within the schema, with that place before it. */
export function placed(path, message) {
  const place = path.replace(/^body\./, "").split(".").slice(1).join(".");
  return place ? `${place}: ${message}` : message;
}
