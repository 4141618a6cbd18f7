// Lit elements that render into the page itself, so that the shared style sheets reach them.

import { LitElement } from "../../vendor/lit.js";

export class LightElement extends LitElement {
  createRenderRoot() {
    return this;
  }
}
