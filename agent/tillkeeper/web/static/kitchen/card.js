// @ts-check
/** One card of the kitchen screen, or the part of it that stands in one column. */

import { isAllergy, lateness, timer } from "./cards.js";
import { courseBefore } from "./pages.js";
import { html } from "../vendor/preact.js";

const MARKS = { fresh: "●", warn: "▲", late: "■" };
const LATE_WORDS = { fresh: "", warn: "SOON LATE", late: "LATE" };
const STATE_WORDS = { added: "＋ ADDED", changed: "✎ CHANGED", void: "✕ VOID" };

const Note = ({ text }) => html`<span class="note ${isAllergy(text) ? "allergy" : ""}">${isAllergy(text) ? html`<b>⚠${/^allerg/i.test(text.trim()) ? "" : " ALLERGY"}</b> ` : "! "}${text}</span>`;

/** Quantity, name and modifiers exactly as they were sent. @param {{line: import("./cards.js").Line}} props */
const What = ({ line }) => html`<span class="what"><span class="item"><b class="quantity">${line.quantity}</b> ${line.name}${line.seat === null ? "" : html` <span class="seat">seat ${line.seat}</span>`}</span>
  ${line.previous === null ? "" : html`<span class="sub">was ${line.previous}</span>`}
  ${line.was.map((text) => html`<span class="sub">was ${text}</span>`)}
  ${line.orderType && html`<span class="sub own-type">▶ ${line.orderType}</span>`}
  ${line.modifiers.map((modifier) => html`<span class="sub modifier">${modifier}</span>`)}
  ${line.note && html`<${Note} text=${line.note} />`}</span>`;

/** @param {{card: import("./cards.js").Card, line: import("./cards.js").Line, pointed: boolean, onTick: (lineId: string, done: boolean) => void}} props */
function LineButton({ card, line, pointed, onTick }) {
  const gone = line.state === "void";
  return html`<button type="button" class="line ${line.state} ${line.done ? "done" : ""} ${pointed ? "pointed" : ""}" disabled=${gone || card.stops.length > 0}
    aria-pressed=${line.done ? "true" : "false"} data-testid="line" data-line=${line.id} data-state=${line.state} onClick=${() => onTick(line.id, !line.done)}>
    ${STATE_WORDS[line.state] && html`<span class="state">${STATE_WORDS[line.state]}</span>`}
    <span class="tickable"><span class="tick" aria-hidden="true">${line.done ? "✓" : ""}</span><${What} line=${line} /></span></button>`;
}

/** @param {{card: import("./cards.js").Card, onSeen: () => void}} props */
const StopSign = ({ card, onSeen }) => html`<div class="stop" role="alert" data-testid="stop"><p class="stop-word">✋ STOP</p>
  ${card.stops.flatMap((stop) => stop.lines.map((line) => html`<p class="stop-line" key=${stop.jobId + line.id}><span class="state">VOID</span> <${What} line=${line} /></p>`))}
  <button type="button" class="stop-seen" data-testid="stop-seen" onClick=${onSeen}>Seen, stopped</button></div>`;

/** @param {import("./cards.js").Card} card */
function whoWords(card) {
  const parts = [card.car ? `Car ${card.car}` : "", card.table && `Table ${card.table}`, card.name, card.covers ? `${card.covers} covers` : "", card.server, card.terminal];
  return parts.filter(Boolean).join(" · ");
}

/**
 * @param {{part: import("./pages.js").Part, ageMs: number, limits: {warn_s: number, late_s: number}, selected: boolean, pointed: string,
 *   isNew: boolean, stationTitle: string, onBump: () => void, onSeen: () => void, onTick: (lineId: string, done: boolean) => void}} props
 */
export function Card({ part, ageMs, limits, selected, pointed, isNew, stationTitle, onBump, onSeen, onTick }) {
  const { card, lines, first, last, slot } = part;
  const late = lateness(ageMs, limits);
  const stopped = card.stops.length > 0;
  const tap = stopped ? onSeen : onBump;
  const number = card.number === null ? "" : ` #${card.number}`;
  const name = `${card.orderType} ${card.code}`;
  return html`<article class="ticket ${late} ${selected ? "selected" : ""} ${isNew ? "new" : ""} ${stopped ? "stopped" : ""}" aria-label=${name}
    data-testid="card" data-code=${card.code} data-check=${card.checkId} data-station=${card.station} data-late=${late} data-slot=${slot + 1} data-jobs=${card.jobIds.join(" ")}>
    <button type="button" class="ticket-head" data-testid="card-head" aria-label="${stopped ? "STOP seen" : "Bump"}: ${name}" onClick=${tap}>
      <span class="head-row"><span class="type">${card.orderType}</span><kbd class="slot" aria-label="slot ${slot + 1}">${slot + 1}</kbd></span>
      <span class="head-row"><span class="code">${card.code}${number}</span>
        <span class="timer" data-testid="timer"><span aria-hidden="true">${MARKS[late]}</span> ${LATE_WORDS[late] && html`<b>${LATE_WORDS[late]}</b> `}${timer(ageMs)}</span></span>
    </button>
    ${first ? html`
      ${whoWords(card) && html`<p class="who">${whoWords(card)}</p>`}
      ${card.rush && html`<p class="mark rush">▲▲ RUSH</p>`}
      ${card.marks.map((mark) => html`<p class="mark" data-testid="mark" key=${mark}>${mark}</p>`)}
      ${card.slips && html`<p class="mark changed" data-testid="changed">REVISION ${card.revision}</p>`}
      ${card.note && html`<p class="ticket-note"><${Note} text=${card.note} /></p>`}
      ${stopped && html`<${StopSign} card=${card} onSeen=${onSeen} />`}` : html`<p class="mark plain">… continued</p>`}
    <div class="lines">${lines.map((line) => {
      const index = card.lines.indexOf(line);
      return html`${courseBefore(card, index) && html`<p class="course" key="course ${line.course}">Course ${line.course}</p>`}
        <${LineButton} key=${line.id} card=${card} line=${line} pointed=${pointed === line.id} onTick=${onTick} />`;
    })}</div>
    ${last ? html`<button type="button" class="bump" data-testid="bump" aria-label="Bump ${name}" disabled=${stopped} onClick=${onBump}>BUMP <span class="station">${stationTitle}</span></button>`
      : html`<p class="mark plain">more in the next column ▶</p>`}
  </article>`;
}
