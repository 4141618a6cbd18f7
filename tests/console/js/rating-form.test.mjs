import assert from "node:assert/strict";
import { test } from "node:test";

import { bodyOf, changesOf, comparable, correctionOf, formOf, givenOf, ownRatings, problemsOf } from "../../../static/js/lib/rating-form.js";
import { RunStore } from "../../../static/js/lib/run-store.js";
import { smallRun } from "./events.mjs";

const ME = "ada";
const GIVEN = { given: "42", span: "" };

function rating(dimension, value, fields = {}) {
  const rater = { kind: "human", actor: "user", id: ME, ...fields.rater };
  return { id: `${dimension}-${value}`, dimension, value, comment: "", correction: null, span_id: null, ...fields, rater };
}

const owned = (...ratings) => ownRatings(ratings, ME, "");
const filled = (own, changes = {}) => ({ ...formOf(own), ...changes, values: { ...formOf(own).values, ...changes.values } });

test("one's own ratings are those of a person, oneself, on the same thing", () => {
  const ratings = [
    rating("correct", 1),
    rating("correct", 0, { rater: { id: "bo" } }),
    rating("helpful", 0, { rater: { kind: "checker" } }),
    rating("format", 0, { rater: { actor: "api_key" } }),
    rating("safety", 0, { span_id: "s1" }),
  ];
  assert.deepEqual([...ownRatings(ratings, ME, "").keys()], ["correct"]);
  assert.deepEqual([...ownRatings(ratings, ME, "s1").keys()], ["safety"]);
});

test("the form starts with what one said before", () => {
  const own = owned(rating("correct", 0.25, { comment: "Nearly.", correction: { count: 43 } }), rating("safety", 1));
  assert.deepEqual(formOf(own), {
    values: { correct: 0.25, helpful: null, format: null, safety: 1, efficiency: null },
    comment: "Nearly.",
    text: '{\n  "count": 43\n}',
    json: true,
  });
  assert.deepEqual(formOf(owned(rating("helpful", 1, { comment: "So." }))).comment, "So.");
  assert.equal(formOf(owned(rating("correct", 0, { correction: "43" })), true).json, false);
  assert.equal(formOf(new Map(), true).json, true);
});

test("a correction is text or JSON, and another than the answer that was given", () => {
  const typed = (text, json, given = "42") => correctionOf({ text, json }, given);
  assert.deepEqual(typed("", false), { value: null });
  assert.deepEqual(typed(" \n", true), { value: null });
  assert.deepEqual(typed("43", false), { value: "43" });
  assert.deepEqual(typed("43", true), { value: 43 });
  assert.deepEqual(typed("[1]", true, [2]), { value: [1] });
  assert.match(typed("[1", true).problem, /^This is not JSON: .+/);
  assert.match(typed("null", true).problem, /^null is no answer/);
  assert.equal(typed("42", false).problem, "This is the answer that was given.");
  assert.equal(typed('{"a": 1}', true, { a: 1 }).problem, "This is the answer that was given.");
});

test("JSON is compared in one shape, and as it was typed while it is none", () => {
  assert.equal(comparable({ text: '{"a":1}', json: true }), '{\n  "a": 1\n}');
  assert.equal(comparable({ text: '{"a":', json: true }), '{"a":');
  assert.equal(comparable({ text: '{"a":1}', json: false }), '{"a":1}');
});

test("a correction alone says that the answer was wrong", () => {
  const form = filled(new Map(), { text: "43", comment: " One more. " });
  assert.deepEqual([...problemsOf(form, "42")], []);
  const put = { dimension: "correct", value: 0, comment: "One more.", correction: "43" };
  assert.deepEqual(changesOf(form, new Map(), GIVEN), [{ put, earlier: undefined }]);
  const partly = filled(new Map(), { text: "43", values: { correct: 0.5 } });
  assert.equal(changesOf(partly, new Map(), GIVEN)[0].put.value, 0.5);
});

test("a comment alone is no rating", () => {
  const form = filled(new Map(), { comment: "Hm." });
  assert.deepEqual([...problemsOf(form, "42").keys()], ["value"]);
  form.values.helpful = 0.5;
  assert.equal(problemsOf(form, "42").size, 0);
  assert.deepEqual(changesOf(form, new Map(), GIVEN).map(({ put }) => [put.dimension, put.comment]), [["helpful", "Hm."]]);
});

test("only what changed is sent, and what was cleared is withdrawn", () => {
  const own = owned(rating("correct", 1, { comment: "Yes." }), rating("helpful", 0.5), rating("safety", 1, { comment: "By key." }));
  assert.deepEqual(changesOf(formOf(own), own, GIVEN), []);
  const form = filled(own, { values: { helpful: null, safety: 0.75 } });
  const [withdrawn, put, ...rest] = changesOf(form, own, GIVEN);
  assert.equal(withdrawn.withdraw, own.get("helpful"));
  assert.deepEqual(put.put, { dimension: "safety", value: 0.75, comment: "By key.", correction: null });
  assert.equal(put.earlier, own.get("safety"));
  assert.deepEqual(rest, []);
});

test("a comment moves to the dimension that comes first", () => {
  const own = owned(rating("helpful", 0.5, { comment: "Hm." }));
  const changes = changesOf(filled(own, { values: { correct: 1 } }), own, GIVEN);
  assert.deepEqual(changes.map(({ put }) => [put.dimension, put.comment]), [["correct", "Hm."], ["helpful", ""]]);
});

test("a span is rated by its id, and a rating can be given again as it was", () => {
  const form = filled(new Map(), { values: { correct: 1 } });
  const [{ put }] = changesOf(form, new Map(), { given: null, span: "s1" });
  assert.deepEqual(put, { dimension: "correct", value: 1, comment: "", correction: null, span_id: "s1" });
  assert.deepEqual(bodyOf(rating("correct", 1, { span_id: "s1" })), put);
  assert.equal("span_id" in bodyOf(rating("correct", 1)), false);
});

test("what was given is the run's answer, or what the span brought forth", () => {
  const store = new RunStore();
  for (const event of smallRun()) store.apply(event);
  const given = (span) => givenOf(store, { answer: ["run"] }, span);
  assert.deepEqual(given(""), ["run"]);
  assert.equal(given("m1"), "Look:\n```repl\nx = 1\n```\n");
  assert.equal(given("s1"), given("m1"));
  assert.equal(given("x1"), "x = 1");
  assert.equal(given("q1"), "seen");
  assert.equal(given("run"), "42");
  assert.equal(given("nowhere"), null);
  assert.equal(givenOf(store, undefined, ""), null);
});
