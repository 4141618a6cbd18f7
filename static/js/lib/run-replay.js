// What replay says of itself in a run's log: that another worker took it up, and where it came out otherwise. Pure.

import * as format from "./format.js";

const SECOND = 1000;

/** The time that a run was worked on, in the seconds that its limit counts: those without a worker do not. */
export class WorkClock {
  constructor() {
    this.since = NaN; // milliseconds
    this.before = 0; // seconds worked before that
    this.last = NaN;
  }

  /** Take the next event's moment; `takenUp`: a worker took the run up with it. Return the gap before it, in seconds. */
  tick(at, takenUp) {
    const now = Date.parse(at);
    const gap = Number.isNaN(this.last) ? 0 : (now - this.last) / SECOND;
    if (Number.isNaN(this.since)) this.since = now;
    if (takenUp) {
      this.before = this.seconds(this.last);
      this.since = now;
    }
    this.last = now;
    return gap;
  }

  /** Seconds worked until `now`, in milliseconds. */
  seconds(now) {
    return Number.isNaN(this.since) ? 0 : this.before + Math.max(0, now - this.since) / SECOND;
  }
}

export const codeOf = (log) => log.data?.code ?? "";

/** What a log says to people. `after`: the seconds in which nothing happened before it. */
export function wordsOf(log) {
  if (codeOf(log) !== "taken_up" || !(log.after > 0)) return log.message;
  return `${log.paused ? "Gone on" : "Taken up by another worker"} after ${format.seconds(log.after)}: what is on record is not asked again`;
}
