// @ts-check
/** A check that waits for what became of a card payment: nothing of it may change, and there are two ways out. */

import { html } from "../../vendor/preact.js";
import { sentence } from "../../shared/words.js";
import { Confirm } from "../../shared/dialogs.js";

const WORDS = { asked: "is being asked for", unknown: "was asked for, and the answer never came", approved: "was approved and is not booked yet" };

/** @param {any} check */
export const isFrozen = (check) => (check.frozen?.length ?? 0) > 0;

/** Refusals after which the check is read again, for it is frozen now. */
export const FREEZES = ["check_frozen", "authorisation_unknown"];

/** @param {any} props */
export function Frozen({ desk, state, check }) {
  if (!isFrozen(check)) return null;
  const way = (rest, label, good) => desk.once(`frozen.${check.check_id}`, async () => {
    const ask = (body) => desk.command({ lane: check.check_id, path: `/v1/checks/${encodeURIComponent(check.check_id)}/authorisation/${rest}`, body, label: `${label} ${check.ticket_code}`, quiet: true });
    let result = await ask({});
    if (rest === "abandon" && !result.ok && result.problem.code === "asked_elsewhere" && await desk.ask(Confirm, { title: "Another register asked for it", words: `${sentence(result.problem.words)} Ask the guest. If it was booked there, it is given back.`, action: "Pay another way", danger: true })) result = await ask({ although_unreachable: true });
    if (!result.ok) desk.toast(result.problem.words, "bad");
    if (result.ok) desk.toast(result.value.state === "closed" ? `${check.ticket_code} is paid.` : good, "good");
    await desk.readCheck(check.check_id);
  });
  async function another() {
    const words = "Whatever was charged is given back: the reversal goes out before anything else and is listed until the bank has said so. Then take the money in another way.";
    if (await desk.ask(Confirm, { title: `Pay ${check.ticket_code} another way?`, words, action: "Pay another way" })) await way("abandon", "Pay another way:", "Take the payment another way now.");
  }
  return html`<div class="notice-box warn" role="alert" data-testid="frozen">
    ${check.frozen.map((one) => html`<p class="wrap" key=${one.authorisation_id} data-state=${one.state}><b>! Frozen.</b> ${state.money(one.amount_minor)} by ${state.catalogue.tenders.find((tender) => tender.tender === one.tender)?.title ?? one.tender} ${WORDS[one.state] ?? one.state}${one.last_error ? ` (${one.last_error})` : ""}.</p>`)}
    <div class="row wrap-row"><button type="button" class="primary" data-action="query" disabled=${check.frozen.some((one) => one.under_way)} onClick=${() => way("query", "Ask again:", "It was not charged. Take the payment again.")}>${check.frozen.some((one) => one.under_way) ? "Asking…" : "Ask again"}</button>
      <button type="button" data-action="abandon" onClick=${another}>Pay another way…</button></div></div>`;
}
