// @ts-check
/** The state of the page in one place: read by views, changed by the desk. Views are drawn again once per turn. */

import { useEffect, useState } from "../vendor/preact.js";

/** @param {any} state */
export function createStore(state) {
  const listeners = new Set();
  let planned = false;
  return {
    get: () => state,
    /** @param {object} part */
    set(part) {
      state = { ...state, ...part };
      if (planned) return;
      planned = true;
      queueMicrotask(() => {
        planned = false;
        for (const listener of listeners) listener();
      });
    },
    /** @param {() => void} listener */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** @param {ReturnType<typeof createStore>} store @returns {any} the state; the component is drawn again when it changes */
export function useStore(store) {
  const [, draw] = useState(0);
  useEffect(() => store.subscribe(() => draw((count) => count + 1)), [store]);
  return store.get();
}
