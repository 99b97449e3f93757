// @ts-check
/** The mode, why, and the two switches that a manager may set by hand. */

import { html } from "../../vendor/preact.js";
import { Dot } from "../../shared/ui.js";
import { clock, sentence } from "../../shared/words.js";
import { Confirm } from "../../shared/dialogs.js";
import { give } from "../../shared/reading.js";

export const MODES = { checking: "Checking", online: "Online", offline: "Offline", island: "Island", offsite: "Offsite", manual_offline: "Offline by hand" };
const ASKED = {
  offline: "Cards, gift cards and loyalty are refused until it is switched back. Everything else goes on, and sales go on to HQ.",
  offsite: "For selling away from the store, on whatever link there is: no other register is missed, and the call to the bank decides about cards. It ends by hand.",
};

/** @param {any} props */
export function Mode({ desk, state, reading }) {
  const { value: view } = reading;
  if (view === undefined) return null;
  async function flip(which, on) {
    const sure = !on || await desk.ask(Confirm, { title: which === "offline" ? "Switch this register offline?" : "Is this register away from the store?", words: ASKED[which], action: which === "offline" ? "Offline by hand" : "Offsite" });
    if (sure) await give(desk, reading, `/v1/mode/${which}`, { on }, `${which === "offline" ? "Offline by hand" : "Offsite"} ${on ? "on" : "off"}`);
  }
  const on = (which) => view?.by_hand === which;
  return html`<section class="card part" aria-label="Mode"><h2>Mode</h2>
    ${!view && html`<p class="muted">Reading…</p>`}
    ${view && html`<p><${Dot} colour=${view.dot.colour} words=${view.dot.words} /></p>
      <p class="wrap" data-testid="mode" data-mode=${view.mode}><b>${MODES[view.mode] ?? view.mode}</b>: ${sentence(view.words)}</p>
      ${view.pending && html`<p class="muted wrap">${MODES[view.pending] ?? view.pending} after this sale.</p>`}
      ${view.by_hand && html`<p class="small muted wrap">Switched${view.by ? ` by ${view.by}` : ""}${view.since_ms ? ` at ${clock(view.since_ms, state.settings.timezone)}` : ""}.</p>`}
      <div class="choice-grid"><button type="button" data-action="offline" aria-pressed=${on("offline") ? "true" : "false"} disabled=${!view.may_switch && !on("offline")} onClick=${() => flip("offline", !on("offline"))}>${on("offline") ? "End offline by hand" : "Offline by hand…"}</button>
        <button type="button" data-action="offsite" aria-pressed=${on("offsite") ? "true" : "false"} disabled=${!view.may_switch && !on("offsite")} onClick=${() => flip("offsite", !on("offsite"))}>${on("offsite") ? "Back in the store" : "Offsite…"}</button></div>
      ${!view.may_switch && html`<p class="small muted wrap">An administrator has not allowed it: <code>support = true</code> in [offline].</p>`}`}
  </section>`;
}
