// @ts-check
/**
 * A ticket as the rest of the page relies on it: whatever an agent of another version sends, every field is there and of its type.
 * One odd field must never keep the screen from being drawn.
 */

const text = (value) => (typeof value === "string" ? value : value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));
const number = (value, otherwise) => (Number.isFinite(value) ? value : otherwise);
const list = (value) => (Array.isArray(value) ? value : []);
const texts = (value) => list(value).map(text).filter(Boolean);

/** @param {any} item @param {number} index @returns {import("./board.js").Item} */
function cleanItem(item, index) {
  const one = item && typeof item === "object" ? item : { name: item };
  return {
    line_id: text(one.line_id) || `item ${index}`,
    quantity: number(one.quantity, 1),
    name: text(one.name),
    action: ["add", "modify", "void"].includes(one.action) ? one.action : "add",
    modifiers: texts(one.modifiers),
    note: text(one.note),
    seat: number(one.seat, null),
    course: number(one.course, 1),
    order_type: text(one.order_type),
    previous_quantity: number(one.previous_quantity, null),
    was: texts(one.was),
  };
}

/** @param {any} ticket @returns {import("./board.js").Ticket} */
export function clean(ticket) {
  const one = ticket ?? {};
  return {
    check_id: text(one.check_id),
    ticket_code: text(one.ticket_code),
    revision: number(one.revision, 1),
    station: text(one.station),
    order_type: text(one.order_type),
    items: list(one.items).map(cleanItem),
    fired_at_ms: number(one.fired_at_ms, 0),
    table: text(one.table),
    server: text(one.server),
    terminal: text(one.terminal),
    name: text(one.name),
    covers: number(one.covers, 0),
    car: number(one.car, 0),
    note: text(one.note),
    rush: one.rush === true,
    check_number: number(one.check_number, null),
  };
}

/** The marks and ids beside it. @param {any} frame */
export const cleanFrame = (frame) => ({ ...frame, job_id: text(frame.job_id), ticket: clean(frame.ticket), marks: texts(frame.marks),
  done_lines: texts(frame.done_lines), stop_seen: frame.stop_seen === true });
