// @ts-check
/** What can be done about a device from a page: another printer takes its place, that is taken back, and a drawer's
 * switch is learned. */

import { html } from "../../vendor/preact.js";
import { clock } from "../words.js";
import { Confirm } from "../dialogs.js";
import { Replace } from "./replace.js";

const PRINTERS = ["escpos", "star", "escpos_display"];

const path = (device, rest) => `/v1/devices/${encodeURIComponent(device)}/${rest}`;

/** @param {any} desk @param {string} device @param {string} rest @param {object} body @param {string} label @param {boolean} [quiet] */
export const give = (desk, device, rest, body, label, quiet = false) => desk.command({ lane: `device.${device}`, path: path(device, rest), body, label: `${label} ${device}`, quiet });

/** Another printer takes the place of `device`. @param {any} desk @param {string} device */
export const replace = (desk, device) => desk.once(`replace.${device}`, () => desk.ask(Replace, { device }));

/** @param {any} desk @param {any} device */
async function undo(desk, device) {
  const words = `It is then again what it was before: ${device.replaced.configured}. What waits for it prints there.`;
  const sure = await desk.ask(Confirm, { title: `Take the replacement of ${device.device} back?`, words, action: "Take it back" });
  const result = sure && await desk.once(`undo.${device.device}`, () => give(desk, device.device, "undo", {}, "Undo"));
  if (result?.ok) desk.toast(`${device.device} is what it was before.`, "good");
}

/** A person looks whether the drawer opens: then its switch is known. @param {any} desk @param {string} drawer */
async function learn(desk, drawer) {
  const sure = await desk.ask(Confirm, { title: "Does the drawer open?", words: "Shut the drawer. It gets one pulse now; look whether it opens.", action: "Open it" });
  if (!sure) return;
  const tried = await desk.once(`try.${drawer}`, () => give(desk, drawer, "try", {}, "Try"));
  if (!tried?.ok) return;
  const opened = await desk.ask(Confirm, { title: "Did the drawer open?", words: "Leave it open until you have answered.", action: "Yes, it is open" });
  const told = await desk.once(`learn.${drawer}`, () => give(desk, drawer, "learn", { opened: Boolean(opened) }, "Learn"));
  if (told?.ok) desk.toast(opened ? "From now on the register knows whether it is open." : "Look at its cable and its key.", opened ? "good" : "bad");
}

/** Whether "Replace this printer" is offered for what is in trouble. @param {any} status @param {string} subject */
export const isPrinter = (status, subject) => Boolean(status?.devices.some((one) => one.device === subject && PRINTERS.includes(one.kind)));

/** @param {any} desk @param {string} device */
const tryPaper = (desk, device) => desk.once(`test.${device}`, async () => {
  const result = await give(desk, device, "test", {}, "Test slip of");
  if (result.ok) desk.toast("A test slip is on its way.", "good");
});

/** The buttons of one device. @param {any} props `tries`: whether a test slip is offered */
export function DeviceActions({ desk, state, device, tries = false }) {
  const mayLearn = device.kind === "drawer" && device.drawer_open === "unknown" && device.known;
  const mayTry = tries && PRINTERS.includes(device.kind);
  const mayReplace = PRINTERS.includes(device.kind) && device.trouble;
  if (!device.replaced && !mayReplace && !mayLearn && !mayTry) return null;
  return html`<div class="row device-actions">
    ${device.replaced && html`<span class="small muted" data-replaced=${device.device}>replaced ${clock(device.replaced.at_ms, state.settings.timezone)}${device.replaced.by ? ` by ${device.replaced.by}` : ""}${device.replaced.ignored ? `, and not followed: ${device.replaced.ignored}` : ""}</span>
      <button type="button" data-action="undo-replacement" onClick=${() => undo(desk, device)}>Take back…</button>`}
    ${mayReplace && html`<button type="button" data-action="replace" onClick=${() => replace(desk, device.device)}>Replace this printer…</button>`}
    ${mayTry && html`<button type="button" data-action="test-slip" onClick=${() => tryPaper(desk, device.device)}>Test slip</button>`}
    ${mayLearn && html`<button type="button" data-action="learn-drawer" onClick=${() => learn(desk, device.device)}>Learn its switch…</button>`}
  </div>`;
}
