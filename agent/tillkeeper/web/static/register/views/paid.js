// @ts-check
/** After the last payment: the change, and what comes next. */

import { html } from "../../vendor/preact.js";

/** @param {any} props */
export function Paid({ desk, state, check }) {
  const { money, catalogue } = state;
  const change = check.payments.reduce((sum, one) => sum + one.change_minor, 0);
  const view = desk.place().view;
  const next = () => (view === "window" ? desk.go("window") : desk.act.fresh());
  const title = (id) => catalogue.tenders.find((one) => one.tender === id)?.title ?? id;
  if (check.state === "voided") return html`<section class="card paid"><h1>${check.ticket_code} is void</h1><button type="button" class="primary big" data-action="done" onClick=${next}>Go on</button></section>`;
  return html`<section class="card paid" data-code=${check.ticket_code} aria-live="polite">
    <p class="muted"><span class="badge good">✓ Paid</span> ${check.ticket_code} · ${money(check.totals.gross_minor)} · ${check.payments.map((one) => title(one.tender)).join(" + ")}</p>
    <div class="change" data-change=${change}><span>${change ? "Change" : "No change"}</span>${change > 0 && html`<output>${money(change)}</output>`}</div>
    ${check.payments.filter((one) => one.foreign_currency).map((one) => html`<p key=${one.tender_id}>${title(one.tender)}: ${money(one.foreign_minor, one.foreign_currency)} taken as ${money(one.tendered_minor)}.</p>`)}
    <div class="row wrap-row paid-actions">
      <button type="button" data-action="reprint-receipt" onClick=${() => desk.act.receipt(check)}>Receipt again (COPY)</button>
      <button type="button" data-action="detail" onClick=${() => desk.go("check", check.check_id)}>Details</button>
      <button type="button" class="primary big grow" autofocus data-action="done" onClick=${next}>${view === "window" ? "Next car" : "Next order"}</button></div>
  </section>`;
}
