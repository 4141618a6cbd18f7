// Markdown written by models: HTML in it is text, images are words, and what comes out is sanitised all the same.

import { DOMPurify, Marked } from "../../vendor/markdown.js";
import { clean } from "./text.js";

const escaped = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const marked = new Marked({
  gfm: true,
  breaks: true,
  async: false,
  renderer: {
    html: ({ text }) => escaped(text),
    image: ({ text, href }) => escaped(`[image: ${text || href}]`),
  },
});

const RULES = {
  ALLOWED_TAGS: [
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
  ],
  ALLOWED_ATTR: ["href", "start", "align"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

/** A sanitised fragment of a text that may be Markdown. */
export function rendered(text) {
  const fragment = DOMPurify.sanitize(marked.parse(clean(text)), RULES);
  for (const link of fragment.querySelectorAll("a")) {
    link.rel = "noopener noreferrer nofollow";
    link.target = "_blank";
  }
  // A wide block scrolls; a keyboard must reach what scrolls.
  for (const block of fragment.querySelectorAll("pre")) block.tabIndex = 0;
  return fragment;
}
