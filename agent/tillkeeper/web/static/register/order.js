// @ts-check
/** An order before the register has it, and the sums a page may say of one that it has. Pure. */

import { allocate } from "../shared/money.js";
import { clipped } from "../shared/words.js";

/**
 * @typedef {{modifier_id: string, name: string, price_minor: number, quantity: number}} Pick
 * @typedef {{uid: string, item_id: string, name: string, price_minor: number, quantity: number, modifiers: Pick[], seat: number | null,
 *   course: number, note: string, held: boolean}} DraftLine
 * @typedef {{id: string, check_id: string, ticket_code: string, order_type: string, table: string, name: string, note: string, covers: number,
 *   seat: number | null, course: number, lines: DraftLine[], sending: string, touched: boolean}} Draft
 */

/** @param {string} id @param {string} orderType @returns {Draft} */
export const newDraft = (id, orderType) => ({ id, check_id: "", ticket_code: "", order_type: orderType, table: "", name: "", note: "", covers: 0,
  seat: null, course: 1, lines: [], sending: "", touched: false });

/** @param {Draft} draft @returns {boolean} whether it holds nothing that could be lost */
export const isEmpty = (draft) => !draft.lines.length && !draft.name && !draft.note && !draft.table;

const samePicks = (a, b) => JSON.stringify(a.map((pick) => [pick.modifier_id, pick.quantity])) === JSON.stringify(b.map((pick) => [pick.modifier_id, pick.quantity]));

/**
 * One more of an item; another piece of the last line where nothing about it differs.
 * @param {Draft} draft @param {{item_id: string, name: string, price_minor: number}} item @param {Pick[]} modifiers
 * @param {string} uid of a new line @param {{quantity?: number, note?: string, held?: boolean}} [more] @returns {Draft}
 */
export function withItem(draft, item, modifiers, uid, { quantity = 1, note = "", held = false } = {}) {
  const last = draft.lines.at(-1);
  const same = last && last.item_id === item.item_id && last.seat === draft.seat && last.course === draft.course && last.note === note &&
    last.held === held && samePicks(last.modifiers, modifiers) && last.quantity + quantity <= 999;
  if (same) return changed(draft, last.uid, { quantity: last.quantity + quantity });
  const line = { uid, item_id: item.item_id, name: item.name, price_minor: item.price_minor, quantity, modifiers, seat: draft.seat, course: draft.course, note, held };
  return { ...draft, touched: true, lines: [...draft.lines, line] };
}

/** @param {Draft} draft @param {string} uid @param {Partial<DraftLine>} fields @returns {Draft} */
export const changed = (draft, uid, fields) => ({ ...draft, lines: draft.lines.map((line) => (line.uid === uid ? { ...line, ...fields } : line)) });

/** @param {Draft} draft @param {string} uid @returns {Draft} */
export const without = (draft, uid) => ({ ...draft, lines: draft.lines.filter((line) => line.uid !== uid) });

/** @param {{price_minor: number, modifiers: {price_minor: number, quantity: number}[]}} line @returns {number} one piece with its modifiers, never below zero */
export const pieceMinor = (line) => Math.max(0, line.price_minor + line.modifiers.reduce((sum, pick) => sum + pick.price_minor * pick.quantity, 0));

/** @param {Draft} draft @returns {number} without discounts and added tax, which only the register reckons */
export const draftMinor = (draft) => draft.lines.reduce((sum, line) => sum + line.quantity * pieceMinor(line), 0);

/** What the page's own sums lack. @param {{tax_included?: string}} settings @returns {string} */
export const beforeTax = (settings) => ({ all: "", some: "before added tax" })[settings.tax_included ?? ""] ?? "before tax";

/** @param {DraftLine} line @returns {object} the line as the API takes it */
export function lineBody(line) {
  const body = { item_id: line.item_id, quantity: line.quantity };
  if (line.modifiers.length) body.modifiers = line.modifiers.map((pick) => ({ modifier_id: pick.modifier_id, quantity: pick.quantity }));
  if (line.seat) body.seat = line.seat;
  if (line.course > 1) body.course = line.course;
  if (line.note) body.note = clipped(line.note, 500);
  if (line.held) body.held = true;
  return body;
}

/**
 * The commands that give a draft to the register, in their order. `send`: the kitchen is to hear of it; false parks it.
 * @param {Draft} draft @param {boolean} send @returns {{path: string, body: object, label: string}[]}
 */
export function commandsOf(draft, send) {
  const lines = draft.lines.map(lineBody);
  if (draft.check_id) {
    const at = `/v1/checks/${encodeURIComponent(draft.check_id)}`;
    const add = lines.length ? [{ path: `${at}/lines`, body: { lines }, label: `More for ${draft.ticket_code || "the check"}` }] : [];
    return send ? [...add, { path: `${at}/send`, body: {}, label: `Send ${draft.ticket_code || "the check"}` }] : add;
  }
  const about = { order_type: draft.order_type };
  for (const field of ["table", "name"]) if (draft[field]) about[field] = clipped(draft[field], 200);
  if (draft.note) about.note = clipped(draft.note, 500);
  if (draft.covers) about.covers = draft.covers;
  if (!lines.length) return [{ path: "/v1/checks", body: about, label: "New check" }];
  return [{ path: "/v1/orders", body: { ...about, lines, send }, label: send ? "New order" : "Parked order" }];
}

