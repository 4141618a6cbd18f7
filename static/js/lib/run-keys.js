// The keys of the run page; `?` lists them.

import { shortcut } from "./keys.js";
import { copy } from "./notify.js";
import { linkTo } from "./run-address.js";
import { nextOf, problems } from "./run-filter.js";
import { costliest } from "./run-spend.js";

export function bindKeys(page) {
  const go = (span) => span && page.select(span.id);
  const keys = [
    ["j", "Next span", () => page.outline.move("down")],
    ["k", "Previous span", () => page.outline.move("up")],
    ["l", "Unfold, or go in", () => page.outline.move("in")],
    ["h", "Fold, or go out", () => page.outline.move("out")],
    ["u", "Up to the level above", () => page.level.goUp()],
    ["t", "Tree or timeline", () => page.change({ view: page.state.view === "tree" ? "timeline" : "tree" })],
    ["!", "Next problem", () => go(nextOf(problems(page.store, null), page.state.span))],
    ["$", "Next costliest model call", () => go(nextOf(costliest(page.store), page.state.span))],
    ["/", "Find in spans", () => toFilter(page)],
    ["y", "Copy the link to the selection", () => copy(link(page.state), "Link copied")],
    ["a", "Go to the answer", () => toAnswer(page)],
    ["-", "Fold all", () => page.outline.foldAll(false)],
    ["+", "Unfold all", () => page.outline.foldAll(true)],
    ["1", "Cells", () => page.change({ show: "cells", at: "" })],
    ["2", "Transcript", () => page.change({ show: "transcript", at: "" })],
    ["3", "Raw events", () => page.change({ show: "raw", at: "" })],
    ["F", "Follow the newest step", () => page.level.toggleFollow()],
    ["s", "Stop the run", () => page.control.first("stop")],
    ["p", "Pause the run, or let it go on", () => page.control.first("resume", "pause")],
    ["R", "Retry the run, or go on from where a limit stopped it", () => page.control.first("retry", "continue")],
    ["f", "Fork the run at the selection", () => page.control.fork(stepSeq(page))],
  ];
  for (const [key, what, act] of keys) shortcut(key, what, act);
}

function link({ span, show, at }) {
  return linkTo(location.href, { span, show, at });
}

/** The event before the step in which the selection lies; null: nothing is selected. */
function stepSeq({ store, state }) {
  let span = store.spans.get(state.span);
  while (span && span.kind !== "step") span = store.parent(span);
  return span ? span.seq - 1 : null;
}

function toFilter(page) {
  page.showPane("tree");
  page.outline.focusFilter();
}

/** The answer stands in the notebook of the run itself. */
async function toAnswer(page) {
  page.change({ span: page.store.root?.id || "", show: "cells", at: "" });
  page.showPane("cells");
  page.render();
  await page.level.updateComplete;
  requestAnimationFrame(() => page.level.toAnswer());
}
