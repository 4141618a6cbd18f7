// What a span is called in trees, cards and panels.

export const KINDS = {
  run: "Run",
  step: "Step",
  model_call: "Model call",
  execution: "Cell",
  sub_call: "Sub-call",
  tool_call: "Tool call",
};

const ICONS = {
  run: "run",
  step: "step",
  model_call: "spark",
  execution: "terminal",
  sub_call: "branch",
  tool_call: "tool",
};

export function kindName(span) {
  return KINDS[span.kind] || "Loading";
}

export function kindIcon(span) {
  return ICONS[span.kind] || "clock";
}

/** openai/gpt-5-mini → gpt-5-mini */
export function shortModel(model) {
  return String(model || "").split("/").at(-1);
}

export function spanName(span) {
  switch (span.kind) {
    case "run":
      return "Run";
    case "step":
      return `Step ${span.data.number ?? span.name.replace(/\D+/g, "")}`.trim();
    case "model_call":
      return shortModel(span.data.model || span.name) || "Model call";
    case "execution":
      return `Cell ${span.cell ?? span.data.cell ?? ""}`.trim();
    default:
      return span.name || kindName(span);
  }
}