/**
 * What is still wrong with the picks of an item. @param {{group_id: string, name: string, minimum: number, maximum: number | null, modifiers: {modifier_id: string}[]}[]} groups
 * @param {Pick[]} picks @returns {Record<string, string>} group -> words; empty where all is well
 */
export function pickProblems(groups, picks) {
  const problems = {};
  for (const group of groups) {
    const count = picksOf(group, picks);
    if (count < group.minimum) problems[group.group_id] = group.minimum === 1 ? "choose one" : `choose at least ${group.minimum}`;
    else if (group.maximum !== null && count > group.maximum) problems[group.group_id] = `at most ${group.maximum}`;
  }
  return problems;
}

/** @returns {number} how many picks fall into a group */
export const picksOf = (group, picks) => picks.filter((pick) => group.modifiers.some((one) => one.modifier_id === pick.modifier_id)).reduce((sum, pick) => sum + pick.quantity, 0);

/**
 * Picks after a tap on a modifier: off where it was on; in a group of one it replaces; a full group takes no more.
 * @param {any} group @param {any} offer @param {Pick[]} picks @returns {Pick[]}
 */
export function toggled(group, offer, picks) {
  if (picks.some((pick) => pick.modifier_id === offer.modifier_id)) return picks.filter((pick) => pick.modifier_id !== offer.modifier_id);
  const pick = { modifier_id: offer.modifier_id, name: offer.name, price_minor: offer.price_minor, quantity: 1 };
  const others = group.maximum === 1 ? picks.filter((one) => !group.modifiers.some((of) => of.modifier_id === one.modifier_id)) : picks;
  return group.maximum !== null && picksOf(group, others) >= group.maximum ? picks : [...others, pick];
}

/**
 * What each line of a check comes to with its share of discounts and tax; sums to the check's gross exactly. For splitting a
 * bill: the register books payments by amount.
 * @param {{lines: any[], totals: {gross_minor: number}}} check @returns {Record<string, number>} line id -> minor
 */
export function lineShares(check) {
  const weights = check.lines.map((line) => {
    const amount = line.quantity * Math.max(0, line.unit_price_minor + line.modifiers.reduce((sum, pick) => sum + pick.price_minor * pick.quantity, 0));
    return line.tax.included ? amount * 1_000_000 : amount * (1_000_000 + line.tax.rate_ppm);
  });
  const shares = allocate(check.totals.gross_minor, weights);
  return Object.fromEntries(check.lines.map((line, index) => [line.line_id, shares[index]]));
}

/** @param {any} check @returns {{seat: number | null, minor: number}[]} by seat, lines without one last */
export function seatShares(check) {
  const shares = lineShares(check);
  const seats = new Map();
  for (const line of check.lines) if (line.quantity) seats.set(line.seat, (seats.get(line.seat) ?? 0) + shares[line.line_id]);
  return [...seats].map(([seat, minor]) => ({ seat, minor })).sort((a, b) => (a.seat ?? 100) - (b.seat ?? 100));
}

/** @param {any[]} lines @returns {number[]} courses of which something has not gone to the kitchen */
export const coursesLeft = (lines) => [...new Set(lines.filter((line) => line.quantity && line.state !== "fired" && line.state !== "voided").map((line) => line.course))].sort((a, b) => a - b);

/**
 * Items for a search: every word must occur in the name, accents and case aside; names that begin so come first.
 * @param {{name: string, item_id: string}[]} items @param {string} text
 */
export function searched(items, text) {
  const words = folded(text).split(/\s+/).filter(Boolean);
  if (!words.length) return items;
  const found = items.filter((item) => words.every((word) => folded(`${item.name} ${item.item_id}`).includes(word)));
  return found.sort((a, b) => Number(folded(b.name).startsWith(words[0])) - Number(folded(a.name).startsWith(words[0])));
}

const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** Lines that are paid for and that nobody sends by itself any more. @param {any[]} lines of a closed check @returns {any[]} */
export const notSent = (lines) => lines.filter((line) => line.quantity > 0 && (line.state === "held" || line.state === "waiting"));

/** What a line of a check comes to before discounts and tax. @param {any} line @returns {number} minor units */
export const lineMinor = (line) => line.quantity * Math.max(0, line.unit_price_minor + line.modifiers.reduce((sum, pick) => sum + pick.price_minor * pick.quantity, 0));

/**
 * Whether an amount given looks like a slip of the finger: ten times what is due, and change of more than two of the largest notes.
 * @param {number} given @param {number} due @param {number} note the largest in use @returns {boolean}
 */
export const unlikely = (given, due, note) => given >= 10 * due && given - due > 2 * note;
