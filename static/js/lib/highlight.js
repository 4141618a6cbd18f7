// Syntax colours as text nodes: highlight.js gives its token tree, never HTML.

import hljs from "../../vendor/highlight.js";
import { clean } from "./text.js";

const CLASSES = {
  keyword: "code-keyword",
  built_in: "code-name",
  literal: "code-number",
  number: "code-number",
  string: "code-string",
  comment: "code-comment",
  title: "code-name",
  attr: "code-name",
  meta: "code-comment",
};
// Colouring is quadratic in nothing, but pointless for a wall of text that nobody reads as code.
const LONGEST = 60_000;

/** A fragment of spans for `text`; plain text where the language is unknown or the text is very long. */
export function highlighted(text, language = "python") {
  const source = clean(text);
  const fragment = document.createDocumentFragment();
  if (source.length > LONGEST || !hljs.getLanguage(language)) {
    fragment.append(source);
    return fragment;
  }
  const work = [[fragment, hljs.highlight(source, { language, ignoreIllegals: true })._emitter.root]];
  while (work.length) {
    const [parent, node] = work.pop();
    for (const child of node.children) {
      if (typeof child === "string") {
        parent.append(child);
      } else {
        const span = document.createElement("span");
        const name = CLASSES[(child.scope || "").split(".")[0]];
        if (name) span.className = name;
        parent.append(span);
        work.push([span, child]);
      }
    }
  }
  return fragment;
}
