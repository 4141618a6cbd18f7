// Where a run's events come from in the browser.

/** The source of a run in the browser. */
export function browserSource(api, runId) {
  return {
    events: (after, limit) => api.events(runId, after, limit),
    open(after) {
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      return new WebSocket(`${scheme}//${location.host}/ws/runs/${runId}/?after=${after}`);
    },
  };
}
