// What a reader judges of a run or of a part of it, from form to requests. Pure.
//
// The server keeps one rating a dimension. Comment and correction belong to one of them: to "correct", unless only
// others were given. A correction says that the answer was not right, so that it is "correct" 0 unless something else is said.

import { readable } from "./text.js";

export const DIMENSIONS = [
  ["correct", "Correct"],
  ["helpful", "Helpful"],
  ["format", "Format"],
  ["safety", "Safety"],
  ["efficiency", "Efficiency"],
];
/** value, what stands on it, what it means */
export const SCALE = [
  [0, "0", "not at all"],
  [0.25, "¼", "a little"],
  [0.5, "½", "half"],
  [0.75, "¾", "mostly"],
  [1, "1", "fully"],
];

/** One's own ratings that count, on the run (span "") or a span of it, by dimension. */
export function ownRatings(ratings, me, span) {
  const own = ratings.filter(({ rater, span_id: id }) => rater.actor === "user" && rater.kind === "human" && rater.id === me && (id || "") === span);
  return new Map(own.map((rating) => [rating.dimension, rating]));
}

/** The form as it stands before anything is changed; `asJson`: a new correction starts as JSON. */
export function formOf(own, asJson = false) {
  const corrected = [...own.values()].find((rating) => rating.correction !== null);
  return {
    values: Object.fromEntries(DIMENSIONS.map(([name]) => [name, own.get(name)?.value ?? null])),
    comment: (own.get("correct")?.comment || [...own.values()].find((rating) => rating.comment)?.comment) ?? "",
    text: readable(corrected?.correction ?? null),
    json: corrected ? typeof corrected.correction !== "string" : asJson,
  };
}

/** The correction that was typed: {value} (null: none), or {problem}. */
export function correctionOf(form, given) {
  if (!form.text.trim()) return { value: null };
  let value = form.text;
  if (form.json) {
    try {
      value = JSON.parse(form.text);
    } catch (error) {
      return { problem: `This is not JSON: ${error.message}` };
    }
    if (value === null) return { problem: "null is no answer; leave the field empty where nothing is to be corrected." };
  }
  if (JSON.stringify(value) === JSON.stringify(given)) return { problem: "This is the answer that was given." };
  return { value };
}

/** What was typed in the shape in which answers are shown, so that a difference is one of content and not of spaces. */
export function comparable(form) {
  if (!form.json) return form.text;
  try {
    return readable(JSON.parse(form.text));
  } catch {
    return form.text;
  }
}

/** What cannot be sent: a map of field to message, empty when all is well. */
export function problemsOf(form, given) {
  const found = new Map();
  const { value, problem } = correctionOf(form, given);
  const rated = Object.values(form.values).some((each) => each !== null);
  if (problem) found.set("correction", problem);
  else if (form.comment.trim() && value === null && !rated) found.set("value", "Say how right it is as well: a comment alone is no rating.");
  return found;
}

/** What is to be sent so that one's ratings say what the form says: [{withdraw: rating}, {put: body, earlier}]. */
export function changesOf(form, own, { given, span }) {
  const correction = correctionOf(form, given).value ?? null;
  const before = formOf(own);
  const values = { ...form.values };
  if (correction !== null) values.correct ??= 0;
  const bearer = DIMENSIONS.map(([name]) => name).find((name) => values[name] !== null);
  return DIMENSIONS.map(([dimension]) => dimension).flatMap((dimension) => {
    const earlier = own.get(dimension);
    if (values[dimension] === null) return earlier ? [{ withdraw: earlier }] : [];
    const isBearer = dimension === bearer;
    const kept = earlier && earlier.comment !== before.comment ? earlier.comment : "";
    const put = {
      dimension,
      value: values[dimension],
      comment: isBearer ? form.comment.trim() : kept,
      correction: isBearer ? correction : null,
      ...(span && { span_id: span }),
    };
    return earlier && isSame(earlier, put) ? [] : [{ put, earlier }];
  });
}

function isSame(rating, { value, comment, correction }) {
  return rating.value === value && rating.comment === comment && JSON.stringify(rating.correction) === JSON.stringify(correction);
}

/** The body that gives a rating again as it was. */
export function bodyOf({ dimension, value, comment, correction, span_id: span }) {
  return { dimension, value, comment, correction, ...(span && { span_id: span }) };
}

/** What stood in the place of a rating: the answer of the run, or what a part of it brought forth. */
export function givenOf(store, run, span) {
  if (!span) return run?.answer ?? null;
  const found = store?.spans.get(span);
  if (!found) return null;
  const reply = (call) => call?.messages.find((message) => message.role === "assistant")?.content ?? null;
  if (found.kind === "model_call") return reply(found);
  if (found.kind === "execution") return found.code;
  if (found.kind === "step") return reply(found.children.find((child) => child.kind === "model_call"));
  return found.answer?.content ?? found.result ?? reply(found.children[0]);
}
