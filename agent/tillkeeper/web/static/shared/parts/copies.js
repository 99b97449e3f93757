// @ts-check
/** Where the books are: HQ, the other registers, and what only this machine holds. */

import { html, useRef } from "../../vendor/preact.js";
import { LEVELS, grown, key, level, onlyHere, title, words } from "../copies.js";

/** @param {any} props */
export function Copies({ status, link }) {
  const peaks = useRef({});
  const sinks = status.sinks ?? [];
  if (link === "live") peaks.current = grown(peaks.current, sinks);
  const here = onlyHere(status, link);
  return html`<section class="card part" aria-label="Copies"><h2>Copies of the books</h2>
    <p class=${here.bad ? "strong wrap" : "wrap"} data-only-here=${status.only_here}>${here.words}</p>
    ${sinks.map((sink) => {
      const at = level(sink, link);
      const most = peaks.current[key(sink)] ?? 0;
      return html`<div class="sink" key=${key(sink)} data-sink=${sink.name} data-level=${at}><span class=${LEVELS[at].kind} aria-hidden="true">${LEVELS[at].mark}</span>
        <span class="strong clip">${title(sink)}</span><span class="grow wrap">${words(sink, link)}</span>
        ${at === "busy" && sink.behind > 0 && html`<progress max=${most} value=${most - sink.behind} aria-label="${title(sink)}: copied so far"></progress>`}</div>`;
    })}</section>`;
}
