// Events as the record has them, each told in one line. Pure.

const LINE = 160;

const LINES = {
  span_started: ({ kind, name }) => `${kind} ${name}`,
  span_finished: ({ kind, status, seconds }) => `${kind} ${status} after ${seconds.toFixed(3)} s`,
  message: ({ role, content }) => `${role}: ${content.slice(0, LINE)}`,
  code: ({ cell, code }) => `[${cell}] ${code.slice(0, LINE)}`,
  output: ({ channel, text }) => `${channel}: ${text.slice(0, LINE)}`,
  answer: ({ dialect, content }) => `${dialect}: ${String(typeof content === "string" ? content : JSON.stringify(content)).slice(0, LINE)}`,
  budget: ({ exhausted }) => (exhausted ? `exhausted: ${exhausted}` : "what is left"),
  memory: ({ action }) => action,
  log: ({ level, message }) => `${level}: ${message.slice(0, LINE)}`,
};

/** What an event says, on one line. */
export function lineOf(event) {
  const tell = LINES[event.type];
  return tell ? tell(event.payload) : "";
}

/** The events of a span alone, or of all; undefined stands for one that is not here yet. */
export function eventsOf(store, spanId) {
  return spanId ? store.events.filter((event) => event?.span_id === spanId) : store.events;
}
