// @ts-check
/** What the kitchen has after "Send", in words. Pure. The register fires course 1, apart from what is held or timed; the rest waits. */

import { counted } from "../shared/words.js";

const wait = (count) => `${counted(count, "line")} ${count === 1 ? "waits" : "wait"}`;
const onHold = (count) => `${counted(count, "line")} ${count === 1 ? "is" : "are"} on hold`;

/**
 * @param {string} code @param {{course: number, held: boolean}[]} fresh lines of the draft that was sent
 * @param {any} check as it was read before; null where it is new or unknown @returns {string} one sentence
 */
export function sentWords(code, fresh, check) {
  const before = (check?.lines ?? []).filter((line) => line.quantity > (line.refunded_quantity ?? 0));
  const left = before.filter((line) => ["waiting", "held", "scheduled"].includes(line.state))
    .map((line) => ({ held: line.state === "held", later: line.state === "scheduled" || line.course > 1 }));
  const lines = [...left, ...fresh.map((line) => ({ held: line.held, later: line.course > 1 }))];
  const held = lines.filter((line) => line.held).length;
  const later = lines.filter((line) => !line.held && line.later).length;
  const rest = [later && wait(later), held && onHold(held)].filter(Boolean).join(", ");
  if (!rest) return `${code} is with the kitchen.`;
  if (held + later < lines.length) return `${code}${later ? ": course 1" : ""} is with the kitchen, ${rest}.`;
  return `${code}: nothing ${before.some((line) => line.state === "fired") ? "new is with the kitchen" : "is with the kitchen yet"}, ${rest}.`;
}
