// @ts-check
/** What opens beside or above the tickets: recall, all-day counts, settings. */

import { allDay, cardOf, timer } from "./cards.js";
import { Choice, Dialog } from "../shared/ui.js";
import { html } from "../vendor/preact.js";

/** @param {{past: import("./board.js").Past[], now: (register: string) => number, onRecall: (at: number) => void, onClose: () => void}} props */
export function Recall({ past, now, onRecall, onClose }) {
  const rows = past.map((entry, at) => ({ at, card: cardOf(entry.key, entry.tickets) })).reverse();
  return html`<${Dialog} title="Recall: bumped last" onClose=${onClose} testid="recall">
    ${rows.length === 0 && html`<p class="muted">Nothing was bumped yet.</p>`}
    ${rows.map(({ at, card }) => html`<button type="button" class="recall-row" key=${`${card.key} ${at}`} data-testid="recall-row" data-code=${card.code} onClick=${() => onRecall(at)}>
      <span class="row"><span class="strong">${card.code}</span><span>${card.orderType}</span><span class="muted grow clip">${card.table && `Table ${card.table}`} ${card.name}</span>
        <span class="muted nowrap">${timer(now(card.register) - card.firedAt)}</span></span>
      <span class="muted small wrap">${card.lines.slice(0, 6).map((line) => `${line.quantity} ${line.name}`).join(", ")}${card.lines.length > 6 ? " …" : ""}</span></button>`)}
  </${Dialog}>`;
}

/** @param {{cards: import("./cards.js").Card[], byModifiers: boolean, onByModifiers: (on: boolean) => void, onClose: () => void}} props */
export function AllDay({ cards, byModifiers, onByModifiers, onClose }) {
  const counts = allDay(cards, byModifiers);
  return html`<aside class="all-day" aria-label="All day" data-testid="all-day">
    <header class="row"><h2 class="grow">All day</h2><button type="button" class="icon" aria-label="Close all day" onClick=${onClose}>✕</button></header>
    <${Choice} label="Count" value=${byModifiers} onChange=${onByModifiers} options=${[{ value: false, label: "Items" }, { value: true, label: "With modifiers" }]} />
    <ul tabindex="0" aria-label="Counts">${counts.map((count) => html`<li key=${count.name + count.modifiers.join()} data-testid="all-day-row" data-name=${count.name} data-quantity=${count.quantity}>
      <b class="quantity">${count.quantity}</b><span class="grow wrap">${count.name}${count.modifiers.map((modifier) => html`<span class="sub">${modifier}</span>`)}</span></li>`)}</ul>
    ${counts.length === 0 && html`<p class="muted">Nothing to make.</p>`}
  </aside>`;
}

const MINUTES = [2, 3, 5, 8, 10, 12, 15, 20, 30];

/** @param {{prefs: any, onPrefs: (prefs: object) => void, keys: Record<string, string>, unknownKeys: string[], registers: import("./kitchen.js").Register[], device: string, onClose: () => void}} props */
export function Settings({ prefs, onPrefs, keys, unknownKeys, registers, device, onClose }) {
  const select = (label, name, seconds) => html`<label class="field grow">${label}<select value=${String(seconds)} onChange=${(event) => onPrefs({ [name]: Number(event.currentTarget.value) })}>
    ${[...new Set([...MINUTES.map((minutes) => minutes * 60), seconds])].sort((a, b) => a - b).map((s) => html`<option value=${String(s)} key=${s}>${Math.round((s / 60) * 10) / 10} min</option>`)}</select></label>`;
  return html`<${Dialog} title="This screen (${device})" onClose=${onClose} testid="settings">
    <h3>Size of letters</h3>
    <${Choice} label="Size of letters" value=${prefs.size} onChange=${(size) => onPrefs({ size })} testid="size"
      options=${[{ value: "auto", label: "By screen" }, { value: "s", label: "Small" }, { value: "m", label: "Medium" }, { value: "l", label: "Large" }, { value: "xl", label: "Wall" }]} />
    <div class="row">${select("Soon late (▲) after", "warn_s", prefs.warn_s)}${select("Late (■) after", "late_s", prefs.late_s)}</div>
    <h3>Registers</h3>
    <ul class="plain-list">${registers.map((register) => html`<li key=${register.url}><b>${register.name}</b> <span class="muted small">${register.url}</span> ${register.state === "live" ? "● connected" : `✕ ${register.state}`}</li>`)}</ul>
    <h3>Keys</h3>
    ${unknownKeys.length > 0 && html`<p class="banner warn">The config names keys without a known action: ${unknownKeys.join("; ")}</p>`}
    <ul class="keys">${Object.entries(keys).map(([key, action]) => html`<li key=${key}><kbd>${key === " " ? "Space" : key}</kbd> ${action.replace("_", " ").replace(":", " ")}</li>`)}</ul>
  </${Dialog}>`;
}
