// @ts-check
/** What a register advises about itself, worst first. */

import { html } from "../../vendor/preact.js";
import { isPrinter, replace } from "./device-actions.js";

const LEVELS = { alarm: { mark: "!", kind: "bad" }, warning: { mark: "!", kind: "warn" }, notice: { mark: "i", kind: "info" } };

/** @param {any} props */
export function Advice({ desk, status }) {
  return html`<section class="card part" aria-label="Advice"><h2>Advice</h2>
    ${!status?.advisories.length && html`<p class="muted">${status ? "Nothing to report." : "Not known yet."}</p>`}
    ${status?.advisories.map((one) => html`<div class="advice" key=${one.code + one.subject} data-advisory=${one.code} data-severity=${one.severity}><span class="badge ${LEVELS[one.severity]?.kind ?? "info"}">${LEVELS[one.severity]?.mark ?? "i"} ${one.severity}</span>
      <div><p class="strong wrap">${one.title}${one.subject ? ` · ${one.subject}` : ""}</p><p class="wrap">${one.text}</p>${one.hint && html`<p class="small muted wrap">${one.hint}</p>`}
        ${one.code === "device_trouble" && isPrinter(status, one.subject) && html`<button type="button" data-action="replace" onClick=${() => replace(desk, one.subject)}>Replace this printer…</button>`}</div></div>`)}</section>`;
}
