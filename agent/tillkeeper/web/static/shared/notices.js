// @ts-check
/** What must not be overlooked, above every view: training, storage, refusals, upgrade. */

import { html } from "../vendor/preact.js";
import { Dot } from "./ui.js";
import { UNKEPT } from "./keeping.js";
import { counted, sentence } from "./words.js";
import { alarms } from "./live-state.js";
import { releaseAll } from "./parts/jobs.js";

/** The dot as this page knows it: the register's own words, or that the register does not answer. @param {any} state */
export function connection(state) {
  if (state.link === "lost") return { colour: "red", words: "Register does not answer" };
  if (state.link === "connecting" && !state.live.status) return { colour: "grey", words: "Connecting…" };
  return state.live.status?.dot ?? { colour: "grey", words: "Unknown" };
}

/**
 * The connection in the bar at the top, and what waits for it. It comes and goes without moving anything under a finger.
 * @param {any} props
 */
export function Connection({ state }) {
  const dot = connection(state);
  const stuck = state.waiting.filter((entry) => entry.state === "waiting" && entry.tries > 0);
  const lost = state.link === "lost";
  const words = stuck.length ? `${lost ? "Register does not answer." : stuck[0].words} ${counted(stuck.length, "entry waits", "entries wait")}` : dot.words;
  return html`<a class="top-dot ${lost || stuck.length ? "trouble" : ""}" href="#/status" data-banner=${lost ? "lost" : stuck.length ? "waiting" : null}>
    <span role=${lost || stuck.length ? "alert" : null}><${Dot} colour=${stuck.length && !lost ? "grey" : dot.colour} words=${words} />${lost && html`<span class="visually-hidden">What you enter is kept here and goes out by itself.</span>`}</span></a>`;
}

/** @param {any} props */
export function Notices({ desk, state }) {
  const { session, storageTrouble, update, waiting } = state;
  const refused = waiting.filter((entry) => entry.state === "refused");
  const done = waiting.filter((entry) => entry.state === "done" && entry.tab !== desk.outbox.tab);
  return html`<div class="notices">
    ${session?.training && html`<div class="banner training" role="status" data-banner="training">TRAINING · nothing counts</div>`}
    ${storageTrouble && html`<div class="banner warn" role="alert" data-banner="storage"><span aria-hidden="true">!</span><span class="grow">This browser keeps nothing (private window, or its storage is full): do not close or reload this page while an order is being sent.</span></div>`}
    ${state.survives === false && html`<div class="banner warn" role="status" data-banner="unkept"><span aria-hidden="true">!</span><span class="grow">${sentence(UNKEPT.title.toLowerCase())}. ${UNKEPT.words}</span></div>`}
    ${alarms(state).map((one) => html`<div class="banner ${one.code === "drawer_open" ? "warn" : "bad"}" role="alert" data-banner=${one.code} key=${one.code + one.subject}><span aria-hidden="true">!</span>
      <span class="grow wrap"><b>${one.title}</b>: ${one.text}</span>
      ${one.code === "tickets_held" && html`<button type="button" data-action="release-all" onClick=${() => releaseAll(desk)}>Print all held, in order</button>`}</div>`)}
    ${refused.map((entry) => html`<div class="banner bad" role="alert" data-banner="refused" key=${entry.id}><span aria-hidden="true">!</span>
      <span class="grow wrap"><b>${entry.label}</b>: ${entry.problem?.words}</span>
      <button type="button" data-action="retry" onClick=${() => desk.again(entry)}>Try again</button>
      <button type="button" data-action="give-up" onClick=${() => desk.givenUp(entry)}>Give up</button></div>`)}
    ${done.map((entry) => html`<div class="banner info" role="status" data-banner="done" key=${entry.id}><span aria-hidden="true">✓</span>
      <span class="grow wrap"><b>${entry.label}</b>: accepted${entry.value?.ticket_code ? ` as ${entry.value.ticket_code}` : ""}${entry.value?.change_minor ? `, change ${state.money(entry.value.change_minor)}` : ""}.</span>
      <button type="button" data-action="seen" onClick=${() => desk.finished(entry)}>Seen</button></div>`)}
    ${update && html`<div class="banner info" role="status" data-banner="update"><span aria-hidden="true">↻</span><span class="grow">The register runs version ${update}. Load this page anew between two sales.</span><button type="button" data-action="reload" onClick=${() => location.reload()}>Load anew</button></div>`}
  </div>`;
}
