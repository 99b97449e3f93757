// @ts-check
/** Tickets as cards: slips merged into the ticket that they change, in the order to be cooked; and the all-day counts. Pure. */

import { isVoid, keyOf } from "./board.js";

/**
 * @typedef {{id: string, state: "add"|"added"|"changed"|"void", quantity: number, name: string, modifiers: string[], note: string,
 *   seat: number|null, course: number, orderType: string, previous: number|null, was: string[], done: boolean}} Line
 * @typedef {{jobId: string, lines: Line[]}} Stop a VOID that no cook has seen yet
 * @typedef {{key: string, register: string, checkId: string, station: string, code: string, number: number|null, orderType: string,
 *   table: string, name: string, server: string, terminal: string, covers: number, car: number, note: string, rush: boolean, marks: string[],
 *   lines: Line[], stops: Stop[], firedAt: number, born: number, jobIds: string[], revision: number, slips: boolean,
 *   n: number, seenAt: number}} Card `slips`: something was added or changed after it was first sent
 */

/** Which stations a screen shows: null is all. One that this display is not configured for is always shown: it was rerouted. */
export const wanted = (station, chosen, own) => !chosen || chosen.includes(station) || !own.includes(station);

/**
 * @param {import("./board.js").Board} board
 * @returns {Card[]} rush first, then the oldest first
 */
export function cardsOf(board) {
  /** @type {Map<string, import("./board.js").Shown[]>} */
  const groups = new Map();
  for (const shown of board.open.values()) {
    const key = keyOf(shown);
    const group = groups.get(key);
    if (group) group.push(shown);
    else groups.set(key, [shown]);
  }
  const cards = [...groups].map(([key, tickets]) => cardOf(key, tickets));
  return cards.sort((a, b) => Number(b.rush) - Number(a.rush) || a.born - b.born || a.n - b.n);
}

/** @param {string} key @param {import("./board.js").Shown[]} tickets of one card @returns {Card} */
export function cardOf(key, tickets) {
  const inOrder = [...tickets].sort((a, b) => a.ticket.revision - b.ticket.revision || a.n - b.n);
  const last = inOrder[inOrder.length - 1];
  const { ticket } = last;
  const stops = inOrder.filter((shown) => isVoid(shown) && !shown.stopSeen).map((shown) => stopOf(shown));
  const stopped = new Set(stops.flatMap((stop) => stop.lines.map((line) => line.id)));
  const all = merged(inOrder);
  const lines = all.filter((line) => line.state !== "void" || !stopped.has(line.id)); // those are in the STOP already
  return {
    key,
    register: last.register,
    checkId: ticket.check_id,
    station: ticket.station,
    code: ticket.ticket_code,
    number: ticket.check_number ?? null,
    orderType: ticket.order_type,
    table: ticket.table ?? "",
    name: ticket.name ?? "",
    server: ticket.server ?? "",
    terminal: ticket.terminal ?? "",
    covers: ticket.covers ?? 0,
    car: ticket.car ?? 0,
    note: ticket.note ?? "",
    rush: inOrder.some((shown) => shown.ticket.rush),
    marks: [...new Set(inOrder.flatMap((shown) => shown.marks))],
    lines,
    stops,
    firedAt: Math.min(...inOrder.map((shown) => shown.ticket.fired_at_ms)),
    born: Math.min(...inOrder.map((shown) => shown.born)),
    jobIds: inOrder.map((shown) => shown.jobId),
    revision: ticket.revision,
    slips: all.some((line) => line.state !== "add"),
    n: Math.min(...inOrder.map((shown) => shown.n)),
    seenAt: Math.max(...inOrder.map((shown) => shown.seenAt)),
  };
}

/** The lines by course, each once however often it was sent: a ticket that may be a duplicate doubles nothing. */
function merged(tickets) {
  /** @type {Map<string, Line>} */
  const lines = new Map();
  const first = tickets[0].ticket.revision;
  for (const { ticket, done } of tickets) {
    for (const item of ticket.items) {
      const before = lines.get(item.line_id);
      const line = lineOf(item, done.includes(item.line_id));
      if (item.action === "add" && !before && ticket.revision > first) line.state = "added";
      if (item.action === "add" && before && before.state !== "void") line.state = before.state;
      if (item.action === "modify" && before?.state === "changed" && before.previous !== null) line.previous = before.previous;
      lines.set(item.line_id, line);
    }
  }
  return [...lines.values()].sort((a, b) => a.course - b.course);
}

/** @returns {Line} */
function lineOf(item, done) {
  const state = item.action === "void" ? "void" : item.action === "modify" ? "changed" : "add";
  const previous = state === "changed" && item.previous_quantity !== item.quantity ? (item.previous_quantity ?? null) : null;
  return { id: item.line_id, state, quantity: item.quantity, name: item.name, modifiers: item.modifiers ?? [], note: item.note ?? "",
    seat: item.seat ?? null, course: item.course ?? 1, orderType: item.order_type ?? "", previous, was: item.was ?? [], done };
}

const stopOf = (shown) => ({
  jobId: shown.jobId,
  lines: shown.ticket.items.filter((item) => item.action === "void").map((item) => lineOf(item, false)),
});

/** Whether there is still something to cook on it. @param {Card} card */
export const isLive = (card) => card.lines.some((line) => line.state !== "void");

/**
 * How many of each item are still to be made.
 * @param {Card[]} cards @param {boolean} byModifiers tell apart what is made differently
 * @returns {{name: string, modifiers: string[], quantity: number, cards: number}[]} the most first
 */
export function allDay(cards, byModifiers) {
  /** @type {Map<string, {name: string, modifiers: string[], quantity: number, cards: number}>} */
  const counts = new Map();
  for (const card of cards) {
    const here = new Set();
    for (const line of card.lines) {
      if (line.done || line.state === "void") continue;
      const modifiers = byModifiers ? line.modifiers : [];
      const key = JSON.stringify([line.name, modifiers]);
      const count = counts.get(key) ?? { name: line.name, modifiers, quantity: 0, cards: 0 };
      counts.set(key, { ...count, quantity: count.quantity + line.quantity, cards: count.cards + (here.has(key) ? 0 : 1) });
      here.add(key);
    }
  }
  return [...counts.values()].sort((a, b) => b.quantity - a.quantity || a.name.localeCompare(b.name));
}

/** How late a card is. @param {number} ageMs @param {{warn_s: number, late_s: number}} limits @returns {"fresh"|"warn"|"late"} */
export const lateness = (ageMs, limits) => (ageMs >= limits.late_s * 1000 ? "late" : ageMs >= limits.warn_s * 1000 ? "warn" : "fresh");

/** @param {number} ms @returns {string} "0:42", "12:05", "1:02:05" */
export function timer(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
}

const ALLERGY = /allerg|anaphyla|coeliac|celiac|zöliakie|epipen|\b(nut|gluten|lactose|dairy|soy|sesame|shellfish|egg)[- ]?free\b/i;

/** Whether a text speaks of an allergy: it is then shown as a warning. @param {string} text */
export const isAllergy = (text) => ALLERGY.test(text);
