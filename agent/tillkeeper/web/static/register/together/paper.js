// @ts-check
/** What was sold on paper while nothing else worked: rung as always, then entered with the number of its slip. */

import { html, useState } from "../../vendor/preact.js";
import { Dialog } from "../../shared/ui.js";
import { clock } from "../../shared/words.js";
import { Confirm } from "../../shared/dialogs.js";
import { beforeTax, draftMinor, isEmpty, lineBody } from "../order.js";

/** Gives {slip, tender, slip_at_ms, print_receipt}. @param {any} props */
function Slip({ desk, done, tenders, today }) {
  const [slip, setSlip] = useState("");
  const [at, setAt] = useState("");
  const [tender, setTender] = useState(tenders[0]?.tender ?? "");
  const [receipt, setReceipt] = useState(false);
  const enter = () => slip.trim() && done({ slip: slip.trim(), tender, print_receipt: receipt, ...(at ? { slip_at_ms: new Date(`${today}T${at}`).getTime() } : {}) });
  const { money, draft } = desk.store.get();
  return html`<${Dialog} title="From paper" testid="paper" onClose=${() => done()}
    footer=${html`<button type="button" class="primary big" data-action="confirm" disabled=${!slip.trim()} onClick=${enter}>Enter ${money(draftMinor(draft))}</button>`}>
    <p class="wrap">The kitchen hears nothing of it and no drawer opens. It counts today; the number and the time of the slip are kept.</p>
    <label class="field">Number on the slip<input autofocus data-field="slip" maxlength="40" value=${slip} autocomplete="off" onInput=${(event) => setSlip(event.currentTarget.value)} onKeyDown=${(event) => event.key === "Enter" && enter()} /></label>
    <label class="field">Time on the slip, if there is one<input type="time" data-field="slip-at" value=${at} onInput=${(event) => setAt(event.currentTarget.value)} /></label>
    <label class="field">Paid by<select data-field="tender" value=${tender} onChange=${(event) => setTender(event.currentTarget.value)}>${tenders.map((one) => html`<option key=${one.tender} value=${one.tender}>${one.title}</option>`)}<option value="">Not paid yet</option></select></label>
    <label class="check-row"><input type="checkbox" data-field="receipt" checked=${receipt} onChange=${(event) => setReceipt(event.currentTarget.checked)} /><span>Print a receipt</span></label>
  <//>`;
}

/** @param {any} props */
export function Paper({ desk, state, reading }) {
  const { draft } = state;
  const ready = draft && !isEmpty(draft) && draft.lines.length > 0 && !draft.check_id && !draft.sending;
  const enter = () => desk.once("paper", async () => {
    const tenders = state.catalogue.tenders.filter((one) => one.available && (!one.currency || one.currency === state.settings.currency));
    const asked = await desk.ask(Slip, { tenders, today: state.live.status?.business_day ?? new Date().toISOString().slice(0, 10) });
    if (!asked) return;
    const { tender, ...about } = asked;
    const body = { order_type: draft.order_type, lines: draft.lines.map(lineBody), ...(tender ? { tenders: [{ tender }] } : {}), ...about };
    for (const field of ["table", "name", "note"]) if (draft[field]) body[field] = draft[field];
    const send = (more) => desk.command({ lane: "paper", path: "/v1/orders/from-paper", body: { ...body, ...more }, label: `Slip ${about.slip}`, quiet: true });
    let result = await send({});
    if (!result.ok && result.problem.code === "slip_known" && await desk.ask(Confirm, { title: `Slip ${about.slip} was entered before`, words: result.problem.words, action: "It is another slip" })) result = await send({ although_known: true });
    if (!result.ok) {
      desk.toast(result.problem.words, "bad");
      return;
    }
    desk.dropDraft(draft.id);
    desk.toast(`Slip ${about.slip} is ${result.value.ticket_code}.`, "good");
    await reading.again();
  });
  return html`<section class="card part" aria-label="From paper"><h2>From paper</h2>
    <p class="wrap">${ready ? `On the order view: ${draft.lines.length} ${draft.lines.length === 1 ? "line" : "lines"}, ${[state.money(draftMinor(draft)), beforeTax(state.settings)].filter(Boolean).join(" ")}.` : "Ring what is on the slip in the order view, do not send it, and come back here."}</p>
    <div class="row wrap-row"><button type="button" data-action="ring-slip" onClick=${() => desk.go("order")}>To the order view</button>
      <button type="button" class="primary grow" data-action="from-paper" disabled=${!ready} onClick=${enter}>Enter as a slip…</button></div></section>`;
}

/** @param {any} slip of a check @param {string} zone */
export const slipWords = (slip, zone) => `From paper: slip ${slip.slip}${slip.slip_at_ms ? `, ${clock(slip.slip_at_ms, zone)}` : ""}${slip.doubled ? ", a number that is there twice" : ""}`;
