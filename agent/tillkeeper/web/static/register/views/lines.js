// @ts-check
/** Lines and sums of a check as the register has them. */

import { html } from "../../vendor/preact.js";
import { LINE_MARKS, LINE_STATES, capital, clock } from "../../shared/words.js";

/** @param {any} props `onPick` null: it is only shown */
export function CheckLine({ line, discounts, money, zone, onPick }) {
  const state = line.quantity ? line.state : "voided";
  const piece = Math.max(0, line.unit_price_minor + line.modifiers.reduce((sum, pick) => sum + pick.price_minor * pick.quantity, 0));
  const facts = [line.seat && `seat ${line.seat}`, line.course > 1 && `course ${line.course}`, line.note, line.voided_quantity && `${line.voided_quantity} void`, line.refunded_quantity && `${line.refunded_quantity} refunded`].filter(Boolean).join(" · ");
  const word = state === "scheduled" && line.fire_at_ms ? `Timed ${clock(line.fire_at_ms, zone)}` : LINE_STATES[state];
  const body = html`<span class="line-mark" title=${word}>${LINE_MARKS[state]}</span><span class="line-quantity">${line.quantity || line.voided_quantity}</span>
    <span class="line-name"><span class="wrap">${line.name}</span>
      ${line.modifiers.map((pick) => html`<span class="line-modifier" key=${pick.modifier_id}>${pick.quantity > 1 ? `${pick.quantity} × ` : ""}${pick.name}</span>`)}
      ${facts && html`<span class="line-modifier">${facts}</span>`}
      ${discounts.map((one) => html`<span class="line-modifier" key=${one.discount_id}>${discountWords(one, money)}</span>`)}
      <span class="line-state">${word}</span></span>
    <span class="line-price">${money(line.quantity * piece)}</span>`;
  const facets = { class: `line ${state}`, "data-line": line.line_id, "data-item-line": line.item_id, "data-state": state };
  return html`<div role="listitem">${onPick ? html`<button type="button" ...${facets} onClick=${onPick}>${body}</button>` : html`<div ...${facets}>${body}</div>`}</div>`;
}

/** @param {any} one @param {(minor: number) => string} money @returns {string} a rate comes to an amount only within the whole check */
export const discountWords = (one, money) => (one.rate_ppm ? `${one.name} (−${one.rate_ppm / 10_000} %)` : `${one.name} −${money(one.amount_minor)}`);

/** @param {any} props `fresh`: minor units of lines that the register does not have yet, `before`: what they lack */
export function Totals({ check, fresh = 0, before = "", money }) {
  const totals = check?.totals;
  const due = totals ? (check.state === "open" ? totals.due_minor : totals.gross_minor) : fresh;
  return html`<dl class="totals" data-total=${due}>
    ${totals && html`
      ${totals.discount_minor > 0 && html`<div><dt>Discount</dt><dd>−${money(totals.discount_minor)}</dd></div>`}
      <div><dt>Tax ${totals.taxes.length > 0 && totals.taxes.every((one) => one.tax.included) ? "included" : ""}</dt><dd>${money(totals.tax_minor)}</dd></div>
      ${totals.paid_minor > 0 && html`<div><dt>Paid</dt><dd>${money(totals.paid_minor)}</dd></div>`}
      ${totals.rounding_minor !== 0 && html`<div><dt>Cash rounding</dt><dd>${money(totals.rounding_minor)}</dd></div>`}`}
    ${totals && fresh > 0 && html`<div><dt>${["New", before].filter(Boolean).join(", ")}</dt><dd>${money(fresh)}</dd></div>`}
    <div class="due"><dt>${totals ? (check.state === "open" ? "Due" : "Total") : capital(before) || "Total"}</dt><dd>${money(due)}</dd></div>
  </dl>`;
}
