// @ts-check
/** Bump bars and keyboards: which key does what is data. A bump bar is a keyboard; the store's config lays its keys over these. */

export const ACTIONS = ["bump", "unbump", "tick", "seen", "next", "previous", "up", "down", "page_next", "page_previous", "first",
  "recall", "all_day", "sold_out", "stations", "sound", "close"];

/** Key name as in KeyboardEvent.key -> action; "slot:3" chooses the third card of the page, "bump:3" bumps it at once. */
export const DEFAULT_KEYS = {
  1: "slot:1", 2: "slot:2", 3: "slot:3", 4: "slot:4", 5: "slot:5", 6: "slot:6", 7: "slot:7", 8: "slot:8", 9: "slot:9", 0: "slot:10",
  Enter: "bump", Backspace: "unbump", " ": "tick", ArrowRight: "next", ArrowLeft: "previous", ArrowUp: "up", ArrowDown: "down",
  PageDown: "page_next", PageUp: "page_previous", Home: "first", Escape: "close",
  r: "recall", a: "all_day", x: "sold_out", t: "stations", s: "sound",
};

/**
 * @param {Record<string, string>} own of the store's config; "" takes a key away
 * @returns {{keys: Record<string, string>, unknown: string[]}} `unknown`: entries whose action there is none of
 */
export function keyMap(own) {
  const keys = { ...DEFAULT_KEYS };
  const unknown = [];
  for (const [key, action] of Object.entries(own)) {
    if (action && !ACTIONS.includes(action) && !/^(slot|bump):([1-9]|1\d|20)$/.test(action)) unknown.push(`${key} = ${action}`);
    else if (action) keys[key] = action;
    else delete keys[key];
  }
  return { keys, unknown };
}

/**
 * @param {Record<string, string>} keys @param {{key: string, ctrlKey?: boolean, altKey?: boolean, metaKey?: boolean}} event
 * @returns {{action: string, slot: number} | null} `slot` from 0
 */
export function actionOf(keys, event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  const action = keys[event.key] ?? keys[event.key.toLowerCase()];
  if (!action) return null;
  const [name, number] = action.split(":");
  return number ? { action: name === "bump" ? "bump_slot" : "slot", slot: Number(number) - 1 } : { action, slot: -1 };
}
