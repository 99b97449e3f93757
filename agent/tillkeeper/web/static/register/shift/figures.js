// @ts-check
/** The figures of a drawer session as rows. */

import { html } from "../../vendor/preact.js";
import { parts } from "./cash.js";

/** Rows in reading order: word, field, and how it counts towards what is expected. */
const ROWS = [
  ["Float", "float_minor"], ["Paid in", "paid_in_minor"], ["Paid out", "paid_out_minor"], ["Safe drops", "safe_drop_minor"],
  ["Refunds", "refunded_minor"], ["Given back on voided checks", "returned_minor"],
];
const SALES = [["Gross", "gross_minor"], ["Net", "net_minor"], ["Tax", "tax_minor"], ["Discounts", "discount_minor"], ["Rounding", "rounding_minor"]];
const COUNTS = [["Checks paid", "sales"], ["Refunds", "refunds"], ["Checks voided", "voids"], ["No-sales", "no_sales"]];

/** A foreign currency of which nothing is there is left out. @param {[string, number]} part @param {number} index */
const worth = ([, minor], index) => minor !== 0 || index === 0;

/** @param {{figures: any, session: any, money: (minor: number, currency?: string) => string}} props */
export function Figures({ figures, session, money }) {
  const amount = ([word, field]) => figures[field] ? html`<div key=${field} data-figure=${field}><dt>${word}</dt><dd>${money(figures[field])}</dd></div>` : null;
  return html`<dl class="totals figures">
    ${ROWS.map(amount)}
    ${parts(figures.tenders).map(([tender, minor]) => html`<div key=${tender} data-tender-sum=${tender}><dt>Taken: ${tender}</dt><dd>${money(minor)}</dd></div>`)}
    ${parts(figures.expected_minor).filter(worth).map(([currency, minor]) => html`<div key=${currency} class="strong" data-expected=${currency}><dt>Expected</dt><dd>${money(minor, currency)}</dd></div>`)}
    ${parts(session.counted_minor).filter(worth).map(([currency, minor]) => html`<div key=${currency} class="strong" data-counted-sum=${currency}><dt>Counted</dt><dd>${money(minor, currency)}</dd></div>`)}
    ${SALES.map(amount)}
    ${COUNTS.map(([word, field]) => figures[field] ? html`<div key=${`n-${field}`} data-figure=${field}><dt>${word}</dt><dd>${figures[field]}</dd></div>` : null)}
  </dl>`;
}
