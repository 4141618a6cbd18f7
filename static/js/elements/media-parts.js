// Images and sounds that were sent with a message, or came with the input.

import { html, nothing } from "../../vendor/lit.js";
import * as format from "../lib/format.js";
import { clean } from "../lib/text.js";

/** Where the page of a run gets them from; the address is made of a hash and nothing that a model wrote. */
export function mediaAddress(run, { sha256 }) {
  return `/runs/${encodeURIComponent(run)}/media/${encodeURIComponent(sha256)}`;
}

function shown(address, file) {
  const name = clean(file.name);
  if (file.media_type.startsWith("audio/")) return html`<audio controls preload="none" src=${address} aria-label=${name}></audio>`;
  return html`<a href=${address}><img src=${address} alt=${name} loading="lazy" decoding="async"></a>`;
}

/** A row of images and players, each with its name, type and size. */
export function mediaRow(files) {
  const run = document.querySelector("[data-run]")?.dataset.run;
  if (!run || !files?.length) return nothing;
  return html`<ul class="media-row" aria-label="Images and sounds">
    ${files.map((file) => html`<li><figure>
      ${shown(mediaAddress(run, file), file)}
      <figcaption><span class="clip" title=${clean(file.name)}>${clean(file.name)}</span>
        <span class="faint number">${file.media_type} · ${format.bytes(file.size)}</span></figcaption>
    </figure></li>`)}
  </ul>`;
}
