// @ts-check
/** Devices: how each is, what waits for it, and what can be done about it. */

import { html } from "../../vendor/preact.js";
import { age, deviceState } from "../words.js";
import { DeviceActions } from "./device-actions.js";

/** Of when its state is, and where it is reached. @param {any} one `DeviceView` */
const whereabouts = (one) => [one.asked_age_s === null ? "never heard" : `heard ${age(one.asked_age_s * 1000)} ago`, one.address, one.register && `at register ${one.register}`].filter(Boolean).join(" · ");

/** @param {{one: any, lost: boolean}} props */
function Mark({ one, lost }) {
  const [mark, kind] = lost ? ["?", "muted"] : one.trouble ? ["!", "bad-text strong"] : one.note ? ["…", "muted"] : one.known ? ["✓", "good-text"] : ["?", "muted"];
  return html`<span class=${kind} aria-hidden="true">${mark}</span>`;
}

/** @param {any} props `detailed`: also where it is and when it was heard last, and a slip to try it */
export function Devices({ desk, state, detailed = false }) {
  const lost = state.link === "lost";
  return html`<section class="card part" aria-label="Devices"><h2>Devices</h2>
    ${state.live.status?.devices.map((one) => html`<div class="device" key=${one.device} data-device=${one.device}><${Mark} one=${one} lost=${lost} />
      <span class="strong clip">${one.device}</span><span class="grow wrap">${lost ? "not known now; before: " : ""}${deviceState(one)}${detailed && html`<br /><span class="small muted">${whereabouts(one)}</span>`}</span><span class="small muted nowrap">${one.queued ? `${one.queued} waiting` : ""}</span>
      <${DeviceActions} desk=${desk} state=${state} device=${one} tries=${detailed} /></div>`)}</section>`;
}
