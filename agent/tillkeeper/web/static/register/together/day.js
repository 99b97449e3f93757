// @ts-check
/** The end of the day: what is missing, and what to do about each of it; the close and its Z. */

import { html } from "../../vendor/preact.js";
import { sentence } from "../../shared/words.js";
import { Confirm, Pick, Reason } from "../../shared/dialogs.js";
import { give } from "../../shared/reading.js";

const PARKED = ["Not in use today", "Broken, in repair", "Taken home"];
const GAPS = ["Its disk is lost", "Stolen", "It will not come back before tomorrow"];
const STATES = { ready: ["✓", "good"], to_be_asked: ["○", "info"], lost: ["?", "bad"], gap: ["✎", "warn"], parked: ["P", "plain"], left: ["–", "plain"] };

/** @param {any} props */
export function Day({ desk, reading }) {
  const { value: view } = reading;
  if (!view) return null;
  const say = (path, body, label, good = "") => give(desk, reading, path, body, label, good);
  async function close() {
    const sure = await desk.ask(Confirm, { title: `Close ${view.day}?`, words: "The Z of the whole store is made. Selling goes on; what comes later is in the next day.", action: "Close the day" });
    if (!sure) return;
    const done = await say("/v1/day/close", { day: view.day }, `Close ${view.day}`);
    if (done?.ok) desk.toast(`${view.day} is closed.`, "good");
  }
  async function gap(one) {
    const later = one.state === "lost" ? "Compare its receipts with the books first; the Z names the gap." : "What comes later counts as an adjustment.";
    const note = `${view.day} is then closed without what is missing of it. ${later}`;
    const reason = await desk.ask(Reason, { title: `Sign a gap for register ${one.register}`, presets: GAPS, note, alarm: true });
    if (reason) await say("/v1/day/gaps", { register: one.register, reason, day: view.day }, `Gap of ${one.register}`);
  }
  async function park(one) {
    const reason = await desk.ask(Reason, { title: `Park register ${one.register}`, presets: PARKED, note: "No close waits for it until it is taken back." });
    if (reason) await say(`/v1/registers/${encodeURIComponent(one.register)}/park`, { reason }, `Park ${one.register}`);
  }
  async function again() {
    const day = await desk.ask(Pick, { title: "Print a Z again", options: [{ value: view.last_closed, label: `Z ${view.last_z}`, note: view.last_closed }] });
    if (day) await say(`/v1/days/${day}/report`, {}, "Z again", "It prints, marked as a copy.");
  }
  return html`<section class="card part" aria-label="End of day"><h2>End of day</h2>
    <p class="wrap" data-testid="day" data-day=${view.day ?? ""} data-ready=${String(view.ready)}>${sentence(view.words)}</p>
    ${view.open.length > 1 && html`<p class="small muted wrap">Still open: ${view.open.join(", ")}. The oldest comes first.</p>`}
    ${view.members.map((one) => {
    const [mark, kind] = STATES[one.state] ?? ["!", "bad"];
    return html`<div class="member" key=${one.register} data-register=${one.register} data-state=${one.state} data-blocks=${String(one.blocks)}><span class="badge ${kind}" aria-hidden="true">${mark}</span>
      <div class="grow"><p class="strong wrap">${one.register}</p>
        ${one.words && html`<p class="small wrap">${one.words}.</p>`}${one.blocks && html`<p class="small muted wrap">${one.state === "lost" ? "Compare its receipts of that time with the books. Then:" : "Switch it on, or connect it, and wait. Or:"}</p>`}
        ${(one.blocks || one.state === "parked") && html`<div class="row wrap-row">${one.blocks && html`<button type="button" data-action="gap" onClick=${() => gap(one)}>Sign a gap…</button><button type="button" data-action="park" onClick=${() => park(one)}>Park it…</button>`}
          ${one.state === "parked" && html`<button type="button" data-action="unpark" onClick=${() => say(`/v1/registers/${encodeURIComponent(one.register)}/unpark`, {}, `${one.register} is back`)}>Take it back</button>`}</div>`}</div></div>`;
  })}
    <div class="row wrap-row">${view.day && html`<button type="button" class="primary grow" data-action="close-day" disabled=${!view.may_close || !view.ready} onClick=${close}>Close ${view.day}…</button>`}
      ${view.last_closed && html`<button type="button" data-action="z-again" onClick=${again}>Z ${view.last_z} again…</button>`}</div>
    ${view.day && !view.may_close && view.primary && html`<p class="small muted wrap">The primary closes the day: register ${view.primary}.</p>`}
  </section>`;
}
