import assert from "node:assert/strict";
import { test } from "node:test";

import { Draft } from "../../../static/js/lib/rating-draft.js";
import { RatingRecord } from "../../../static/js/lib/rating-record.js";

/** An API that notes what it is asked and gives ratings ids; `refuses` throws at that many-th request. */
class FakeApi {
  constructor({ pages = [], refuses = 0 } = {}) {
    Object.assign(this, { pages, refuses, asked: [] });
  }

  note(...words) {
    this.asked.push(words);
    if (this.asked.length === this.refuses) throw new Error("refused");
  }

  async get(path) {
    this.note("GET", path);
    return this.pages.shift();
  }

  async post(path, body) {
    this.note("POST", path, body);
    return { ...body, id: `made-${this.asked.length}` };
  }

  async request(method, path) {
    this.note(method, path);
  }
}

const body = (dimension, value) => ({ dimension, value, comment: "", correction: null });
const rating = (dimension, value) => ({ ...body(dimension, value), id: `old-${dimension}`, span_id: null });

test("all pages of a run's ratings are read", async () => {
  const api = new FakeApi({ pages: [{ items: [1, 2], next_cursor: "c" }, { items: [3], next_cursor: null }] });
  assert.deepEqual(await new RatingRecord(api, "r").all(), [1, 2, 3]);
  assert.deepEqual(api.asked.map(([, path]) => path), ["runs/r/ratings?limit=1000", "runs/r/ratings?limit=1000&cursor=c"]);
});

test("changes are sent in order, and what undoes them in the opposite one", async () => {
  const api = new FakeApi();
  const undo = [];
  const earlier = rating("correct", 1);
  const changes = [{ put: body("correct", 0), earlier }, { put: body("helpful", 0.5) }, { withdraw: rating("safety", 1) }];
  await new RatingRecord(api, "r").carryOut(changes, undo);
  assert.deepEqual(api.asked, [
    ["POST", "runs/r/ratings", body("correct", 0)],
    ["POST", "runs/r/ratings", body("helpful", 0.5)],
    ["DELETE", "ratings/old-safety"],
  ]);
  assert.deepEqual(undo, [
    { put: body("safety", 1) },
    { withdraw: { ...body("helpful", 0.5), id: "made-2" } },
    { put: body("correct", 1), earlier: { ...body("correct", 0), id: "made-1" } },
  ]);
});

test("undoing can be undone", async () => {
  const api = new FakeApi();
  const record = new RatingRecord(api, "r");
  const [undo, redo, again] = [[], [], []];
  await record.carryOut([{ put: body("correct", 0), earlier: rating("correct", 1) }], undo);
  await record.carryOut(undo, redo);
  await record.carryOut(redo, again);
  assert.deepEqual(api.asked.map(([, , sent]) => sent.value), [0, 1, 0]);
});

test("what was sent before a refusal can be undone", async () => {
  const undo = [];
  const changes = [{ put: body("correct", 0) }, { put: body("helpful", 1) }];
  await assert.rejects(new RatingRecord(new FakeApi({ refuses: 2 }), "r").carryOut(changes, undo), /refused/);
  assert.deepEqual(undo, [{ withdraw: { ...body("correct", 0), id: "made-1" } }]);
});

test("a draft is kept for a run and for each of its spans, until it is dropped", () => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text), removeItem: (key) => kept.delete(key) };
  const [run, span] = [new Draft("r", "", storage), new Draft("r", "s", storage)];
  assert.deepEqual([run.exists, run.read()], [false, null]);
  run.keep({ comment: "So." });
  span.keep({ comment: "Here." });
  assert.deepEqual([new Draft("r", "", storage).read(), span.read()], [{ comment: "So." }, { comment: "Here." }]);
  run.drop();
  assert.deepEqual([run.exists, span.exists], [false, true]);
});

test("a draft that the tab has no room for leaves no older one behind", () => {
  const kept = new Map([["rlm-rating-r-run", "{}"]]);
  const full = { getItem: (key) => kept.get(key) ?? null, removeItem: (key) => kept.delete(key), setItem: () => { throw new Error("full"); } };
  const draft = new Draft("r", "", full);
  draft.keep({ text: "long" });
  assert.equal(draft.exists, false);
});
