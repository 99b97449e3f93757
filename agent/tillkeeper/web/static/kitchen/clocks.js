// @ts-check
/**
 * What time it is at each register, by what it said last and a clock of ours that nobody sets: a tablet whose clock is wrong or
 * jumps shows the right ages all the same.
 */

/** @param {{steady: () => number, wall: () => number}} browser `performance.now` and `Date.now`, in ms */
export function createClocks({ steady, wall }) {
  /** @type {Map<string, {at: number, now: number}>} */
  const heard = new Map();
  /** @type {Record<string, number>} */
  let offsets = {};

  return {
    /** @param {string} register @param {number} nowMs its wall clock */
    hear(register, nowMs) {
      heard.set(register, { at: steady(), now: nowMs });
      offsets[register] = nowMs - wall();
    },
    /** Its wall clock now; before it has said anything, by how wrong the tablet was when last heard. @param {string} register */
    now(register) {
      const last = heard.get(register);
      return last ? last.now + (steady() - last.at) : wall() + (offsets[register] ?? 0);
    },
    /** When something of a register's clock was, on the page's own steady clock. @param {string} register @param {number} atMs */
    born(register, atMs) {
      return steady() - (this.now(register) - atMs);
    },
    offsets: () => ({ ...offsets }),
    /** @param {Record<string, number>} saved */
    restore(saved) {
      offsets = { ...saved, ...offsets };
    },
  };
}
