// @ts-check
/**
 * Every command of a page goes through here: it is kept in the browser's storage with its idempotency key before it is first
 * sent, and sent again with the same key until it has a final answer - over reloads, agent restarts and several tabs.
 *
 * A *lane* is a run of commands that must keep their order: those of one check. Its name is the check's id, or, while the check
 * is not open yet, any name of the page's own; "@" in a path stands for the id of the check that the lane's first answer opened.
 * A refusal stops its lane: what waits behind it is refused as `not_sent`, for it was meant for another state of the check.
 */

import { newKey } from "./api.js";

const ENTRY = "tk.outbox.";
const LANE = "tk.lane.";
const FAULTS = 5; // answers "fault of its own" (500) until an entry counts as refused
const SLOWEST_MS = 5000;

/**
 * @typedef {{id: string, seq: string, lane: string, path: string, body: object, label: string, state: "waiting"|"done"|"refused",
 *   tab: string, terminal: string, session: string, employee: string, training?: boolean, draft: string, at_ms: number, tries: number,
 *   words: string, problem: any, value: any, replayed: boolean}} Entry `training`: whether it was entered in training; missing where
 *   a page of before kept it, or nobody signs in
 * @typedef {{kind: "done", value: any, replayed: boolean} | {kind: "refused", problem: any} |
 *   {kind: "later", words: string, fault?: boolean, problem?: any}} Outcome
 */

/** The page must not take on more: `message` says why in words. */
export class OutboxFull extends Error {}

/**
 * @param {{send: (entry: Entry, path: string, approval: string) => Promise<Outcome>, storage?: Storage | null,
 *   locks?: LockManager | null, now?: () => number, mono?: () => number, random?: () => number, limit?: number, tab?: string,
 *   later?: (work: () => void, ms: number) => any, cancel?: (timer: any) => void}} options `storage` null where the browser forbids it;
 *   `now` wall clock in ms for people, `mono` ms that never go back, for pauses
 */
