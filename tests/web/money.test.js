import assert from "node:assert/strict";
import { test } from "node:test";
import { allocate, digitsOf, equalParts, plain, quickCash, typed, writer } from "../../agent/tillkeeper/web/static/shared/money.js";

test("amounts are written with the digits of their currency", () => {
  assert.equal(plain(123456, 2), "1,234.56");
  assert.equal(plain(5, 2), "0.05");
  assert.equal(plain(-5, 2), "−0.05");
  assert.equal(plain(1234, 0), "1,234");
  assert.equal(plain(1234, 3), "1.234");
  assert.equal(plain(0.5, 2), "?");
  assert.equal(digitsOf("JPY"), 0);
  const money = writer({ currency: "USD", minor_digits: 2, language: "en" });
  assert.equal(money(-1250), "−$12.50");
  assert.equal(money(500, "JPY"), "¥500");
  assert.equal(money(1250, "CHF"), "CHF 12.50");
  assert.match(writer({ currency: "EUR", language: "de" })(123450), /^1\.234,50 €$/);
  assert.equal(writer({ currency: "EUR", language: "no such language!" })(1).endsWith("€"), true);
});

test("keys shift digits in and never pass the largest amount", () => {
  const keyed = (keys) => keys.reduce(typed, 0);
  assert.equal(keyed(["1", "2", "00"]), 1200);
  assert.equal(keyed(["1", "2", "back"]), 1);
  assert.equal(keyed(["9", "clear"]), 0);
  assert.equal(typed(100_000_000, "0"), 100_000_000);
  assert.equal(typed(99_999_999, "00"), 99_999_999);
});

test("quick amounts are exact first and then what guests hand over", () => {
  assert.deepEqual(quickCash(3647, 2), [3647, 3700, 4000, 5000, 10000]);
  assert.deepEqual(quickCash(2000, 2), [2000, 5000, 10000, 20000, 50000]);
  assert.deepEqual(quickCash(0, 2), []);
  for (let due = 1; due < 30000; due += 37) assert.ok(quickCash(due, 2).every((amount, index, all) => !index || amount > all[index - 1]));
});

test("parts and shares sum exactly", () => {
  assert.deepEqual(equalParts(100, 3), [34, 33, 33]);
  for (let minor = 0; minor < 400; minor += 7) {
    for (const weights of [[1, 1, 1], [0, 5, 2], [9_999_999, 1, 3], [0, 0]]) {
      assert.equal(allocate(minor, weights).reduce((a, b) => a + b, 0), minor);
    }
  }
  assert.deepEqual(allocate(10, [1, 0, 1]), [5, 0, 5]);
});
