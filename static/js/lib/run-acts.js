// What can be done with a run, by its state. Pure but for the buttons that it shows.

import { TERMINAL } from "./status.js";

const EXHAUSTED = new Set(["budget", "timeout", "fallback"]);

/** Whether an act fits a run as the REST interface shows it. */
export const FITS = {
  stop: (run) => !TERMINAL.has(run.status),
  pause: (run) => !run.pause_requested && !run.cancel_requested && (run.status === "running" || run.status === "queued"),
  resume: (run) => run.status === "paused" || (Boolean(run.pause_requested) && !TERMINAL.has(run.status)),
  continue: (run) => TERMINAL.has(run.status) && EXHAUSTED.has(run.finish_reason),
  retry: (run) => (run.status === "failed" || run.status === "cancelled") && !EXHAUSTED.has(run.finish_reason),
};

/** Show the buttons that fit; those that the role forbids are not on the page. */
export function showActs(root, run) {
  for (const [act, fits] of Object.entries(FITS)) {
    const button = root.querySelector(`[data-act="${act}"]`);
    if (button) button.hidden = !fits(run);
  }
}

/** The first of some acts whose button is shown and can be pressed. */
export function actAtHand(root, acts) {
  return acts.find((act) => root.querySelector(`[data-act="${act}"]:not([hidden], [disabled])`)) ?? null;
}

/** Whether an event says that the run stands still or is taken up: the run's own fields have changed then. */
export function changesState({ type, payload }) {
  return type === "log" && (payload.data?.code === "paused" || payload.data?.code === "taken_up");
}

/** What is said before a run goes on: {title, text, word, busy}. */
export const GO_ON = {
  resume: {
    title: "Let the run go on",
    text: "It goes on where it stands. Limits left empty stay as they are; what was spent counts.",
    word: "Resume",
    busy: "Resuming…",
  },
  continue: {
    title: "Go on in a new run",
    text: "A limit stopped this run. A new one shares all that was done, at no cost, and its limits count anew.",
    word: "Continue",
    busy: "Starting…",
  },
  retry: {
    title: "Retry in a new run",
    text: "It goes on from the last good step. What succeeded is shared and not paid again; what failed is done anew.",
    word: "Retry",
    busy: "Starting…",
  },
};
