// @ts-check
/** Counting money: the pieces that a drawer may hold, and their sums. Pure; amounts are whole minor units. */

/** Notes and coins in use, largest first, in minor units. Where a currency is missing its amount is typed. */
const PIECES = {
  USD: [10000, 5000, 2000, 1000, 500, 200, 100, 50, 25, 10, 5, 1],
  CAD: [10000, 5000, 2000, 1000, 500, 200, 100, 25, 10, 5],
  EUR: [50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1],
  GBP: [5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1],
  CHF: [100000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5],
  JPY: [10000, 5000, 2000, 1000, 500, 100, 50, 10, 5, 1],
  PLN: [50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1],
};
const MOST_PIECES = 9999;

/** @param {string} currency @returns {number[]} */
export const piecesOf = (currency) => PIECES[currency] ?? [];

/**
 * @param {Record<string, number>} pieces how many of each, by its value
 * @returns {number} what they come to
 */
export const sumOf = (pieces) => Object.entries(pieces).reduce((sum, [value, count]) => sum + Number(value) * count, 0);

/** @param {string} text what somebody typed @returns {number} pieces, 0 to 9999 */
export function countTyped(text) {
  const count = Number.parseInt(text, 10);
  return Number.isFinite(count) ? Math.min(Math.max(count, 0), MOST_PIECES) : 0;
}

/**
 * The currencies that lie in this store's drawers: its own first.
 * @param {{currency: string}} settings @param {{kind: string, currency: string}[]} tenders @returns {string[]}
 */
export const currenciesOf = (settings, tenders) => [...new Set([settings.currency, ...tenders.filter((one) => one.kind === "cash").map((one) => one.currency)])];

/** @param {Record<string, number> | null | undefined} amounts @returns {[string, number][]} */
export const parts = (amounts) => Object.entries(amounts ?? {});

/**
 * The differences that are worth a word: of the store's own currency, and of others that lay in the drawer or should have.
 * @param {any} session @param {string} own @returns {[string, number][]}
 */
export const differences = (session, own) => parts(session.over_short_minor).filter(([currency, minor]) => currency === own || minor || session.counted_minor?.[currency]);

/** @param {number} minor @returns {{word: string, mark: string, kind: "good" | "warn" | "bad"}} of a difference */
export function differenceOf(minor) {
  if (minor === 0) return { word: "exact", mark: "✓", kind: "good" };
  return minor > 0 ? { word: "over", mark: "▲", kind: "warn" } : { word: "short", mark: "▼", kind: "bad" };
}
