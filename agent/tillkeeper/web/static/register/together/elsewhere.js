// @ts-check
/** Checks of other registers: who has one, taking it, and what a person should know before money is taken for it. */

import { html, useEffect, useState } from "../../vendor/preact.js";
import { age, sentence } from "../../shared/words.js";
import { Confirm } from "../../shared/dialogs.js";

const AGAIN_MS = 3000;

/** Open checks that other registers have, newest first, while `wanted`. @param {any} desk @param {boolean} wanted */
export function useElsewhere(desk, wanted) {
  const [rows, setRows] = useState(/** @type {any[]} */ ([]));
  useEffect(() => {
    if (!wanted) return undefined;
    let shown = true;
    let timer = 0;
    const look = async () => {
      try {
        const found = await desk.api.get("/v1/checks?where=elsewhere&state=open&limit=200");
        if (shown) setRows(found.checks);
      } catch {
        // the register does not answer: the next look may
      }
      if (shown) timer = window.setTimeout(look, AGAIN_MS);
    };
    look();
    return () => {
      shown = false;
      clearTimeout(timer);
    };
  }, [wanted]);
  return rows;
}

/** @param {any} one `elsewhere` of a check */
export const whereWords = (one) => one.mine ? "This register had it before its disk was lost" : one.reachable ? `Register ${one.register} has it` : `Register ${one.register} has it and is silent${one.heard_s === null ? "" : ` for ${age(one.heard_s * 1000)}`}`;

/** Get it here; a silent owner is said first. @param {any} desk @param {any} check @returns {Promise<boolean>} */
export const take = (desk, check) => desk.once(`take.${check.check_id}`, async () => {
  const give = (body) => desk.command({ lane: check.check_id, path: `/v1/checks/${encodeURIComponent(check.check_id)}/take`, body, label: `Take ${check.ticket_code}`, quiet: true });
  let result = await give({});
  if (!result.ok && result.problem.code === "owner_silent") {
    const words = `${sentence(result.problem.words)} It may have been changed or paid there meanwhile. What the kitchen may have already prints marked POSSIBLE DUPLICATE. Both sides are merged once it is back.`;
    if (!await desk.ask(Confirm, { title: `Take ${check.ticket_code} although its register is silent?`, words, action: "Take it", danger: true })) return false;
    result = await give({ although_unreachable: true });
  }
  if (!result.ok) desk.toast(result.problem.words, "bad");
  else desk.toast(`${check.ticket_code} is here now.`, "good");
  await desk.readCheck(check.check_id);
  return result.ok;
});

/** Above a check in full. @param {any} props */
export function Elsewhere({ desk, check }) {
  return html`${check.elsewhere && html`<div class="notice-box" data-testid="elsewhere" data-register=${check.elsewhere.register} data-reachable=${String(check.elsewhere.reachable)}><p class="wrap grow">${whereWords(check.elsewhere)}.${check.elsewhere.reachable ? "" : " What is shown may be older than what is there."}</p>
      ${check.state === "open" && html`<button type="button" class="primary" data-action="take" onClick=${() => take(desk, check)}>Take it</button>`}</div>`}
    ${check.doubt?.length > 0 && html`<div class="notice-box warn" role="alert" data-testid="doubt"><p class="wrap">! It may be paid already: register ${check.doubt.join(", ")} had it and is silent.</p></div>`}
    ${check.conflicts?.length > 0 && html`<div class="notice-box warn" data-testid="merged"><p class="wrap">! Merged with what register ${[...new Set(check.conflicts.map((one) => one.register))].join(", ")} did with it. Look at the lines and payments.</p></div>`}`;
}

/** A payment for a check that may be paid elsewhere is asked for twice. @param {any} desk @param {any} problem @returns {Promise<boolean>} */
export const payAlthough = (desk, problem) => desk.ask(Confirm, { title: "It may be paid already", words: `${sentence(problem.words)} Ask the guest. If it turns out to be paid twice, the difference is listed to be given back.`, action: "Take the payment", danger: true });

/** "Is this B-037?" @param {any} desk @param {any} result of an order */
export async function ifTheSame(desk, result) {
  const code = result.value?.maybe_same;
  if (!code) return;
  const same = await desk.ask(Confirm, { title: `Is this ${code}?`, words: `${code} has the same items and was rung at a register that is silent now. If it is the same guest, void ${result.value.ticket_code} and take ${code} instead.`, action: `Yes: show ${code}` });
  if (same) desk.go("check", code);
}
