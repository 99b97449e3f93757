// @ts-check
/** The blind count: by pieces, or the sum of each currency. What was entered outlives a reload, until it is accepted. */

import { html, useState } from "../../vendor/preact.js";
import { digitsOf, plain, typed } from "../../shared/money.js";
import { Dialog, Keypad } from "../../shared/ui.js";
import { countTyped, piecesOf, sumOf } from "./cash.js";

const PREFIX = "tk.count.";

function kept(drawer) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + drawer) ?? "{}");
  } catch {
    return {}; // no storage, or not ours: the count starts anew
  }
}

function keep(drawer, entries) {
  try {
    localStorage.setItem(PREFIX + drawer, JSON.stringify(entries));
  } catch {
    // a count that can not be kept is still counted
  }
}

/** @param {string} drawer */
export function forgetCount(drawer) {
  try {
    localStorage.removeItem(PREFIX + drawer);
  } catch {
    // nothing was kept
  }
}

const amountOf = (entry) => (entry?.pieces ? sumOf(entry.pieces) : entry?.sum ?? 0);

/** Gives `{currency: minor}`. @param {any} props */
export function CountDialog({ desk, done, drawer, title, currencies }) {
  const { settings, money } = desk.store.get();
  const [entries, setEntries] = useState(() => kept(drawer));
  const [currency, setCurrency] = useState(currencies[0]);
  const change = (entry) => {
    const next = { ...entries, [currency]: entry };
    setEntries(next);
    keep(drawer, next);
  };
  const entry = entries[currency] ?? { pieces: {} };
  const digits = currency === settings.currency ? settings.minor_digits : digitsOf(currency);
  const known = piecesOf(currency);
  const byPieces = known.length > 0 && Boolean(entry.pieces);
  const counted = Object.fromEntries(currencies.map((one) => [one, amountOf(entries[one])]));
  return html`<${Dialog} title=${title} testid="count" wide onClose=${() => done()}
    footer=${html`<button type="button" class="primary big" data-action="confirm" disabled=${!Object.keys(entries).length} onClick=${() => done(counted)}>Counted: ${currencies.map((one) => money(counted[one], one)).join(" + ")}</button>`}>
    <p class="muted">Count everything that lies in the drawer, the float too. What is expected is shown afterwards.</p>
    ${currencies.length > 1 && html`<div class="choice" role="group" aria-label="Currency">${currencies.map((one) => html`<button type="button" key=${one} data-currency=${one} aria-pressed=${one === currency ? "true" : "false"} onClick=${() => setCurrency(one)}>${one}</button>`)}</div>`}
    ${known.length > 0 && html`<div class="choice" role="group" aria-label="How to count">
      <button type="button" data-count="pieces" aria-pressed=${byPieces ? "true" : "false"} onClick=${() => change({ pieces: {} })}>Notes and coins</button>
      <button type="button" data-count="sum" aria-pressed=${byPieces ? "false" : "true"} onClick=${() => change({ sum: amountOf(entry) })}>The sum</button></div>`}
    <output class="amount-entry" aria-live="polite" data-counted=${amountOf(entry)}>${plain(amountOf(entry), digits)} ${currency}</output>
    ${byPieces
    ? html`<div class="pieces">${known.map((value) => html`<label key=${value} class="piece"><span class="piece-value">${plain(value, digits)} ×</span>
        <input inputmode="numeric" data-piece=${value} aria-label="Pieces of ${plain(value, digits)} ${currency}" value=${entry.pieces[value] ?? ""} onFocus=${(event) => event.currentTarget.select()}
          onInput=${(event) => change({ pieces: { ...entry.pieces, [value]: countTyped(event.currentTarget.value) } })} />
        <span class="muted right">${plain(value * (entry.pieces[value] ?? 0), digits)}</span></label>`)}</div>`
    : html`<${Keypad} onKey=${(key) => change({ sum: typed(amountOf(entry), key) })} onEnter=${() => done(counted)} />`}
  <//>`;
}
