// Where a run's events come from in the browser.

import { EventLine } from "./event-line.js";

/** The source of a run in the browser. */
export function browserSource(api, runId) {
  return {
    events: (after, limit, choice) => api.events(runId, after, limit, choice),
    /** The skeleton as texts, cut anywhere. */
    async *skeleton() {
      const response = await api.skeleton(runId);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
    },
    open(after) {
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      return new WebSocket(`${scheme}//${location.host}/ws/runs/${runId}/?after=${after}`);
    },
    /** The same by server-sent events. */
    follow: (after) => new EventLine((signal) => api.followed(runId, after, signal)),
  };
}
