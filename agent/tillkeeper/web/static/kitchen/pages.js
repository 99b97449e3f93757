// @ts-check
/**
 * Cards into columns and pages, by how high they will be: nothing has to be scrolled, and a ticket that does not fit into what is
 * left of a column goes on in the next one. Heights are in em of the screen's font; kitchen.css keeps to them. Pure.
 */

import { isAllergy } from "./cards.js";

const HEAD = 4.6; // order type, code and timer
const GAP = 0.6; // below a card
const EDGE = 0.3; // borders
const ROW = 1.45; // a row of normal text
const MARK = 1.9; // a mark, a course head
const WHO = 3; // rows for table, name and server; more is cut off
const LEAST = 2; // lines of a ticket that is to go on in the next column
const STOP = 3.4; // the word itself; its button comes on top

/** Letters of East Asian scripts and emoji are twice as wide. @param {string} text */
export function widthOf(text) {
  let width = 0;
  for (const letter of text) width += (letter.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1;
  return width;
}

/** Rows that a text takes. @param {string} text @param {number} room letters in a row */
export const rowsOf = (text, room) => (text ? Math.max(1, Math.ceil((widthOf(text) * 1.08) / Math.max(6, room))) : 0);

/** @param {import("./cards.js").Line} line @param {number} room letters of normal size in a row @param {number} touch least height */
export function lineHeight(line, room, touch) {
  const large = rowsOf(`${line.quantity} ${line.name}${line.seat === null ? "" : " seat 0"}`, (room - 3) / 1.2) * 1.55;
  const badge = line.state === "add" ? 0 : ROW;
  const small = [...line.modifiers, line.orderType, ...line.was].reduce((sum, text) => sum + rowsOf(text, room - 4) * ROW, 0);
  const note = line.note ? rowsOf(line.note, room - (isAllergy(line.note) ? 14 : 5)) * ROW + 0.25 : 0;
  return Math.max(touch, large + badge + small + note + 0.6);
}

/** @param {import("./cards.js").Card} card @param {number} room @param {number} touch */
export function headHeight(card, room, touch) {
  const who = [card.car ? `Car ${card.car}` : "", card.table && `Table ${card.table}`, card.name, card.covers ? `${card.covers} covers` : "", card.server, card.terminal];
  const marks = card.marks.length + (card.rush ? 1 : 0) + (card.slips ? 1 : 0);
  const stopped = card.stops.flatMap((stop) => stop.lines).reduce((sum, line) => sum + lineHeight(line, room, 0) * 1.1, 0);
  const stops = card.stops.length ? STOP + touch + stopped : 0;
  const type = Math.max(0, rowsOf(card.orderType, (room - 4) / 1.7) - 1) * 2;
  return HEAD + type + Math.min(WHO, rowsOf(who.filter(Boolean).join(" · "), room)) * ROW + marks * MARK + stops + (card.note ? rowsOf(card.note, room - 5) * ROW + 0.9 : 0);
}

/**
 * @typedef {{card: import("./cards.js").Card, lines: import("./cards.js").Line[], first: boolean, last: boolean, slot: number}} Part
 * @param {import("./cards.js").Card[]} cards
 * @param {{columns: number, height: number, room: number, touch: number, slack?: number}} screen `height` of a column and `touch`, the
 *   least height of what is tapped, in em; `room` letters in a row; `slack` >= 1 where texts turned out higher than thought
 * @returns {Part[][][]} pages of columns of parts; at least one page
 */
export function paginate(cards, { columns, height, room, touch, slack = 1 }) {
  const foot = touch + EDGE + GAP;
  /** @type {Part[][][]} */
  const pages = [[[]]];
  let left = height; // em left in the column
  let slot = 0;

  const page = () => pages[pages.length - 1];
  const column = () => page()[page().length - 1];
  function nextColumn() {
    left = height;
    if (page().length < columns) {
      page().push([]);
      return;
    }
    pages.push([[]]);
    slot = 0;
  }

  for (const card of cards) {
    const lines = card.lines.map((line, index) => (lineHeight(line, room, touch) + (courseBefore(card, index) ? MARK : 0)) * slack);
    const head = headHeight(card, room, touch) * slack;
    const whole = head + foot + lines.reduce((sum, one) => sum + one, 0);
    // A ticket may go on in the next column, never on the next page where it could stand whole; and not for one line.
    const start = head + foot + lines.slice(0, LEAST).reduce((sum, one) => sum + one, 0);
    const split = lines.length > LEAST && start <= left && (page().length < columns || whole > height);
    if (whole > left && column().length && !split) nextColumn();
    for (let at = 0, first = true; first || at < lines.length; first = false) {
      if (!first) nextColumn();
      left -= (first ? head : HEAD) + foot;
      const from = at;
      while (at < lines.length && (left >= lines[at] || at === from)) left -= lines[at++];
      column().push({ card, lines: card.lines.slice(from, at), first, last: at >= lines.length, slot: slot++ });
    }
  }
  return pages;
}

/** Whether a course head stands before this line. @param {import("./cards.js").Card} card @param {number} index */
export function courseBefore(card, index) {
  const { course } = card.lines[index];
  if (index === 0) return course > 1 || card.lines.some((line) => line.course !== course);
  return card.lines[index - 1].course !== course;
}
