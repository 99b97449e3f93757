import assert from "node:assert/strict";
import { test } from "node:test";
import { jobSince, jobTitle } from "../../agent/tillkeeper/web/static/shared/parts/jobs.js";

const job = (over = {}) => ({ document_class: "kitchen_ticket", ticket_code: "A-012", station: "grill", device: "grill-1", created_at_ms: 1000, age_s: 3, ...over });
const seen = (at_ms) => ({ live: { status: { at_ms } }, settings: { timezone: "UTC" } });

test("a job gets older though nothing is said of it any more", () => {
  assert.equal(jobSince(job(), seen(601_000)), "since 00:00, 10 min");
});

test("its age is never less than what was said with it, whatever the clock did", () => {
  assert.equal(jobSince(job({ age_s: 90 }), seen(0)), "since 00:00, 1 min");
  assert.equal(jobSince(job(), { live: { status: null }, settings: {} }).split(", ")[1], "3 s");
});

test("what is at a station is named by it", () => {
  assert.equal(jobTitle(job()), "Kitchen ticket A-012 → grill");
  assert.equal(jobTitle(job({ document_class: "test_slip", ticket_code: "", station: "" })), "Test slip → grill-1");
});
