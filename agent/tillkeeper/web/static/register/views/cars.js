// @ts-check
/** The cars between the speaker and the window, in their order. */

import { html } from "../../vendor/preact.js";
import { cars } from "../../shared/live-state.js";

/** @param {any} props */
export function Cars({ desk, state }) {
  const queue = cars(Object.values(state.live.checks));
  return html`<div class="cars" role=${queue.length ? "list" : null} aria-label="Cars in order" data-testid="cars">
    ${queue.length === 0 && html`<p class="muted">No car is waiting.</p>`}
    ${queue.map((check) => html`<div role="listitem" key=${check.check_id}><button type="button" class="car" data-car=${check.car} data-check=${check.ticket_code} onClick=${() => desk.act.recall(check.check_id)}>
      <span class="car-number">${check.car || "·"}</span><span class="strong">${check.ticket_code}</span><span class="muted">${state.money(check.due_minor)}</span></button></div>`)}
  </div>`;
}
