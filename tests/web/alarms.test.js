import assert from "node:assert/strict";
import { test } from "node:test";
import { alarms, ticketsOf } from "../../agent/tillkeeper/web/static/shared/live-state.js";

const advisory = (code) => ({ code, subject: "grill", text: code });
const told = (over = {}) => alarms({
  link: "live", session: null, live: { status: { advisories: ["clock_wrong", "tickets_late", "tickets_held", "drawer_stuck", "drawer_open"].map(advisory) } }, ...over,
}).map((one) => one.code);

test("what can not wait is over every view, and only that", () => {
  assert.deepEqual(told(), ["tickets_late", "tickets_held", "drawer_stuck", "drawer_open"]);
});

test("what is not heard any more is not said, and practice is not disturbed", () => {
  assert.deepEqual(told({ link: "lost" }), []);
  assert.deepEqual(told({ session: { training: true } }), []);
  assert.deepEqual(told({ live: { status: null } }), []);
});

test("all held ones are the kitchen's: a receipt is a decision of its own", () => {
  const jobs = ["kitchen_ticket", "receipt", "change_slip", "drawer_pulse"].map((document_class) => ({ document_class }));
  assert.deepEqual(ticketsOf(jobs).map((job) => job.document_class), ["kitchen_ticket", "change_slip"]);
});
