// @ts-check
/** The signs over the full width, and the bar with stations, pages and buttons. */

import { Choice } from "../shared/ui.js";
import { counted } from "../shared/words.js";
import { html } from "../vendor/preact.js";

const SHAPES = { bad: "✕", warn: "▲", info: "i" };

/** @param {{signs: import("./signs.js").Sign[], onSign: (id: string) => void}} props */
export const Signs = ({ signs, onSign }) => html`<div class="signs">${signs.map((sign) => {
  const inside = html`<span class="shape" aria-hidden="true">${SHAPES[sign.level]}</span><span class="sign-words"><b>${sign.title}</b> ${sign.words}</span>
    ${sign.action && html`<span class="sign-action">${sign.action}</span>`}`;
  return sign.action
    ? html`<button type="button" key=${sign.id} class="sign ${sign.level}" data-testid="sign" data-sign=${sign.id} onClick=${() => onSign(sign.id)}>${inside}</button>`
    : html`<div key=${sign.id} class="sign ${sign.level}" role=${sign.level === "bad" ? "alert" : "status"} data-testid="sign" data-sign=${sign.id}>${inside}</div>`;
})}</div>`;

/** @param {any} props */
export function Top({ settings, device, own, prefs, onPrefs, open, hidden, page, pages, onPage, past, soldOut, allDayOpen, unsent, registers, acts, onSettings }) {
  const stations = Object.entries(own);
  const live = registers.filter((register) => register.state === "live").length;
  const connected = live > 0;
  return html`<header class="top">
    <h1 class="place clip"><span class="visually-hidden">Kitchen display </span>${stations.length === 1 ? stations[0][1] : device}</h1>
    ${stations.length > 1 && html`<${Choice} label="Station" testid="stations" value=${prefs.stations?.[0] ?? ""} onChange=${(station) => onPrefs({ stations: station ? [station] : null })}
      options=${[{ value: "", label: "All" }, ...stations.map(([value, label]) => ({ value, label }))]} />`}
    <p class="open-count" data-testid="open-count" data-connected=${connected ? "yes" : "no"}><span class="shape ${connected ? "good" : "bad"}" aria-hidden="true">${connected ? "●" : "✕"}</span>
      <span><b>${open}</b> open${hidden ? html`, ${hidden} elsewhere` : ""}${unsent ? html` <span data-testid="unsent">(${counted(unsent, "touch", "touches")} to send)</span>` : ""}</span></p>
    <span class="grow"></span>
    <nav class="row pager" aria-label="Pages of tickets">
      <button type="button" data-testid="page-previous" aria-label="Page before" disabled=${page === 0} onClick=${() => onPage(page - 1)}>◀</button>
      <span class="nowrap" data-testid="page-count"><span class="visually-hidden">Page </span>${page + 1}/${pages}</span>
      <button type="button" data-testid="page-next" aria-label="Next page" disabled=${page >= pages - 1} onClick=${() => onPage(page + 1)}>▶</button>
    </nav>
    <button type="button" data-testid="open-recall" onClick=${acts.recall}>Recall <span class="muted">${past}</span></button>
    <button type="button" data-testid="open-all-day" aria-pressed=${allDayOpen ? "true" : "false"} onClick=${acts.all_day}>All day</button>
    <button type="button" data-testid="open-sold-out" onClick=${acts.sold_out}>86${soldOut ? html` <span class="badge bad">${soldOut}</span>` : ""}</button>
    <button type="button" data-testid="sound" aria-pressed=${prefs.muted ? "true" : "false"} onClick=${acts.sound}>${prefs.muted ? "Unmute" : "Mute"}</button>
    <button type="button" class="icon" data-testid="open-settings" aria-label="Settings of this screen" onClick=${onSettings}>⚙</button>
  </header>`;
}
