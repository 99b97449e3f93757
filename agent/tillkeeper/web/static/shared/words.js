// @ts-check
/** Words that people read: codes of the API in plain English, times and ages. */

export const ORDER_TYPES = { dine_in: "Dine in", takeout: "Takeout", drive_through: "Drive-through", delivery: "Delivery" };
export const CHECK_STATES = { open: "Open", closed: "Paid", voided: "Void" };
export const LINE_STATES = { waiting: "Not sent", held: "On hold", scheduled: "Timed", fired: "Sent", voided: "Void" };
/** A mark beside each word, so that colour is never the only signal. */
export const LINE_MARKS = { new: "+", waiting: "○", held: "Ⅱ", scheduled: "◷", fired: "✓", voided: "✕" };
export const DOCUMENTS = { kitchen_ticket: "Kitchen ticket", change_slip: "Change slip", receipt: "Receipt",
  drawer_pulse: "Drawer", test_slip: "Test slip", report: "Drawer report" };
export const PERMISSIONS = { ring: "ring up", tender: "take payment", discount: "give a discount", void_unfired: "void a line",
  void_fired: "void a line that the kitchen has", void_check: "void a check", refund: "refund", no_sale: "open the drawer",
  cash_movement: "move cash", open_drawer: "open a drawer", count_drawer: "count a drawer", close_drawer: "close a drawer",
  see_expected: "see what is expected", sold_out: "mark as sold out", edit_time: "change hours", reports: "see reports",
  training_off: "end training", set_up_devices: "replace and set up devices",
  admit_registers: "admit registers to the store, or let them go", erase_personal: "look for texts about persons and erase them",
  assign_roles: "say which register is primary", switch_mode: "switch the mode by hand",
  take_over: "take over checks of other registers", close_day: "close the day", settle: "settle what an outage left behind" };

/** How a device is, and what else is worth a look: the words of `tillkeeper devices list`. @param {any} one @returns {string} */
export const deviceState = (one) => [one.trouble || one.note || (one.known ? "no trouble known" : "unknown: it has said nothing yet"),
  one.paper_near_end === "yes" && "paper near its end", one.drawer_open === "yes" && "drawer open"].filter(Boolean).join(", ");

/** Where the API's own words are for programs rather than for people. */
const PROBLEMS = {
  unauthorized: "This page is not paired with the register (any more). A tablet: `tillkeeper pair` at the register. On the register itself: the link that `tillkeeper pages` prints.",
  storage_refused: "The register's disk takes nothing at the moment. Nothing was booked; the page tries again by itself.",
  overloaded: "The register is busy. The page tries again by itself.",
  internal: "The register met a fault of its own.",
  invalid_field: "Something that was entered does not fit.",
  no_answer: "The register does not answer.",
};

/**
 * @param {{code?: string, cause?: string, hint?: string, status?: number, detail?: string}} problem
 * @returns {string} one or two sentences, never empty
 */
export function problemWords(problem) {
  const said = PROBLEMS[problem.code ?? ""];
  if (said && !["internal", "invalid_field"].includes(problem.code ?? "")) return said;
  const own = [problem.cause, problem.hint].filter(Boolean).map((text) => sentence(String(text)));
  if (said) return [said, ...own].join(" ");
  return own.join(" ") || problem.detail || `The register said no (${problem.code || problem.status || "unknown"}).`;
}

/** @param {string} text @returns {string} with a capital in front and a point behind */
export function sentence(text) {
  const trimmed = text.trim();
  if (!trimmed) return "";
  return capital(trimmed) + (/[.!?…]$/.test(trimmed) ? "" : ".");
}

/** @param {string} text @returns {string} with a capital in front */
export function capital(text) {
  const first = String.fromCodePoint(...(text ? [text.codePointAt(0) ?? 32] : []));
  return first.toUpperCase() + text.slice(first.length);
}

/** @param {number} ms a duration @returns {string} "12 s", "4 min", "2 h 05" */
export function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}`;
  return `${Math.floor(s / 86400)} days`;
}

/** @param {number} ms wall clock since the epoch @param {string} [zone] IANA name @returns {string} "14:05" in the store's zone */
export function clock(ms, zone) {
  try {
    return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone || undefined }).format(ms);
  } catch {
    return new Date(ms).toISOString().slice(11, 16); // a zone that this browser does not know
  }
}

/** @param {number} count @param {string} one @param {string} [many] @returns {string} "1 line", "3 lines" */
export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/**
 * A text cut to what the API takes, never within a character (emoji are several code units, and several code points).
 * @param {string} text @param {number} [limit] code points @returns {string}
 */
export function clipped(text, limit = 200) {
  const clean = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "").replace(/[\ud800-\udfff](?![\udc00-\udfff])/gu, "");
  let length = 0;
  let out = "";
  for (const { segment } of new Intl.Segmenter().segment(clean)) {
    length += [...segment].length;
    if (length > limit) break;
    out += segment;
  }
  return out;
}
