// @ts-check
/**
 * The state of the page in one place: read by views, changed by the desk. Views are drawn again once per turn, and not while a
 * finger is down: nothing moves away under it, so that no tap is lost or meets another button.
 */

import { useLayoutEffect, useState } from "../vendor/preact.js";

const LONGEST_MS = 700; // a finger that rests
const CLICK_MS = 20; // a click follows its touch in a turn of its own

/** @param {any} state */
export function createStore(state) {
  const listeners = new Set();
  let planned = false;
  let held = null;
  let owed = false;

  function draw() {
    planned = false;
    owed = held !== null;
    if (!owed) for (const listener of listeners) listener();
  }

  function letGo() {
    clearTimeout(held);
    held = null;
    if (owed) draw();
  }

  return {
    /** A finger went down. */
    press() {
      clearTimeout(held);
      held = setTimeout(letGo, LONGEST_MS);
    },
    /** It went up; its click comes first. */
    lift() {
      clearTimeout(held);
      held = setTimeout(letGo, CLICK_MS);
    },
    /** Whatever the finger did is done (it led to another view): draw at once. */
    flush() {
      owed = true;
      letGo();
    },
    get: () => state,
    /** @param {object} part */
    set(part) {
      state = { ...state, ...part };
      if (planned) return;
      planned = true;
      queueMicrotask(draw);
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
  useLayoutEffect(() => store.subscribe(() => draw((count) => count + 1)), [store]);
  return store.get();
}
