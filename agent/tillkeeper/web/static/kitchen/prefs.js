// @ts-check
/** What is set for this screen alone, kept in its browser. */

const NAME = "tk.kitchen.prefs.";
const WARN_S = 300;
const LATE_S = 600;

/**
 * @typedef {{stations: string[] | null, size: "auto"|"s"|"m"|"l"|"xl", muted: boolean, byModifiers: boolean, warn_s: number, late_s: number}} Prefs
 *   `stations` null: all; `warn_s` and `late_s`: from which age a ticket is marked, in seconds
 * @param {Storage | null} storage @param {string} device @param {any} settings `PageSettings`
 * @returns {Prefs}
 */
export function loadPrefs(storage, device, settings) {
  const defaults = { stations: null, size: "auto", muted: false, byModifiers: false, warn_s: settings.ticket_warn_s ?? WARN_S, late_s: settings.ticket_late_s ?? LATE_S };
  try {
    return { ...defaults, ...JSON.parse(storage?.getItem(NAME + device) ?? "{}") };
  } catch {
    return /** @type {Prefs} */ (defaults);
  }
}

/** @param {Storage | null} storage @param {string} device @param {Prefs} prefs */
export function savePrefs(storage, device, prefs) {
  try {
    storage?.setItem(NAME + device, JSON.stringify(prefs));
  } catch {
    // full or forbidden: it lasts as long as the page
  }
}
