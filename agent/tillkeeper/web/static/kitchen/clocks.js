// @ts-check
/**
 * What time it is at each register, by what it said last and a clock of ours that nobody sets: a tablet whose clock is wrong or
 * jumps shows the right ages all the same.
 */

const STEP_MS = 2000; // a register's clock that differs by this much from what was heard before was set

/** @param {{steady: () => number, wall: () => number}} browser `performance.now` and `Date.now`, in ms */
export function createClocks({ steady, wall }) {
  /** @type {Map<string, {at: number, now: number}>} */
  const heard = new Map();
  /** @type {Map<string, number>} */
  const apart = new Map(); // register's clock less ours, the same for all its tickets: frames that take longer reorder nothing
  /** @type {Record<string, number>} */
  let offsets = {};

  return {
    /** @param {string} register @param {number} nowMs its wall clock */
    hear(register, nowMs) {
      heard.set(register, { at: steady(), now: nowMs });
      const now = nowMs - steady();
      if (!(Math.abs((apart.get(register) ?? Infinity) - now) < STEP_MS)) apart.set(register, now);
      offsets[register] = nowMs - wall();
    },
    /** Its wall clock now; before it has said anything, by how wrong the tablet was when last heard. @param {string} register */
    now(register) {
      const last = heard.get(register);
      return last ? last.now + (steady() - last.at) : wall() + (offsets[register] ?? 0);
    },
    /** When something of a register's clock was, on the page's own steady clock. @param {string} register @param {number} atMs */
    born(register, atMs) {
      return atMs - (apart.get(register) ?? this.now(register) - steady());
    },
    offsets: () => ({ ...offsets }),
    /** @param {Record<string, number>} saved */
    restore(saved) {
      offsets = { ...saved, ...offsets };
    },
  };
}
