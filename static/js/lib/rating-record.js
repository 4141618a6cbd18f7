// The ratings of a run as the server has them: reads all of them, and carries out changes so that they can be undone.

import { bodyOf } from "./rating-form.js";

export class RatingRecord {
  constructor(api, run) {
    this.api = api;
    this.run = run;
  }

  async all() {
    const found = [];
    let cursor = null;
    do {
      const page = await this.api.get(`runs/${this.run}/ratings?limit=1000${cursor ? `&cursor=${cursor}` : ""}`);
      found.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor);
    return found;
  }

  /** Send changes one by one, and put in front of `undo` what takes each back; throws at the first that is refused. */
  async carryOut(changes, undo) {
    for (const { put, earlier, withdraw } of changes) {
      if (withdraw) {
        await this.api.request("DELETE", `ratings/${withdraw.id}`);
        undo.unshift({ put: bodyOf(withdraw) });
      } else {
        const made = await this.api.post(`runs/${this.run}/ratings`, put);
        undo.unshift(earlier ? { put: bodyOf(earlier), earlier: made } : { withdraw: made });
      }
    }
  }
}
