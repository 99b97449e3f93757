// @ts-check
/**
 * The kitchen screen without its looks: a connection to every register of the store, one board for all of them, and what the
 * cook does on its way back to the register that owns the ticket. Tickets are acknowledged once `committed` says that the page
 * has really drawn them, and once they are kept: a register may die right after it heard that they are here.
 */

import { emptyBoard, reduce, toSave } from "./board.js";
import { isLive } from "./cards.js";
import { clean, cleanFrame } from "./clean.js";
import { createLink } from "./link.js";

const SAVE_MS = 1000;
const MAX_JOBS = 64; // tickets that one touch may name

/**
 * @typedef {{url: string, name: string, state: import("./link.js").LinkState, since: number, ever: boolean}} Register `since`: its own
 *   clock when it got into this state, ms; `ever`: it has told all that it had
 * @typedef {{board: import("./board.js").Board, registers: Register[], unsent: number}} View
 * @param {{device: string, protocols: string[], storage: Storage | null, touches: ReturnType<typeof import("./touches.js").createTouches>,
 *   clocks: ReturnType<typeof import("./clocks.js").createClocks>, steady: () => number, onChange: () => void, linkOptions?: object,
 *   later?: (work: () => void, ms: number) => any}} parts
 */
export function createKitchen({ device, protocols, storage, touches, clocks, steady, onChange, linkOptions = {}, later = setTimeout }) {
  const place = `tk.kitchen.board.${device}`;
  /** @type {Map<string, {register: Register, link: ReturnType<typeof createLink>, epoch: string, lastSeq: number}>} */
  const links = new Map();
  /** Another address of a register -> the one at which it is connected: two connections would replace each other. @type {Map<string, string>} */
  const aliases = new Map();
  let board = emptyBoard();
  let acks = [];
  /** When each register was heard last, by its own clock: also over a reload while it is away. @type {Record<string, number>} */
  let heard = {};
  let saving = false;
  let kept = board; // the board that is in the storage

  function restore() {
    const saved = read(storage, place);
    clocks.restore(saved.offsets ?? {});
    heard = Object.fromEntries(Object.entries(saved.heard ?? {}).filter(([, at]) => Number.isFinite(at)));
    const again = (shown) => {
      const ticket = clean(shown.ticket); // perhaps kept by a page of another version
      return { ...shown, ticket, born: clocks.born(shown.register, ticket.fired_at_ms), seenAt: -Infinity };
    };
    let before = { open: [], past: [], known: [] };
    try {
      const past = saved.past.map((card) => ({ ...card, tickets: card.tickets.map(again) }));
      before = { open: saved.open.map(again), past, known: saved.known.map(String) };
    } catch {
      // nothing was kept, or by a page that kept it otherwise: the register has it all
    }
    board = reduce(board, { type: "restore", saved: before, bumped: touches.bumped() });
  }

  function changed(after) {
    if (after === board) return;
    board = after;
    plan();
    onChange();
  }

  function plan() {
    if (saving) return;
    saving = true;
    later(save, SAVE_MS);
  }

  function save() {
    saving = false;
    const taken = new Set([...links].flatMap(([url, { register }]) => (register.state === "replaced" ? url : [])));
    if (links.size && taken.size === links.size) return; // the other page keeps it now
    for (const most of [200, 40, 0]) {
      try {
        storage?.setItem(place, JSON.stringify({ ...toSave(board, most), ...others(taken, most), offsets: clocks.offsets(), heard }));
        kept = board;
        return;
      } catch {
        // no room: with less
      }
    }
  }

  /** Another page, perhaps of this browser, has taken some registers over: their tickets stay as they are kept. */
  function others(taken, most) {
    if (!taken.size) return {};
    const stored = (read(storage, place).open ?? []).filter((shown) => taken.has(shown?.register));
    const own = toSave(board, most).open.filter((shown) => !taken.has(shown.register));
    return { open: [...stored, ...own] };
  }

  function onFrame(entry, raw) {
    const { url } = entry.register;
    const frame = raw.ticket === undefined ? raw : cleanFrame(raw);
    if (frame.now_ms) clocks.hear(url, frame.now_ms);
    heard[url] = clocks.now(url);
    switch (frame.type) {
      case "welcome":
        if (frame.epoch !== entry.epoch) Object.assign(entry, { epoch: frame.epoch, lastSeq: 0 });
        entry.register.name = frame.register || entry.register.name;
        if (merge(entry)) return;
        sendDue(entry, true);
        onChange();
        return;
      case "ticket":
        acks.push({ url, seq: frame.seq, jobId: frame.job_id });
        changed(reduce(board, { type: "ticket", register: url, frame, born: clocks.born(url, frame.ticket.fired_at_ms), at: steady() }));
        onChange(); // also for one that is known: its acknowledgement waits for `committed`
        return;
      case "past":
        changed(reduce(board, { type: "past", register: url, frame, born: clocks.born(url, frame.ticket.fired_at_ms) }));
        return;
      case "board":
        changed(reduce(board, { type: "board", register: url, frame, pending: new Set(addresses(url).flatMap((one) => [...touches.pending(one)])) }));
        return;
      case "shared":
        changed(reduce(board, { type: "shared", register: url, frame }));
        return;
      case "kept":
        touches.kept(frame.touch);
        onChange();
        return;
      case "beat":
        entry.register.ever = true; // the first beat comes after all that was there to be told
        sendDue(entry, false);
    }
  }

  /** One life of a board at two addresses is one register: the first address stays. @returns {boolean} whether there were two */
  function merge(entry) {
    const [kept, ...same] = [...links.values()].filter((one) => one.epoch === entry.epoch && (one === entry || one.register.state !== "lost"));
    for (const { link, register } of same) {
      link.stop();
      links.delete(register.url);
      aliases.set(register.url, kept.register.url);
      changed(reduce(board, { type: "renamed", from: register.url, to: kept.register.url }));
    }
    if (same.length) kept.link.restart(); // the other one took its place, or does in a moment
    return same.length > 0;
  }

  function onState(entry, state) {
    entry.register.state = state;
    entry.register.since = state === "lost" ? (heard[entry.register.url] ?? entry.register.since) : clocks.now(entry.register.url);
    if (state === "lost") {
      aliases.clear(); // when they are heard next, another may have the address
      plan();
    }
    if (state !== "live") acks = acks.filter((ack) => ack.url !== entry.register.url); // the next connection sends them again
    onChange();
  }

  /** All of a register, as far as they are known. */
  const addresses = (url) => [url, ...[...aliases.keys()].filter((alias) => aliases.get(alias) === url)];

  function sendDue(entry, again) {
    for (const one of addresses(entry.register.url)) {
      for (const touch of touches.due(one, steady(), again)) if (!entry.link.send(touch.frame)) touches.unsent(touch);
    }
  }

  function add(url) {
    const entry = { register: { url, name: new URL(url).host, state: "connecting", since: heard[url] ?? clocks.now(url), ever: false }, epoch: "", lastSeq: 0 };
    entry.link = createLink({
      ...linkOptions,
      url: `${url.replace(/^http/, "ws")}/v1/kitchen/${encodeURIComponent(device)}`,
      protocols,
      hello: () => ({ epoch: entry.epoch, last_seq: entry.lastSeq, past: !entry.register.ever }),
      onFrame: (frame) => onFrame(entry, frame),
      onState: (state) => onState(entry, state),
    });
    links.set(url, entry);
    entry.link.start();
  }

  /** Tell the register that owns these tickets, now or when it is back. */
  function touch(type, tickets, lineId = "") {
    if (!tickets.length) return;
    const { register, ticket } = tickets[0];
    for (let at = 0; at < tickets.length; at += MAX_JOBS) {
      const jobIds = tickets.slice(at, at + MAX_JOBS).map((shown) => shown.jobId);
      touches.add(register, { type, check_id: ticket.check_id, station: ticket.station, line_id: lineId, job_ids: jobIds });
    }
    const entry = links.get(aliases.get(register) ?? register);
    if (entry) sendDue(entry, false);
  }

  const tickets = (jobIds) => jobIds.flatMap((id) => board.open.get(id) ?? []);

  restore();
  return {
    /** @returns {View} */
    view: () => ({ board, registers: [...links.values()].map(({ register }) => register), unsent: touches.size }),

    /** Connect to these registers and to no others. @param {string[]} urls base addresses */
    connect(urls) {
      for (const [url, entry] of links) {
        if (urls.includes(url)) continue;
        entry.link.stop();
        links.delete(url);
      }
      for (const url of urls) if (!links.has(url) && !aliases.has(url)) add(url);
    },

    /** Try again now; also where another page has taken over. */
    again: () => links.forEach(({ link }) => link.again()),

    /** The page has drawn this board: acknowledge what is on it. @param {import("./board.js").Board} drawn */
    committed(drawn) {
      const waiting = [];
      if (acks.length && kept !== board) save();
      for (const ack of acks) {
        const entry = links.get(ack.url);
        if (!drawn.open.has(ack.jobId) && !drawn.known.has(ack.jobId)) waiting.push(ack);
        else if (entry?.link.send({ type: "ack", seq: ack.seq, job_id: ack.jobId })) entry.lastSeq = Math.max(entry.lastSeq, ack.seq);
      }
      acks = waiting;
    },

    /** @param {import("./cards.js").Card} card */
    bump(card) {
      touch("bump", tickets(card.jobIds));
      changed(reduce(board, { type: "bump", jobIds: card.jobIds }));
    },

    /** Bring a bumped card back; the last one where none is named. @param {number} [at] index in `board.past` */
    recall(at = board.past.length - 1) {
      const past = board.past[at];
      if (!past) return;
      touch("recall", past.tickets);
      changed(reduce(board, { type: "recall", jobIds: past.tickets.map((shown) => shown.jobId) }));
    },

    /** One item is done, or not after all. @param {import("./cards.js").Card} card @param {string} lineId @param {boolean} done */
    tick(card, lineId, done) {
      touch(done ? "bump" : "recall", tickets(card.jobIds), lineId);
      changed(reduce(board, { type: "tick", jobIds: card.jobIds, lineId, done }));
    },

    /** The STOP of this card's VOIDs was seen; a card with nothing left to cook leaves with it. @param {import("./cards.js").Card} card */
    seen(card) {
      const ids = card.stops.map((stop) => stop.jobId);
      touch("stop_seen", tickets(ids));
      changed(reduce(board, { type: "stop_seen", jobIds: ids }));
      if (!isLive(card)) this.bump(card);
    },

    save,
    stop() {
      save();
      for (const { link } of links.values()) link.stop();
    },
  };
}

function read(storage, name) {
  try {
    const saved = JSON.parse(storage?.getItem(name) ?? "{}");
    return saved && Array.isArray(saved.open) ? saved : {};
  } catch {
    return {};
  }
}
