import assert from "node:assert/strict";
import { test } from "node:test";
import { countTyped, currenciesOf, differenceOf, differences, piecesOf, sumOf } from "../../agent/tillkeeper/web/static/register/shift/cash.js";
import { cashRows } from "../../agent/tillkeeper/web/static/register/shift/figures.js";
import { subjects } from "../../agent/tillkeeper/web/static/register/shift/sold-out.js";

test("pieces come to their sum, whatever was typed", () => {
  assert.equal(sumOf({ 2000: 3, 25: 4, 1: 7 }), 6107);
  assert.equal(sumOf({}), 0);
  assert.deepEqual(["12", "", "-3", "x", "99999", "007"].map(countTyped), [12, 0, 0, 0, 9999, 7]);
  for (const currency of ["USD", "EUR", "CHF", "JPY"]) assert.deepEqual(piecesOf(currency), [...piecesOf(currency)].sort((a, b) => b - a));
  assert.deepEqual(piecesOf("XYZ"), []);
});

test("a drawer holds the store's currency first, and those of its cash tenders once each", () => {
  const tenders = [{ kind: "cash", currency: "USD" }, { kind: "cash", currency: "EUR" }, { kind: "card", currency: "GBP" }, { kind: "cash", currency: "EUR" }];
  assert.deepEqual(currenciesOf({ currency: "USD" }, tenders), ["USD", "EUR"]);
});

test("a difference has a word and a mark, not only a colour", () => {
  assert.deepEqual([differenceOf(0), differenceOf(5), differenceOf(-5)].map(({ word, mark }) => `${mark} ${word}`), ["✓ exact", "▲ over", "▼ short"]);
});

test("items and modifiers are one list, a modifier of several groups once", () => {
  const one = { modifier_id: "bacon", name: "Bacon" };
  const catalogue = { items: [{ item_id: "cola", name: "Cola", category: "soft" }], modifier_groups: [{ name: "A", modifiers: [one] }, { name: "B", modifiers: [one] }] };
  assert.deepEqual(subjects(catalogue).map((subject) => `${subject.kind} ${subject.id}`), ["item cola", "modifier bacon"]);
});

test("a foreign currency without money in the drawer has no line", () => {
  const session = { over_short_minor: { USD: 0, EUR: 0, GBP: -5, CHF: 0 }, counted_minor: { USD: 100, CHF: 20 } };
  assert.deepEqual(differences(session, "USD").map(([currency]) => currency), ["USD", "GBP", "CHF"]);
});

test("the rows of a drawer add up to what is expected", () => {
  const figures = { float_minor: 10000, expected_minor: { USD: 13801 }, cash_back_minor: 500, change_minor: 120, paid_in_minor: 300, paid_out_minor: 250, safe_drop_minor: 1000 };
  const rows = cashRows(figures, "USD");
  assert.equal(rows.reduce((sum, [, , minor]) => sum + minor, 0), 13801);
  assert.deepEqual(rows.find(([, field]) => field === "cash_sales"), ["Cash sales", "cash_sales", 5371]);
});
