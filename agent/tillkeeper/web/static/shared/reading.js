// @ts-check
/** What a view reads: asked for again while it is shown, one question of a kind at a time. */

import { useEffect, useRef, useState } from "../vendor/preact.js";

const AGAIN_MS = 2500;

/**
 * @param {any} desk @param {string} path
 * @returns {{value: any, trouble: string, atMs: number, again: () => Promise<void>}} `value` is null until it is known, and undefined where this register has no
 *   such thing; `atMs`: when it was read, by this device's clock
 */
export function useRead(desk, path) {
  const [seen, setSeen] = useState(/** @type {{value: any, trouble: string, atMs: number}} */ ({ value: null, trouble: "", atMs: 0 }));
  const asking = useRef(/** @type {Promise<void> | null} */ (null));
  const shown = useRef(true);
  async function look() {
    try {
      const value = await desk.api.get(path);
      if (shown.current) setSeen({ value, trouble: "", atMs: Date.now() });
    } catch (problem) {
      if (shown.current) setSeen((before) => (problem.status === 404 ? { ...before, value: undefined, trouble: "" } : { ...before, trouble: problem.message }));
    }
  }
  async function again() {
    await asking.current; // what was asked before a tap does not know of it
    asking.current = look();
    await asking.current;
    asking.current = null;
  }
  useEffect(() => {
    shown.current = true;
    let timer = 0;
    const turn = async () => {
      await again();
      if (shown.current) timer = window.setTimeout(turn, AGAIN_MS);
    };
    turn();
    return () => {
      shown.current = false;
      clearTimeout(timer);
    };
  }, [path]);
  const lost = desk.store.get().link === "lost" ? "The register does not answer." : "";
  return { ...seen, trouble: seen.trouble || lost, again };
}

/**
 * One command of a view that reads, said to the register and read again. @param {any} desk @param {{again: () => Promise<void>}} reading
 * @param {string} path @param {object} body @param {string} label @param {string} [good] said where it went well
 */
export const give = (desk, reading, path, body, label, good = "") => desk.once(`store.${path}`, async () => {
  const result = await desk.command({ lane: `store.${path}`, path, body, label });
  if (result.ok && good) desk.toast(good, "good");
  await reading.again();
  return result;
});
