// @ts-check
/** Devices: how each is, what waits for it, and what can be done about it. */

import { html } from "../../vendor/preact.js";
import { deviceState } from "../words.js";
import { DeviceActions } from "./device-actions.js";

/** @param {any} props */
export function Devices({ desk, state }) {
  return html`<section class="card part" aria-label="Devices"><h2>Devices</h2>
    ${state.live.status?.devices.map((one) => html`<div class="device" key=${one.device} data-device=${one.device}><span class=${one.trouble ? "bad-text strong" : one.known && !one.note ? "good-text" : "muted"} aria-hidden="true">${one.trouble ? "!" : one.note ? "…" : one.known ? "✓" : "?"}</span>
      <span class="strong clip">${one.device}</span><span class="grow wrap">${deviceState(one)}</span><span class="small muted nowrap">${one.queued ? `${one.queued} waiting` : ""}</span>
      <${DeviceActions} desk=${desk} state=${state} device=${one} /></div>`)}</section>`;
}
