// @ts-check
/** What can be done with one line, or with the check that is open. */

import { html } from "../vendor/preact.js";
import { Dialog } from "../shared/ui.js";
import { LINE_STATES } from "../shared/words.js";
import { Pick, Text } from "../shared/dialogs.js";

/** A line of a check. @param {any} props */
export function LineMenu({ desk, done, check, line }) {
  const { act } = desk;
  const left = line.quantity > 0;
  const unsent = left && line.state !== "fired" && line.state !== "voided";
  const then = (work) => () => {
    done();
    work();
  };
  const note = async () => {
    const text = await desk.ask(Text, { title: `Note on ${line.name}`, label: "Note for the kitchen", value: line.note, field: "note", limit: 500 });
    if (text !== undefined) desk.command({ lane: check.check_id, path: path(check, line, "change"), body: { note: text }, label: `Note on ${line.name}` });
  };
  const again = () => desk.edit((draft) => ({ ...draft, lines: [...draft.lines, copyOf(line)] }));
  return html`<${Dialog} title="${line.quantity || line.voided_quantity} × ${line.name}" testid="line" onClose=${() => done()}>
    <p class="muted">${LINE_STATES[line.state]}${line.station ? ` · ${line.station}` : ""}</p>
    <div class="choice-grid">
      ${unsent && html`<button type="button" data-action="fire" onClick=${then(() => act.fire(check, { line_ids: [line.line_id] }))}>Fire now</button>`}
      ${unsent && line.state !== "held" && html`<button type="button" data-action="hold" onClick=${then(() => act.hold(check, [line.line_id]))}>Hold</button>`}
      ${left && html`<button type="button" data-action="again" onClick=${then(again)}>Same again</button>
        <button type="button" data-action="discount" onClick=${then(() => act.discount(check, line))}>Discount…</button>
        <button type="button" data-action="note" onClick=${then(note)}>Note…</button>
        <button type="button" class="danger" data-action="void-line" onClick=${then(() => act.voidLine(check, line))}>Void…</button>`}
      ${check.discounts.filter((one) => one.line_id === line.line_id).map((one) => html`<button type="button" key=${one.discount_id} data-action="drop-discount" onClick=${then(() => act.dropDiscount(check, one))}>No ${one.name}</button>`)}
    </div>
  <//>`;
}

const path = (check, line, what) => `/v1/checks/${encodeURIComponent(check.check_id)}/lines/${encodeURIComponent(line.line_id)}/${what}`;
const copyOf = (line) => ({ uid: `again.${line.line_id}.${Math.random().toString(36).slice(2, 8)}`, item_id: line.item_id, name: line.name, price_minor: line.unit_price_minor, quantity: 1,
  modifiers: line.modifiers.map((pick) => ({ ...pick })), seat: line.seat, course: line.course, note: line.note, held: false });

/** Whatever the check's state allows. @param {any} props */
export function CheckMenu({ desk, done, check }) {
  const { act } = desk;
  const { settings, catalogue } = desk.store.get();
  const open = check.state === "open";
  const then = (work) => () => {
    done();
    work();
  };
  const later = catalogue.tenders.filter((one) => one.kind === "card");
  const wait = async () => {
    const tender = later.length === 1 ? later[0].tender : await desk.ask(Pick, { title: "Settle later by", options: later.map((one) => ({ value: one.tender, label: one.title })) });
    if (tender) act.awaitTender(check, tender);
  };
  const unsent = check.lines.filter((line) => line.quantity && line.state !== "fired" && line.state !== "voided");
  return html`<${Dialog} title=${check.ticket_code} testid="check-menu" onClose=${() => done()}>
    <div class="choice-grid">
      ${open && unsent.length > 0 && html`<button type="button" data-action="fire" onClick=${then(() => act.fire(check, {}, "Everything of"))}>Fire everything</button>
        <button type="button" data-action="hold" onClick=${then(() => act.hold(check, unsent.map((line) => line.line_id)))}>Hold what is not sent</button>`}
      ${open && html`<button type="button" data-action="discount" onClick=${then(() => act.discount(check))}>Discount…</button>`}
      ${open && check.discounts.filter((one) => !one.line_id).map((one) => html`<button type="button" key=${one.discount_id} data-action="drop-discount" onClick=${then(() => act.dropDiscount(check, one))}>No ${one.name}</button>`)}
      ${open && later.length > 0 && !check.awaiting && html`<button type="button" data-action="await" onClick=${then(wait)}>Guest is gone: card later…</button>`}
      ${open && check.awaiting && html`<button type="button" data-action="await-off" onClick=${then(() => act.awaitTender(check, null))}>No longer awaiting</button>`}
      <button type="button" data-action="reprint-ticket" onClick=${then(() => act.ticket(check))}>Reprint last kitchen ticket</button>
      <button type="button" data-action="reprint-receipt" onClick=${then(() => act.receipt(check))}>${check.receipts ? "Receipt again (COPY)" : "Receipt"}</button>
      ${check.state === "closed" && html`<button type="button" data-action="refund" onClick=${then(() => desk.go("check", check.check_id))}>Refund…</button>`}
      ${open && html`<button type="button" data-action="detail" onClick=${then(() => desk.go("check", check.check_id))}>Details</button>
        <button type="button" class="danger" data-action="void-check" onClick=${then(() => act.voidCheck(check))}>Void the whole check…</button>`}
    </div>
    <p class="muted small wrap">${check.check_id} · ${settings.register}</p>
  <//>`;
}
