// What a status looks like: tone, icon, word. One table for runs, spans and the connection; templates have the same.

export const STATUSES = {
  queued: ["calm", "clock", "Queued"],
  running: ["info", "loader", "Running"],
  paused: ["warn", "pause", "Paused"],
  succeeded: ["ok", "check", "Succeeded"],
  failed: ["bad", "cross", "Failed"],
  cancelled: ["calm", "slash", "Cancelled"],
  ok: ["ok", "check", "OK"],
  error: ["bad", "cross", "Error"],
  refused: ["warn", "slash", "Refused"],
  interrupted: ["warn", "alert", "Interrupted"],
};

export const CONNECTIONS = {
  connecting: ["calm", "Connecting"],
  "catching-up": ["info", "Catching up"],
  live: ["ok", "Live"],
  streaming: ["ok", "Live, by server-sent events"],
  polling: ["ok", "Live, by polling"],
  gap: ["warn", "Filling a gap"],
  offline: ["bad", "Offline"],
  "signed-out": ["bad", "Signed out"],
  gone: ["bad", "Not available"],
  ended: ["calm", "Complete"],
};

export const FINISH_REASONS = {
  submitted: "Answer submitted",
  fallback: "Limit reached, best answer so far",
  budget: "Budget exhausted",
  timeout: "Time limit reached",
  error: "Error",
  cancelled: "Stopped",
};

export const TERMINAL = new Set(["succeeded", "failed", "cancelled"]);
