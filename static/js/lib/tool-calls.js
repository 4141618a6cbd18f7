// What a tool was called with, as people read it. Pure.

/** The arguments by name, each as JSON; a text that was no JSON as the model wrote it. */
export function argumentsOf({ data }) {
  const given = data.arguments;
  if (given === undefined || given === null) return "";
  if (typeof given === "string") return given;
  return Object.entries(given)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join("\n");
}
