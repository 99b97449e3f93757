// @ts-check
/**
 * What a kitchen screen knows: a reducer of frames (docs/kitchen-display-protocol.md) and of what a cook does. No DOM, no clock,
 * no network. Everything in it is bounded, however long a page stays open.
 */

export const MAX_OPEN = 600; // tickets on the screen; the agent keeps 500 of one display
export const MAX_PAST = 50; // bumped cards that can be recalled
export const MAX_KNOWN = 2000; // job ids of tickets that were bumped

/**
 * @typedef {{line_id: string, quantity: number, name: string, action: "add"|"modify"|"void", modifiers: string[], note: string,
 *   seat: number|null, course: number, order_type: string, previous_quantity: number|null, was?: string[]}} Item
 * @typedef {{check_id: string, ticket_code: string, revision: number, station: string, order_type: string, items: Item[],
 *   fired_at_ms: number, table: string, server: string, terminal: string, name: string, covers: number, car: number, note: string,
 *   rush: boolean, check_number: number|null}} Ticket
 * @typedef {{jobId: string, register: string, n: number, born: number, ticket: Ticket, marks: string[], done: string[],
 *   stopSeen: boolean, seenAt: number}} Shown one ticket; `born` (when it was fired) and `seenAt` (when it came) on the page's own
 *   steady clock, in ms
 * @typedef {{key: string, tickets: Shown[]}} Past
 * @typedef {{open: Map<string, Shown>, past: Past[], known: Set<string>, n: number, dropped: number,
 *   news: {n: number, kind: ""|"new"|"void"}}} Board
 */

/** @returns {Board} */
export const emptyBoard = () => ({ open: new Map(), past: [], known: new Set(), n: 0, dropped: 0, news: { n: 0, kind: "" } });

/** What makes tickets one card: the check at its station. @param {Shown} shown */
export const keyOf = (shown) => `${shown.register} ${shown.ticket.check_id} ${shown.ticket.station}`;

/** @param {Shown} shown */
export const isVoid = (shown) => shown.ticket.items.some((item) => item.action === "void");

/**
 * @param {Board} board
 * @param {any} action see `ACTIONS`
 * @returns {Board} the same one where nothing changed
 */
export function reduce(board, action) {
  return ACTIONS[action.type]?.(board, action) ?? board;
}

const ACTIONS = {
  /** A ticket frame. `born`: when it was fired, on the page's own steady clock, in ms. */
  ticket(board, { register, frame, born, at = born }) {
    const { job_id: jobId, ticket, marks = [], done_lines: done = [], stop_seen: stopSeen = false } = frame;
    const before = board.open.get(jobId);
    if (before) return update(board, { ...before, marks, stopSeen: before.stopSeen || stopSeen });
    if (board.known.has(jobId)) return board;
    const n = board.n + 1;
    const shown = { jobId, register, n, born, ticket, marks, done, stopSeen, seenAt: at };
    const open = new Map(board.open);
    for (const other of sameCard(board, shown)) open.set(other.jobId, { ...other, done: reopened(other.done, ticket) });
    open.set(jobId, shown);
    return bounded({ ...board, open, n, news: { n, kind: isVoid(shown) && !stopSeen ? "void" : "new" } });
  },

  /** A bumped ticket that can be recalled, told to a page that knew nothing. */
  past(board, { register, frame, born }) {
    if (board.open.has(frame.job_id) || board.known.has(frame.job_id)) return board;
    const { job_id: jobId, ticket, marks = [] } = frame;
    const shown = { jobId, register, n: board.n + 1, born, ticket, marks, done: [], stopSeen: true, seenAt: born };
    return leave({ ...board, n: shown.n }, [shown]);
  },

  /** What the agent knows, on each connection. `pending`: job ids whose touches it has not confirmed yet. */
  board(board, { register, frame, pending }) {
    const settled = (shown) => shown.register === register && !pending.has(shown.jobId);
    const bumped = new Set(frame.bumped);
    const open = new Set(frame.open);
    // Recalled elsewhere, and forgotten here: the ticket frame that follows is to be shown.
    const known = new Set([...board.known].filter((id) => !open.has(id) || pending.has(id) || board.past.some((card) => has(card, id))));
    let after = leave(known.size === board.known.size ? board : { ...board, known }, [...board.open.values()].filter((shown) => settled(shown) && bumped.has(shown.jobId)));
    after = comeBack(after, (shown) => settled(shown) && open.has(shown.jobId));
    return seen(after, new Set(frame.stop_seen));
  },

  /** What another display of the station did. */
  shared(board, { frame }) {
    const ids = new Set(frame.job_ids);
    const meant = [...board.open.values()].filter((shown) => ids.has(shown.jobId));
    if (frame.line_id) return ticked(board, meant, frame.line_id, frame.kind === "bumped");
    if (frame.kind === "bumped") return leave(board, meant);
    if (frame.kind === "recalled") return comeBack(board, (shown) => ids.has(shown.jobId));
    return frame.kind === "stop_seen" ? seen(board, ids) : board;
  },

  /** The cook is done with these tickets of a card, or wants them back. */
  bump: (board, { jobIds }) => leave(board, jobIds.flatMap((id) => board.open.get(id) ?? [])),
  recall: (board, { jobIds }) => comeBack(board, (shown) => jobIds.includes(shown.jobId)),
  tick: (board, { jobIds, lineId, done }) => ticked(board, jobIds.flatMap((id) => board.open.get(id) ?? []), lineId, done),
  stop_seen: (board, { jobIds }) => seen(board, new Set(jobIds)),

  /** Two addresses turned out to be one register: its tickets are of the one that stays. */
  renamed(board, { from, to }) {
    const own = (shown) => (shown.register === from ? { ...shown, register: to } : shown);
    const past = board.past.map((card) => card.tickets.map(own)).map((tickets) => ({ key: keyOf(tickets[0]), tickets }));
    return { ...board, open: new Map([...board.open].map(([id, shown]) => [id, own(shown)])), past };
  },

  /** What this page kept over a reload. `bumped`: job ids of touches that are still to be sent. */
  restore(board, { saved, bumped }) {
    const open = new Map();
    for (const shown of saved.open ?? []) if (!bumped.has(shown.jobId)) open.set(shown.jobId, shown);
    const known = new Set([...(saved.known ?? []), ...bumped].slice(-MAX_KNOWN));
    const n = Math.max(0, ...[...open.values()].map((shown) => shown.n));
    return { ...board, open, past: (saved.past ?? []).slice(-MAX_PAST), known, n };
  },
};

