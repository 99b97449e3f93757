// A browser's storage, a clock, and a register, all of which misbehave on purpose and from a seed.

/** Mulberry32: small, seeded, good enough for tests. */
export function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `localStorage` with a quota in characters. */
export class FakeStorage {
  constructor(quota = Infinity) {
    this.quota = quota;
    this.rows = new Map();
  }
  get length() { return this.rows.size; }
  key(index) { return [...this.rows.keys()][index] ?? null; }
  getItem(name) { return this.rows.get(name) ?? null; }
  setItem(name, text) {
    const used = [...this.rows].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
    if (used + name.length + text.length > this.quota) throw new DOMException("full", "QuotaExceededError");
    this.rows.set(name, text);
  }
  removeItem(name) { this.rows.delete(name); }
}

/** Time that passes only when told to; timers run in their order. */
export class FakeTime {
  constructor() {
    this.at = 1_000_000;
    this.skew = 0; // somebody sets the wall clock
    this.timers = new Map();
    this.count = 0;
  }
  now = () => this.at + this.skew;
  mono = () => this.at;
  later = (work, ms) => {
    this.count += 1;
    this.timers.set(this.count, { work, at: this.at + ms });
    return this.count;
  };
  cancel = (timer) => this.timers.delete(timer);
  async pass(ms) {
    const end = this.at + ms;
    for (;;) {
      await turns();
      const due = [...this.timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.at = Math.max(this.at, due[1].at);
      due[1].work();
    }
    this.at = end;
    await turns();
  }
}

export async function turns(count = 30) {
  for (let index = 0; index < count; index += 1) await Promise.resolve();
}

/** `navigator.locks` for several tabs of one browser. */
export class FakeLocks {
  constructor() { this.held = new Set(); }
  async request(name, options, work) {
    if (this.held.has(name)) return work(null);
    this.held.add(name);
    try {
      return await work({ name });
    } finally {
      this.held.delete(name);
    }
  }
}

/** Keeps what it was told by key; loses requests and answers, refuses some. */
export class FakeRegister {
  constructor(seed, { lose = 0, refuse = () => null } = {}) {
    this.random = chance(seed);
    this.lose = lose;
    this.refuse = refuse;
    this.done = new Map(); // key -> answer
    this.log = []; // what was executed, in order
    this.seen = [];
    this.checks = 0;
  }
  send = async (entry, path, approval) => {
    this.seen.push(entry.id);
    if (this.random() < this.lose) return { kind: "later", words: "lost on the way" };
    await turns(1 + Math.floor(this.random() * 5));
    const problem = this.done.has(entry.id) ? null : this.refuse(entry, path, approval);
    if (problem) return { kind: "refused", problem };
    const replayed = this.done.has(entry.id);
    if (!replayed) {
      this.checks += path === "/v1/orders" ? 1 : 0;
      this.done.set(entry.id, path === "/v1/orders" ? { check_id: `check${this.checks}` } : {});
      this.log.push({ path, body: entry.body });
    }
    if (this.random() < this.lose) return { kind: "later", words: "the answer was lost" };
    return { kind: "done", value: this.done.get(entry.id), replayed };
  };
}
