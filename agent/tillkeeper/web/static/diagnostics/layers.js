// @ts-check
/** What the prober asked, from this register outwards, as people read it. Pure. What is not known is never shown as fine. */

import { age, counted } from "../shared/words.js";

/** The columns of docs/network.md, nearest first. */
const LAYERS = {
  carrier: "This register's cable", address: "This register's address", broadcast: "The other registers", switch: "The switch",
  neighbours: "Devices behind the switch", gateway: "The router, on the wire", router: "The router", modem: "The modem", hop2: "The provider (ISP)",
  anycast: "The internet", resolver: "Names (DNS)", other_resolver: "Names, asked elsewhere", portal: "A login page in between", hq: "HQ",
};
/** What yes and no are called where they are no answer of somebody. */
const CALLED = { carrier: ["connected", "no connection"], address: ["there", "none"], broadcast: ["heard", "not heard"], portal: ["none", "there may be one"] };
const ROLES = { self: "This register's address", gateway: "Router", switch: "Switch", peer: "Register", printer: "Printer", display: "Display", modem: "Modem", hop2: "Provider",
  anycast: "Internet", resolver: "Name server", other_resolver: "Other name server", portal: "Login check", hq: "HQ" };
const GONE = 3; // questions in a row; fewer may be chance

export const MARKS = {
  good: { mark: "✓", kind: "good-text" }, doubt: { mark: "…", kind: "" }, bad: { mark: "!", kind: "bad-text strong" }, unknown: { mark: "?", kind: "muted" },
};

/** @typedef {keyof typeof MARKS} Level @typedef {{id: string, title: string, level: Level, words: string}} Fact */

const ms = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const ago = (s) => (s < 1 ? "just now" : `${age(s * 1000)} ago`);
const time = ({ rtt_ms: now, usual_ms: usual = null }) => (now === null ? "" : `, ${ms(now)}${usual !== null && now > 2 * usual ? ` (usually ${ms(usual)})` : ""}`);

/** @param {any} column `ColumnView` @returns {Level} */
function columnLevel({ state, run }) {
  if (state === "unknown") return "unknown";
  if (state === "no") return "bad";
  return run ? "doubt" : "good";
}

/** @param {any} column @param {Level} level */
function columnWords(column, level) {
  const [yes, no] = CALLED[column.column] ?? ["answers", "no answer"];
  const since = column.since_age_s === null ? "" : ` for ${age(column.since_age_s * 1000)}`;
  const said = { good: `${yes}${since}${time(column)}`, doubt: `${yes}, but not to the last ${counted(column.run, "question")}`, bad: `${no}${since}`, unknown: "not known" }[level];
  return [said, column.detail].filter(Boolean).join("; ");
}

/**
 * @param {any} view `NetworkView` @returns {{facts: Fact[], unasked: string[]}} nearest first; `unasked`: what nothing here can say
 */
export function layers(view) {
  const known = view.columns.filter((one) => LAYERS[one.column]);
  const silent = (one) => one.state === "unknown" && !one.paths;
  const order = Object.keys(LAYERS);
  const sorted = [...known].sort((a, b) => order.indexOf(a.column) - order.indexOf(b.column));
  return {
    facts: sorted.filter((one) => !silent(one)).map((one) => {
      const level = columnLevel(one);
      return { id: one.column, title: LAYERS[one.column], level, words: columnWords(one, level) };
    }),
    unasked: sorted.filter(silent).map((one) => LAYERS[one.column]),
  };
}

/** @param {any} target `TargetView` @returns {{level: Level, words: string}} */
function targetState(target) {
  const { answered, answered_age_s: heard, role, run, sent, works } = target;
  if (role === "self") { // the question who else has it: no answer is the good one
    if (answered) return { level: "bad", words: "another device answers for it" };
    return sent ? { level: "good", words: "nobody else answers for it" } : { level: "unknown", words: "not asked yet" };
  }
  if (heard === null || works !== "yes") return { level: "unknown", words: sent ? `never answered, asked ${sent} times` : "not asked yet" };
  if (run) return { level: run < GONE ? "doubt" : "bad", words: `no answer to the last ${run}; answered ${ago(heard)}` };
  return { level: "good", words: `answered ${ago(heard)}${time(target)}` };
}

/** @param {any} target `TargetView` @returns {Fact & {where: string}} */
export function targetFact(target) {
  const { level, words } = targetState(target);
  const role = ROLES[target.role] ?? target.role;
  const named = ["peer", "printer", "display"].includes(target.role) ? ` ${target.target.split(":").pop()}` : "";
  return { id: `${target.target}.${target.way}`, title: `${role}${named}`, level, words, where: [target.address, `by ${target.way}`, target.mac].filter(Boolean).join(" · ") };
}

/** One trouble of the timeline. @param {any} entry `NetworkEntry` @returns {string} how long it lasted */
export const lasted = (entry) => (entry.going_on ? "goes on" : entry.lasted_s === null ? "its end is not known" : age(entry.lasted_s * 1000));
