// @ts-check
/** What this browser keeps for the register, and in whose name it waits. */

import { html } from "../../vendor/preact.js";

/** @param {any} props */
export function NotSent({ desk, state }) {
  const { session } = state;
  const waiting = state.waiting.filter((entry) => entry.state === "waiting");
  if (!waiting.length) return null;
  return html`<section class="card part" aria-label="Not sent yet"><h2>Not sent yet</h2><ul class="plain-list">${waiting.map((entry) => html`<li key=${entry.id} data-waiting=${entry.id}><span class="strong wrap">${entry.label}</span> <span class="muted">${entry.words || "on its way"}${entry.training ? " · TRAINING" : ""}</span>
    ${session && session.employee !== entry.employee && html`<button type="button" data-action="send-as-me" onClick=${() => desk.again(entry)}>Send in my name</button>`}</li>`)}</ul></section>`;
}
