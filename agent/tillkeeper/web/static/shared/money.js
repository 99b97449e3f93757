// @ts-check
/** Money for pages: whole minor units in and out, never a fraction. */

/** Digits after the point where they are not two (ISO 4217, table A.1). */
const DIGITS = { BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, VND: 0, VUV: 0, XAF: 0,
  XOF: 0, XPF: 0, BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3 };
const SIGNS = { USD: "$", EUR: "€", GBP: "£", JPY: "¥", CHF: "CHF", CNY: "¥", INR: "₹", KRW: "₩" };
const MAX_MINOR = 100_000_000;

/** @param {string} currency @returns {number} digits after the point */
export const digitsOf = (currency) => DIGITS[currency] ?? 2;

/**
 * @param {number} minor whole minor units
 * @param {number} digits
 * @param {{decimal?: string, group?: string}} [marks]
 * @returns {string} "1,234.50"; a negative amount has a minus sign in front
 */
export function plain(minor, digits, marks = {}) {
  if (!Number.isSafeInteger(minor)) return "?";
  const text = String(Math.abs(minor)).padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+(?!\d))/g, marks.group ?? ",");
  const rest = digits ? (marks.decimal ?? ".") + text.slice(text.length - digits) : "";
  return (minor < 0 ? "−" : "") + whole + rest;
}

/**
 * How a store writes its amounts.
 * @param {{currency: string, minor_digits?: number, language?: string}} store
 * @returns {(minor: number, currency?: string) => string}
 */
export function writer({ currency, minor_digits = digitsOf(currency), language = "en" }) {
  const marks = marksOf(language);
  return (minor, other = currency) => {
    const digits = other === currency ? minor_digits : digitsOf(other);
    const text = plain(minor, digits, marks);
    const sign = SIGNS[other] ?? other;
    if (language !== "en") return `${text} ${sign}`;
    const spaced = sign.length > 1 ? `${sign} ` : sign;
    return text.startsWith("−") ? `−${spaced}${text.slice(1)}` : spaced + text;
  };
}

/** @param {string} language @returns {{decimal: string, group: string}} */
export function marksOf(language) {
  try {
    const parts = new Intl.NumberFormat(language).formatToParts(1234567.8);
    const mark = (type) => parts.find((part) => part.type === type)?.value;
    return { decimal: mark("decimal") ?? ".", group: mark("group") ?? "" };
  } catch {
    return { decimal: ".", group: "," }; // an unknown language tag
  }
}

/**
 * An amount as it is typed on a keypad: digits shift in from the right.
 * @param {number} minor @param {string} key "0".."9", "00", "back" or "clear"
 * @returns {number} the amount after the key; a key that would pass the largest amount does nothing
 */
export function typed(minor, key) {
  if (key === "clear") return 0;
  if (key === "back") return Math.floor(minor / 10);
  const next = key === "00" ? minor * 100 : minor * 10 + Number(key);
  return Number.isSafeInteger(next) && next <= MAX_MINOR ? next : minor;
}

/**
 * What guests usually hand over for `due`: exact, then the next round amounts.
 * @param {number} due minor units @param {number} digits
 * @returns {number[]} at most five, rising, the first is `due`
 */
export function quickCash(due, digits) {
  if (due <= 0) return [];
  const one = 10 ** digits;
  const notes = [1, 5, 10, 20, 50, 100, 200, 500].map((note) => note * one);
  const above = notes.map((note) => Math.ceil(due / note) * note).filter((amount) => amount > due);
  return [due, ...new Set(above.sort((a, b) => a - b))].slice(0, 5);
}

/**
 * @param {number} minor @param {number} parts
 * @returns {number[]} `parts` amounts that differ by at most one and sum to `minor`, larger ones first
 */
export function equalParts(minor, parts) {
  const base = Math.floor(minor / parts);
  return Array.from({ length: parts }, (_, index) => base + (index < minor - base * parts ? 1 : 0));
}

/**
 * Shares of `minor` in proportion to `weights` (largest remainder), which sum to it exactly.
 * @param {number} minor @param {number[]} weights not negative @returns {number[]}
 */
export function allocate(minor, weights) {
  const sum = weights.reduce((a, b) => a + b, 0);
  if (!sum) return weights.map((_, index) => (index ? 0 : minor));
  const shares = weights.map((weight) => Number((BigInt(minor) * BigInt(weight)) / BigInt(sum)));
  const rests = weights.map((weight, index) => ({ index, rest: (BigInt(minor) * BigInt(weight)) % BigInt(sum) }));
  rests.sort((a, b) => (a.rest === b.rest ? a.index - b.index : a.rest < b.rest ? 1 : -1));
  const left = minor - shares.reduce((a, b) => a + b, 0);
  for (const { index } of rests.slice(0, left)) shares[index] += 1;
  return shares;
}
