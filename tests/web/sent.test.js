import assert from "node:assert/strict";
import { test } from "node:test";
import { sentWords } from "../../agent/tillkeeper/web/static/register/sent.js";

const line = (course = 1, held = false) => ({ course, held });
const known = (state, course = 1) => ({ state, course, quantity: 1, refunded_quantity: 0 });

test("all of it went out", () => {
  assert.equal(sentWords("B-001", [line(), line()], null), "B-001 is with the kitchen.");
  assert.equal(sentWords("B-001", [line()], { lines: [known("fired", 2), { ...known("voided", 2), quantity: 0 }] }), "B-001 is with the kitchen.");
});

test("what waits is said, and that what is held does not go by itself", () => {
  assert.equal(sentWords("B-001", [line(), line(2)], null), "B-001: course 1 is with the kitchen, 1 line waits.");
  assert.equal(sentWords("B-001", [line(), line(2), line(3)], null), "B-001: course 1 is with the kitchen, 2 lines wait.");
  assert.equal(sentWords("B-001", [line(), line(1, true)], null), "B-001 is with the kitchen, 1 line is on hold.");
  assert.equal(sentWords("B-001", [line(), line(2), line(1, true)], null), "B-001: course 1 is with the kitchen, 1 line waits, 1 line is on hold.");
});

test("lines that the register had before count too", () => {
  assert.equal(sentWords("B-001", [line()], { lines: [known("waiting", 2), known("held")] }), "B-001: course 1 is with the kitchen, 1 line waits, 1 line is on hold.");
  assert.equal(sentWords("B-001", [], { lines: [known("waiting"), known("scheduled")] }), "B-001: course 1 is with the kitchen, 1 line waits.");
});

test("nothing went out", () => {
  assert.equal(sentWords("B-001", [line(2)], null), "B-001: nothing is with the kitchen yet, 1 line waits.");
  assert.equal(sentWords("B-001", [line(2)], { lines: [known("fired")] }), "B-001: nothing new is with the kitchen, 1 line waits.");
});
