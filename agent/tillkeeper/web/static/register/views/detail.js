// @ts-check
/** One check in full, whatever its state. */

import { html, useState } from "../../vendor/preact.js";
import { CHECK_STATES, ORDER_TYPES, clock } from "../../shared/words.js";
import { Amount, Pick } from "../../shared/dialogs.js";
import { notSent } from "../order.js";
import { Elsewhere } from "../together/elsewhere.js";
import { Frozen } from "../together/frozen.js";
import { slipWords } from "../together/paper.js";
import { CheckMenu } from "../line-menus.js";
import { CheckLine, Totals, discountWords } from "./lines.js";

/** @param {any} props */
export function Detail({ desk, state, check }) {
  const [picked, setPicked] = useState({});
  const close = () => desk.go("checks");
  if (!check) return html`<section class="card detail"><p role="status">Reading the check…</p><button type="button" data-action="back" onClick=${close}>Back</button></section>`;
  const { money, catalogue, settings } = state;
  const title = (id) => catalogue.tenders.find((one) => one.tender === id)?.title ?? id;
  const open = check.state === "open";
  const kept = check.state === "closed" ? notSent(check.lines) : [];
  const sendKept = () => desk.act.fire(check, { line_ids: kept.map((line) => line.line_id) }, "Send what was on hold");
  const pieces = Object.values(picked).reduce((sum, count) => sum + count, 0);
  const pick = (line) => setPicked((now) => {
    const most = line.quantity - line.refunded_quantity;
    const { [line.line_id]: was = 0, ...others } = now;
    return was >= most ? others : { ...others, [line.line_id]: was + 1 };
  });
  async function refund(body, words) {
    const tenders = catalogue.tenders.filter((one) => one.available && (one.kind !== "cash" || !one.currency || one.currency === settings.currency));
    const tender = await desk.ask(Pick, { title: "Give back by", testid: "refund-tender", options: tenders.map((one) => ({ value: one.tender, label: one.title })) });
    if (tender && (await desk.act.refund(check, { ...body, tender }, words))) setPicked({});
  }
  async function refundAmount() {
    const amount_minor = await desk.ask(Amount, { title: "Refund an amount", most: check.totals.gross_minor });
    if (amount_minor) await refund({ amount_minor }, money(amount_minor));
  }
  return html`<section class="card detail" aria-label="Check ${check.ticket_code}" data-code=${check.ticket_code} data-state=${check.state}>
    <header class="detail-head"><div class="row"><h1 class="code">${check.ticket_code}</h1><span class="badge ${open ? "info" : check.state === "closed" ? "good" : "bad"}">${open ? "○" : check.state === "closed" ? "✓" : "✕"} ${CHECK_STATES[check.state]}</span>
        ${check.awaiting && html`<span class="badge warn">◷ Awaiting ${title(check.awaiting)}</span>`}${check.training && html`<span class="badge warn">TRAINING</span>`}
        <span class="grow"></span><button type="button" class="icon" aria-label="Close" data-action="close-detail" onClick=${close}>✕</button></div>
      <p class="wrap">${[ORDER_TYPES[check.order_type], check.table && `table ${check.table}`, check.name, check.car ? `car ${check.car}` : "", check.server].filter(Boolean).join(" · ")}</p>
      <p class="small muted wrap">${clock(check.opened_at_ms, settings.timezone)}${check.closed_at_ms ? ` – ${clock(check.closed_at_ms, settings.timezone)}` : ""} · ${check.terminal}${check.number ? ` · No. ${check.number}` : ""} · <span data-long-id=${check.check_id}>${check.check_id}</span></p>
      ${settings.hq && html`<p class="small ${check.synced ? "muted" : "strong"}" data-synced=${check.synced ? "yes" : "no"}>${check.synced ? "✓ HQ has everything of it" : "⇡ not synced: HQ does not have everything of it yet"}</p>`}
      <${Elsewhere} desk=${desk} check=${check} /><${Frozen} desk=${desk} state=${state} check=${check} />${check.slip && html`<p class="wrap" data-slip=${check.slip.slip}>${slipWords(check.slip, settings.timezone)}</p>`}
      ${check.note && html`<p class="wrap">Note: ${check.note}</p>`}${check.void_reason && html`<p class="wrap">Void: ${check.void_reason}</p>`}</header>
    <div class="lines" role=${check.lines.length + check.payments.length ? "list" : null} aria-label="Lines">${check.lines.map((line) => html`<div key=${line.line_id} role="presentation" class=${picked[line.line_id] ? "picked" : ""}>
      <${CheckLine} line=${line} discounts=${check.discounts.filter((one) => one.line_id === line.line_id)} money=${money} zone=${settings.timezone} onPick=${check.state === "closed" && line.quantity > line.refunded_quantity ? () => pick(line) : null} />
      ${picked[line.line_id] && html`<p class="picked-words small">↩ ${picked[line.line_id]} to refund</p>`}</div>`)}
      ${check.discounts.filter((one) => !one.line_id).map((one) => html`<div role="listitem" class="pay-line" key=${one.discount_id}><span aria-hidden="true">%</span><span class="wrap">${discountWords(one, money)}</span></div>`)}
      ${check.payments.map((one) => html`<div role="listitem" class="pay-line settled" key=${one.tender_id}><span aria-hidden="true">✓</span><span class="wrap">${title(one.tender)}${one.change_minor ? ` (given ${money(one.tendered_minor)}, change ${money(one.change_minor)})` : ""}${one.reference ? ` · ${one.reference}` : ""}</span><span>${money(one.amount_minor)}</span></div>`)}
      ${check.refunds.map((one) => html`<div role="listitem" class="pay-line" key=${one.refund_id} data-refund=${one.amount_minor}><span aria-hidden="true">↩</span><span class="wrap">Refund by ${title(one.tender)}: ${one.reason}</span><span>−${money(one.amount_minor)}</span></div>`)}</div>
    <${Totals} check=${check} money=${money} />
    <footer class="row wrap-row">
      ${open && !check.elsewhere && html`<button type="button" class="primary grow" data-action="recall" onClick=${() => desk.act.recall(check.check_id)}>Recall</button><button type="button" class="grow" data-action="pay" disabled=${!check.lines.some((line) => line.quantity)} onClick=${() => desk.go("pay", check.check_id)}>Pay</button>
        <button type="button" data-action="more" onClick=${() => desk.ask(CheckMenu, { check })}>More…</button>`}
      ${kept.length > 0 && html`<button type="button" class="primary grow" data-action="fire-held" onClick=${sendKept}>Send ${kept.length} to the kitchen</button>`}
      ${check.state === "closed" && html`<button type="button" data-action="reprint-receipt" onClick=${() => desk.act.receipt(check)}>Receipt (COPY)</button>
        <button type="button" data-action="reprint-ticket" onClick=${() => desk.act.ticket(check)}>Kitchen ticket</button>
        ${pieces > 0 ? html`<button type="button" class="danger grow" data-action="refund" onClick=${() => refund({ quantities: picked }, `${pieces} of ${check.ticket_code}`)}>Refund ${pieces} picked…</button>`
    : html`<button type="button" class="danger" data-action="refund" onClick=${() => refund({}, `all of ${check.ticket_code}`)}>Refund all…</button>`}
        <button type="button" class="danger" data-action="refund-amount" onClick=${refundAmount}>Refund amount…</button>`}
    </footer>
    ${check.state === "closed" && !pieces && html`<p class="small muted">Tap lines to refund single pieces.</p>`}
  </section>`;
}
