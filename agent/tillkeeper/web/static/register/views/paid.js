// @ts-check
/** After the last payment: the change, and what comes next. */

import { html } from "../../vendor/preact.js";
import { counted } from "../../shared/words.js";
import { notSent } from "../order.js";

/** @param {any} props */
export function Paid({ desk, state, check }) {
  const { money, catalogue } = state;
  const change = check.payments.reduce((sum, one) => sum + one.change_minor, 0);
  const view = desk.place().view;
  const next = () => (view === "window" ? desk.go("window") : desk.act.fresh());
  const title = (id) => catalogue.tenders.find((one) => one.tender === id)?.title ?? id;
  if (check.state === "voided") return html`<section class="card paid"><h1>${check.ticket_code} is void</h1><button type="button" class="primary big" data-action="done" onClick=${next}>Go on</button></section>`;
  const kept = notSent(check.lines);
  const fire = () => desk.act.fire(check, { line_ids: kept.map((line) => line.line_id) }, "Send what was on hold");
  return html`<section class="card paid" data-code=${check.ticket_code} aria-live="polite">
    <p class="muted"><span class="badge good">✓ Paid</span> ${check.ticket_code} · ${money(check.totals.gross_minor)} · ${check.payments.map((one) => title(one.tender)).join(" + ")}</p>
    <div class="change" data-change=${change}><span>${change ? "Change" : "No change"}</span>${change > 0 && html`<output>${money(change)}</output>`}</div>
    ${check.payments.filter((one) => one.foreign_currency).map((one) => html`<p key=${one.tender_id}>${title(one.tender)}: ${money(one.foreign_minor, one.foreign_currency)} taken as ${money(one.tendered_minor)}.</p>`)}
    ${kept.length > 0 && html`<p class="row wrap-row warn-text" role="status" data-not-sent=${kept.length}><span class="strong">Ⅱ Paid, but the kitchen does not have ${counted(kept.length, "line")}: ${kept.map((line) => line.name).join(", ")}.</span>
      <button type="button" data-action="fire-held" onClick=${fire}>Send now</button></p>`}
    <div class="row wrap-row paid-actions">
      <button type="button" data-action="reprint-receipt" onClick=${() => desk.act.receipt(check)}>Receipt again (COPY)</button>
      <button type="button" data-action="detail" onClick=${() => desk.go("check", check.check_id)}>Details</button>
      <button type="button" class="primary big grow" autofocus data-action="done" onClick=${next}>${view === "window" ? "Next car" : "Next order"}</button></div>
  </section>`;
}
