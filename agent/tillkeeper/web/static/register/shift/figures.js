// @ts-check
/** The figures of a drawer session as rows that add up: the same as on paper. */

import { html } from "../../vendor/preact.js";
import { parts } from "./cash.js";

const SALES = [["Gross", "gross_minor"], ["Net", "net_minor"], ["Tax", "tax_minor"], ["Discounts", "discount_minor"], ["Rounding", "rounding_minor"], ["Refunds", "refunded_minor"]];
const COUNTS = [["Checks paid", "sales"], ["Refunds", "refunds"], ["Checks voided", "voids"], ["No-sales", "no_sales"]];

/**
 * From the float to what is expected, in the store's currency: word, field, signed amount. The amounts sum to what is expected.
 * @param {any} figures @param {string} own @returns {[string, string, number][]}
 */
export function cashRows(figures, own) {
  const moved = figures.paid_in_minor - figures.paid_out_minor - figures.safe_drop_minor;
  const back = figures.cash_back_minor + figures.change_minor;
  const sold = (figures.expected_minor[own] ?? 0) - figures.float_minor - moved + back;
  return [["Float", "float_minor", figures.float_minor], ["Cash sales", "cash_sales", sold], ["Cash given back", "cash_back_minor", -figures.cash_back_minor],
    ["Change on foreign cash", "change_minor", -figures.change_minor], ["Paid in", "paid_in_minor", figures.paid_in_minor],
    ["Paid out", "paid_out_minor", -figures.paid_out_minor], ["Safe drops", "safe_drop_minor", -figures.safe_drop_minor]];
}

/** A foreign currency of which nothing is there is left out. @param {[string, number]} part @param {number} index */
const worth = ([, minor], index) => minor !== 0 || index === 0;

/** @param {{figures: any, session: any, money: (minor: number, currency?: string) => string, own: string}} props */
export function Figures({ figures, session, money, own }) {
  return html`<dl class="totals figures">
    ${cashRows(figures, own).map(([word, field, minor]) => minor !== 0 && html`<div key=${field} data-figure=${field}><dt>${word}</dt><dd>${money(minor)}</dd></div>`)}
    ${parts(figures.expected_minor).filter(worth).map(([currency, minor]) => html`<div key=${currency} class="strong" data-expected=${currency}><dt>Expected</dt><dd>${money(minor, currency)}</dd></div>`)}
    ${parts(session.counted_minor).filter(worth).map(([currency, minor]) => html`<div key=${currency} class="strong" data-counted-sum=${currency}><dt>Counted</dt><dd>${money(minor, currency)}</dd></div>`)}
    ${parts(figures.tenders).map(([tender, minor]) => html`<div key=${tender} data-tender-sum=${tender}><dt>Kept by tender: ${tender}</dt><dd>${money(minor)}</dd></div>`)}
    ${SALES.map(([word, field]) => figures[field] ? html`<div key=${field} data-figure=${field}><dt>${word}</dt><dd>${money(figures[field])}</dd></div>` : null)}
    ${COUNTS.map(([word, field]) => figures[field] ? html`<div key=${`n-${field}`} data-figure=${field}><dt>${word}</dt><dd>${figures[field]}</dd></div>` : null)}
  </dl>`;
}
