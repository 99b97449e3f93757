// @ts-check
/** Splitting a bill: the register books payments by amount, so a split says how much the next guest pays. */

import { html, useState } from "../vendor/preact.js";
import { equalParts } from "../shared/money.js";
import { Choice, Dialog, Stepper } from "../shared/ui.js";
import { lineShares, seatShares } from "./order.js";

/** Gives {minor, words}. @param {any} props */
export function Split({ desk, done, check }) {
  const { money } = desk.store.get();
  const [how, setHow] = useState("parts");
  const [parts, setParts] = useState(2);
  const [chosen, setChosen] = useState(new Set());
  const due = check.totals.due_minor;
  const shares = lineShares(check);
  const seats = seatShares(check);
  const lines = check.lines.filter((line) => line.quantity);
  const sum = Math.min(due, [...chosen].reduce((total, id) => total + (shares[id] ?? 0), 0));
  const flip = (id) => setChosen((now) => new Set(now.has(id) ? [...now].filter((one) => one !== id) : [...now, id]));
  const give = (minor, words) => minor > 0 && done({ minor: Math.min(minor, due), words });
  return html`<${Dialog} title="Split ${money(due)}" testid="split" onClose=${() => done()}>
    <${Choice} label="How to split" value=${how} onChange=${setHow} options=${[{ value: "parts", label: "Equal parts" }, { value: "lines", label: "By lines" }, ...(seats.some((one) => one.seat) ? [{ value: "seats", label: "By seats" }] : [])]} />
    ${how === "parts" && html`<div class="row"><${Stepper} label="Parts" value=${parts} min=${2} max=${50} onChange=${setParts} /><span>guests, still to pay</span></div>
      <button type="button" class="primary big" data-action="use-split" onClick=${() => give(equalParts(due, parts)[0], `1 of ${parts} parts`)}>Next guest pays ${money(equalParts(due, parts)[0])}</button>`}
    ${how === "lines" && html`<div class="offers">${lines.map((line) => html`<button type="button" class="offer" key=${line.line_id} data-split-line=${line.line_id} aria-pressed=${chosen.has(line.line_id) ? "true" : "false"} onClick=${() => flip(line.line_id)}>
        <span class="grow wrap">${line.quantity} × ${line.name}</span><span>${money(shares[line.line_id])}</span></button>`)}</div>
      <button type="button" class="primary big" data-action="use-split" disabled=${!sum} onClick=${() => give(sum, "These lines")}>This guest pays ${money(sum)}</button>`}
    ${how === "seats" && html`<div class="choice-grid">${seats.map((one) => html`<button type="button" key=${String(one.seat)} data-split-seat=${one.seat ?? "none"} onClick=${() => give(one.minor, one.seat ? `Seat ${one.seat}` : "Without a seat")}>
        <span>${one.seat ? `Seat ${one.seat}` : "Without a seat"}</span><span class="strong">${money(Math.min(one.minor, due))}</span></button>`)}</div>`}
    <p class="muted small">Shares hold tax and discounts of each line. The last guest pays what is left, so the sum is exact.</p>
  <//>`;
}
