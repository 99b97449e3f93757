// @ts-check
/** What the live connection said so far, as one value. Pure: messages hold whole values, so a repeat does no harm. */

const MAX_ENDED = 300; // closed and voided checks that are kept for the list; older ones are asked for

export const NOTHING = { status: null, checks: {}, ended: {}, jobs: {}, availability: { entries: [] }, drawers: [], at: 0 };

/**
 * @param {typeof NOTHING} state @param {any} message @returns {any} the state after it
 */
export function heard(state, message) {
  switch (message.type) {
    case "snapshot":
      return { ...state, status: message.status, checks: byId(message.checks, "check_id"), jobs: byId(message.jobs, "job_id"),
        availability: message.availability ?? state.availability, drawers: message.drawers?.drawers ?? state.drawers };
    case "status":
      return { ...state, status: message.status };
    case "check":
      return withCheck(state, message.check);
    case "job":
      return { ...state, jobs: withJob(state.jobs, message.job) };
    case "device":
      return state.status ? { ...state, status: { ...state.status, devices: replaced(state.status.devices, message.device) } } : state;
    case "availability":
      return { ...state, availability: message.availability };
    case "drawers":
      return { ...state, drawers: message.drawers.drawers };
    default:
      return state; // a newer register may say more
  }
}

/** @param {Record<string, any>} jobs by id @returns {any[]} those that wait for a person */
export const heldIn = (jobs) => Object.values(jobs).filter((job) => job.state === "held");

/** @param {any[]} jobs @returns {any[]} those of the kitchen */
export const ticketsOf = (jobs) => jobs.filter((job) => job.document_class === "kitchen_ticket" || job.document_class === "change_slip");

/** What has to be seen from every view, with its age; a register that does not answer has no say. @param {any} state @returns {any[]} */
export const alarms = ({ link, live, session }) => (link === "lost" || session?.training ? [] : live.status?.advisories ?? [])
  .filter((one) => ["tickets_late", "tickets_held", "drawer_stuck", "drawer_open"].includes(one.code));

const byId = (rows, id) => Object.fromEntries(rows.map((row) => [row[id], row]));
const SETTLED = new Set(["confirmed", "unconfirmed", "failed", "expired", "rerouted", "sent"]);

function withJob(jobs, job) {
  const { [job.job_id]: _old, ...others } = jobs;
  return SETTLED.has(job.state) ? others : { ...others, [job.job_id]: job };
}

function withCheck(state, check) {
  const { [check.check_id]: _open, ...checks } = state.checks;
  const { [check.check_id]: _ended, ...ended } = state.ended;
  if (check.state === "open") return { ...state, checks: { ...checks, [check.check_id]: check }, ended };
  const kept = Object.entries({ ...ended, [check.check_id]: check });
  return { ...state, checks, ended: Object.fromEntries(kept.slice(-MAX_ENDED)) };
}

const replaced = (devices, device) => devices.map((one) => (one.device === device.device ? device : one));

/** @param {any[]} checks @returns {any[]} cars in the order in which they ordered */
export const cars = (checks) => checks.filter((check) => check.order_type === "drive_through" && check.state === "open" && !check.awaiting)
  .sort((a, b) => a.opened_at_ms - b.opened_at_ms || (a.car ?? 0) - (b.car ?? 0) || (a.check_id < b.check_id ? -1 : 1));

/** @param {any[]} checks @param {string} text @returns {any[]} those whose code, table, name, number or id contains it */
export function matching(checks, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return checks;
  const has = (check) => [check.ticket_code, check.table, check.name ?? "", check.number ? String(check.number) : "", check.check_id].some((part) => part.toLowerCase().includes(wanted));
  return checks.filter(has);
}

/** @param {{entries: any[]}} availability @param {"item" | "modifier"} kind @param {string} id @returns {{sold: boolean, left: number | null}} */
export function supply(availability, kind, id) {
  const entry = availability.entries.find((one) => one.kind === kind && one.subject_id === id);
  return { sold: entry?.state === "sold_out", left: entry?.state === "counting" ? entry.remaining : null };
}