export function createOutbox({ send, storage = null, locks = null, now = Date.now, mono = () => performance.now(), random = Math.random, limit = 200,
  tab = newKey().slice(0, 8), later = setTimeout, cancel = clearTimeout }) {
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  const lanes = new Map();
  const approvals = new Map();
  const busy = new Set();
  const pauses = new Map();
  const listeners = new Set();
  const waiters = new Map();
  let durable = Boolean(storage);
  let counter = 0;
  let timer = null;

  const names = (prefix) => {
    const found = [];
    for (let index = 0; index < (storage?.length ?? 0); index += 1) {
      const name = storage?.key(index);
      if (name?.startsWith(prefix)) found.push(name);
    }
    return found;
  };

  /** @returns {boolean} whether it is durable */
  function keep(name, text) {
    try {
      storage?.setItem(name, text);
      return Boolean(storage);
    } catch {
      durable = false;
      return false;
    }
  }

  function forget(name) {
    try {
      storage?.removeItem(name);
    } catch {
      durable = false;
    }
  }

  /** Take over what other tabs wrote. What could not be stored lives on in memory. */
  function refresh() {
    if (!storage || !durable) return;
    const seen = new Set();
    for (const name of names(ENTRY)) {
      const id = name.slice(ENTRY.length);
      seen.add(id);
      try {
        const stored = JSON.parse(storage.getItem(name) ?? "");
        if (typeof stored?.lane === "string" && typeof stored.path === "string") entries.set(id, stored);
      } catch {
        forget(name); // not ours, or cut off by a browser that crashed: never sent, for sending follows storing
      }
    }
    for (const id of [...entries.keys()]) if (!seen.has(id)) entries.delete(id);
  }

  const sorted = () => [...entries.values()].sort((a, b) => (a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : a.id < b.id ? -1 : 1));

  function tell() {
    for (const listener of listeners) listener();
    for (const [id, resolve] of [...waiters]) {
      const entry = entries.get(id);
      if (entry?.state === "waiting") continue;
      waiters.delete(id);
      resolve(entry ?? null);
    }
  }

  function change(entry, fields) {
    const next = { ...entry, ...fields };
    entries.set(entry.id, next);
    keep(ENTRY + entry.id, JSON.stringify(next));
    return next;
  }

  const checkOf = (lane) => lanes.get(lane) ?? storage?.getItem(LANE + lane) ?? "";

  /** Where the entry goes; empty while nothing has opened its check. */
  function pathOf(entry) {
    if (!entry.path.includes("@")) return entry.path;
    const check = checkOf(entry.lane) || (entry.lane.startsWith("new.") ? "" : entry.lane);
    return check && entry.path.replace("@", encodeURIComponent(check));
  }

  /** Refuse what waits behind a refusal. */
  function stop(entry) {
    for (const other of sorted()) {
      if (other.lane === entry.lane && other.seq > entry.seq && other.state === "waiting") {
        const words = `Not sent, because "${entry.label}" before it was refused.`;
        change(other, { state: "refused", problem: { code: "not_sent", status: 0, words, extra: {} }, words });
      }
    }
  }

  function settle(entry, outcome) {
    if (outcome.kind === "done") {
      const check = outcome.value?.check_id;
      if (check && entry.lane !== check) {
        lanes.set(entry.lane, check);
        keep(LANE + entry.lane, check);
      }
      change(entry, { state: "done", value: outcome.value, replayed: outcome.replayed, words: "" });
      pauses.delete(entry.lane);
      return;
    }
    const tries = entry.tries + 1;
    if (outcome.kind === "refused" || (outcome.fault && tries >= FAULTS)) {
      const problem = JSON.parse(JSON.stringify(outcome.problem));
      stop(change(entry, { state: "refused", problem, words: problem.words ?? "", tries }));
      pauses.delete(entry.lane);
      return;
    }
    change(entry, { tries, words: outcome.words });
    const pause = Math.min(SLOWEST_MS, 250 * 2 ** Math.min(tries, 6)) * (0.5 + random() / 2);
    pauses.set(entry.lane, mono() + pause);
  }

  async function sendHead(lane) {
    refresh();
    const entry = sorted().find((one) => one.lane === lane && one.state === "waiting");
    if (!entry) return;
    const path = pathOf(entry);
    if (!path) {
      const problem = { code: "not_sent", status: 0, words: "The check that this belongs to was never opened.", extra: {} };
      change(entry, { state: "refused", problem, words: problem.words });
      return;
    }
    const outcome = await send(entry, path, approvals.get(entry.id) ?? "");
    const still = entries.get(entry.id);
    if (still?.state === "waiting") settle(still, outcome);
  }

  async function run(lane) {
    if (busy.has(lane)) return;
    busy.add(lane);
    try {
      if (!locks) await sendHead(lane);
      else await locks.request(ENTRY + lane, { ifAvailable: true }, (lock) => (lock ? sendHead(lane) : pauses.set(lane, mono() + 1000)));
    } finally {
      busy.delete(lane);
    }
    tell();
    pump();
  }

  /** Send what may go now, and come back for the rest. */
  function pump() {
    const waiting = sorted().filter((entry) => entry.state === "waiting");
    let soonest = Infinity;
    for (const lane of new Set(waiting.map((entry) => entry.lane))) {
      const until = pauses.get(lane) ?? 0;
      if (busy.has(lane)) continue;
      if (until <= mono()) run(lane);
      else soonest = Math.min(soonest, until);
    }
    if (soonest < Infinity) {
      cancel(timer);
      timer = later(pump, Math.max(20, soonest - mono()));
    }
  }

  refresh();

  return {
    tab,

    /** Whether entries survive a reload. False: the browser forbids storage, or it is full. */
    get durable() {
      return durable;
    },

    /** @returns {Entry[]} in the order in which they were added */
    entries: sorted,

    /** @param {() => void} listener @returns {() => void} to stop listening */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /**
     * Keep a command and send it. Synchronous up to the point where it is stored.
     * @param {{lane: string, path: string, body: object, label: string, key?: string, draft?: string, terminal?: string,
     *   session?: string, employee?: string, training?: boolean}} command `key`: only to repeat a command whose key is known
     * @returns {Entry}
     * @throws {OutboxFull} too much waits already
     */
    add(command) {
      const count = sorted().filter((entry) => entry.state !== "done").length;
      if (count >= limit) throw new OutboxFull(`${count} entries wait for the register already. Wait until it answers.`);
      counter += 1;
      const seq = `${String(now()).padStart(15, "0")}.${String(counter).padStart(6, "0")}`;
      const last = sorted().pop()?.seq ?? "";
      /** @type {Entry} */
      const entry = { draft: "", terminal: "", session: "", employee: "", ...command, id: command.key ?? newKey(), state: "waiting",
        seq: seq > last ? seq : `${last}+`, tab, at_ms: now(), tries: 0, words: "", problem: null, value: null, replayed: false };
      entries.set(entry.id, entry);
      keep(ENTRY + entry.id, JSON.stringify(entry));
      tell();
      pump();
      return entry;
    },

    /** @param {string} id @returns {Promise<Entry | null>} once it is done or refused; null where another tab has cleared it away */
    settled(id) {
      return new Promise((resolve) => {
        waiters.set(id, resolve);
        tell();
      });
    },

    /**
     * Send a refused entry again, with its key. @param {string} id
     * @param {{approval?: string, session?: string, employee?: string}} [how] `approval` stays in memory only
     */
    retry(id, { approval = "", ...who } = {}) {
      const entry = entries.get(id);
      if (!entry || entry.state === "done") return;
      if (approval) approvals.set(id, approval);
      change(entry, { state: "waiting", problem: null, words: "", tries: 0, ...who });
      pauses.delete(entry.lane);
      tell();
      pump();
    },

    /** The person has seen how it ended: forget it. What still waits cannot be forgotten. @param {string} id */
    ack(id) {
      const entry = entries.get(id);
      if (!entry || entry.state === "waiting") return;
      entries.delete(id);
      approvals.delete(id);
      forget(ENTRY + id);
      if (!sorted().some((other) => other.lane === entry.lane)) {
        lanes.delete(entry.lane);
        forget(LANE + entry.lane);
      }
      tell();
    },

    /** @param {string} lane @returns {string} id of the check that was opened in it, or empty */
    checkOf,

    /** The register is back, somebody has signed in, or another tab has written: try everything now. */
    poke() {
      refresh();
      pauses.clear();
      tell();
      pump();
    },
  };
}
