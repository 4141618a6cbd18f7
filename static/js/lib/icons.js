// Icons from the sprite that every page carries (templates/components/sprite.html).

import { svg } from "../../vendor/lit.js";

/** For Lit templates. */
export function iconOf(name, extra = "") {
  return svg`<svg class="icon ${extra}" viewBox="0 0 24 24" aria-hidden="true"><use href="#icon-${name}"></use></svg>`;
}

/** As an element. */
export function icon(name) {
  const template = document.createElement("template");
  template.innerHTML = '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><use></use></svg>';
  template.content.querySelector("use").setAttribute("href", `#icon-${name}`);
  return template.content.firstElementChild;
}