const has = (card, id) => card.tickets.some((shown) => shown.jobId === id);

function update(board, shown) {
  const open = new Map(board.open);
  open.set(shown.jobId, shown);
  return { ...board, open };
}

const sameCard = (board, shown) => [...board.open.values()].filter((other) => keyOf(other) === keyOf(shown));

/** A later slip that speaks of a line opens it again. */
function reopened(done, ticket) {
  return done.length ? done.filter((line) => !ticket.items.some((item) => item.line_id === line)) : done;
}

/** Tickets leave the screen and can be recalled, card by card. */
function leave(board, tickets) {
  if (!tickets.length) return board;
  const open = new Map(board.open);
  const known = new Set(board.known);
  const cards = new Map();
  for (const shown of tickets) {
    open.delete(shown.jobId);
    known.delete(shown.jobId);
    known.add(shown.jobId);
    const key = keyOf(shown);
    cards.set(key, [...(cards.get(key) ?? []), shown]);
  }
  for (const id of known) {
    if (known.size <= MAX_KNOWN) break;
    known.delete(id);
  }
  const past = [...board.past, ...[...cards].map(([key, gone]) => ({ key, tickets: gone }))].slice(-MAX_PAST);
  return { ...board, open, known, past };
}

function comeBack(board, wanted) {
  const back = board.past.flatMap((card) => card.tickets.filter(wanted));
  if (!back.length) return board;
  const open = new Map(board.open);
  const known = new Set(board.known);
  for (const shown of back) {
    open.set(shown.jobId, shown);
    known.delete(shown.jobId);
  }
  const rest = board.past.map((card) => ({ ...card, tickets: card.tickets.filter((shown) => !wanted(shown)) }));
  return bounded({ ...board, open, known, past: rest.filter((card) => card.tickets.length) });
}

function ticked(board, tickets, lineId, done) {
  const meant = tickets.filter((shown) => shown.ticket.items.some((item) => item.line_id === lineId));
  if (!meant.length) return board;
  const open = new Map(board.open);
  for (const shown of meant) {
    const others = shown.done.filter((line) => line !== lineId);
    open.set(shown.jobId, { ...shown, done: done ? [...others, lineId] : others });
  }
  return { ...board, open };
}

function seen(board, ids) {
  const meant = [...board.open.values()].filter((shown) => ids.has(shown.jobId) && !shown.stopSeen);
  if (!meant.length) return board;
  const open = new Map(board.open);
  for (const shown of meant) open.set(shown.jobId, { ...shown, stopSeen: true });
  return { ...board, open };
}

/** At the bound the oldest ticket leaves the screen; it can be recalled, and the screen says how many did. */
function bounded(board) {
  const over = board.open.size - MAX_OPEN;
  if (over <= 0) return board;
  const oldest = [...board.open.values()].sort((a, b) => a.born - b.born || a.n - b.n).slice(0, over);
  return { ...leave(board, oldest), dropped: board.dropped + over };
}

/** What a page keeps over a reload, as JSON: at most `most` open tickets, the newest. @param {Board} board */
export function toSave(board, most = 200) {
  const open = [...board.open.values()];
  return { open: open.slice(Math.max(0, open.length - most)), past: board.past, known: [...board.known].slice(-500) };
}
