// @ts-check
/**
 * What a cook did and a register has not confirmed yet. Each touch is kept in the browser's storage before it is sent, and sent
 * again on each connection until the register says `kept`: a bump is not lost by a reload, nor while a register is away.
 */

const PREFIX = "tk.kitchen.touch.";
export const MAX_TOUCHES = 500;
export const AGAIN_MS = 15_000; // a connected register that has not confirmed by then is told again

/**
 * @typedef {{touch: string, at: number, register: string, frame: {type: string, check_id: string, station: string, line_id: string,
 *   job_ids: string[], touch: string}}} Touch
 * @param {{storage: Storage | null, newId: () => string, now: () => number}} browser `now` in ms, for the order over reloads only
 */
export function createTouches({ storage, newId, now }) {
  /** @type {Map<string, Touch>} */
  const waiting = new Map();
  /** @type {Map<string, number>} */
  const sent = new Map();
  let last = 0;

  for (const touch of stored(storage)) waiting.set(touch.touch, touch);
  bound();

  function forget(id) {
    waiting.delete(id);
    sent.delete(id);
    try {
      storage?.removeItem(PREFIX + id);
    } catch {
      // forbidden by now: it is sent once more after a reload, which does no harm
    }
  }

  function bound() {
    for (const id of waiting.keys()) {
      if (waiting.size <= MAX_TOUCHES) return;
      forget(id);
    }
  }

  return {
    /**
     * @param {string} register @param {{type: string, check_id: string, station: string, line_id?: string, job_ids: string[]}} what
     * @returns {Touch}
     */
    add(register, what) {
      const id = newId();
      last = Math.max(now(), last + 1);
      const touch = { touch: id, at: last, register, frame: { line_id: "", ...what, touch: id } };
      waiting.set(id, touch);
      bound();
      try {
        storage?.setItem(PREFIX + id, JSON.stringify(touch));
      } catch {
        // full: it then lasts as long as the page
      }
      return touch;
    },

    /** What is to be sent to a register now, in order. @param {string} register @param {number} at steady clock in ms @param {boolean} fresh a new connection */
    due(register, at, fresh) {
      const due = [...waiting.values()].filter((touch) => {
        const before = sent.get(touch.touch);
        return touch.register === register && (fresh || before === undefined || at - before >= AGAIN_MS);
      });
      for (const touch of due) sent.set(touch.touch, at);
      return due;
    },

    /** It did not go out after all. @param {Touch} touch */
    unsent: (touch) => void sent.delete(touch.touch),

    /** @param {string} id of a touch that a register has confirmed */
    kept: forget,

    /** Job ids that a touch not yet confirmed speaks of. @param {string} register @returns {Set<string>} */
    pending(register) {
      const own = [...waiting.values()].filter((touch) => touch.register === register && !touch.frame.line_id);
      return new Set(own.flatMap((touch) => touch.frame.job_ids));
    },

    /** Job ids that are bumped as far as the cook is concerned, whatever a register says. @returns {Set<string>} */
    bumped() {
      const ids = new Set();
      for (const { frame } of waiting.values()) {
        if (frame.line_id) continue;
        for (const id of frame.job_ids) {
          if (frame.type === "bump") ids.add(id);
          else if (frame.type === "recall") ids.delete(id);
        }
      }
      return ids;
    },

    get size() {
      return waiting.size;
    },
  };
}

function stored(storage) {
  const found = [];
  for (let index = 0; index < (storage?.length ?? 0); index += 1) {
    const name = storage?.key(index);
    try {
      if (name?.startsWith(PREFIX)) found.push(JSON.parse(storage?.getItem(name) ?? "null"));
    } catch {
      // not ours, or cut off by a browser that crashed
    }
  }
  return found.filter((touch) => touch?.touch && Array.isArray(touch.frame?.job_ids)).sort((a, b) => a.at - b.at);
}
