// @ts-check
/** What is wrong with the network, what goes on meanwhile, and what to do about it. */

import { html } from "../../vendor/preact.js";
import { sentence } from "../words.js";

/** @param {{network: any}} props `NetworkBrief`, or all of it (`NetworkView`) */
export function Verdict({ network }) {
  const named = network.phase === "suspect" || network.phase === "confirmed";
  return html`<div data-testid="network" data-phase=${network.phase} data-faults=${network.faults.join(" ")}>
    <p class=${named ? "strong wrap" : "small muted wrap"}>${sentence(network.headline)}</p>
    ${named && network.works && html`<p class="wrap">${sentence(network.works)}</p>`}
    ${named && network.what_to_do.length > 0 && html`<ol>${network.what_to_do.map((words) => html`<li class="wrap" key=${words}>${words}</li>`)}</ol>`}</div>`;
}
