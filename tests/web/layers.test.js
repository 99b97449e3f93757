import assert from "node:assert/strict";
import { test } from "node:test";
import { lasted, layers, targetFact } from "../../agent/tillkeeper/web/static/diagnostics/layers.js";

const column = (name, over = {}) => ({ column: name, state: "yes", hits: 5, misses: 0, late: 0, run: 0, paths: 1, since_age_s: 60, rtt_ms: null, usual_ms: null, detail: "", ...over });
const target = (over = {}) => ({ target: "gateway", role: "gateway", address: "192.0.2.1", way: "echo", works: "yes", sent: 9, answered: 9, late: 0, rtt_ms: 0.4, mac: "", run: 0, answered_age_s: 0.2, ...over });
const level = (over) => targetFact(target(over)).level;

test("from the register outwards, whatever the order in which they come", () => {
  const { facts } = layers({ columns: ["hq", "router", "carrier", "something_new"].map((name) => column(name)) });
  assert.deepEqual(facts.map((one) => one.id), ["carrier", "router", "hq"]);
});

test("fine is only what answers now", () => {
  const of = (over) => layers({ columns: [column("router", over)] }).facts[0];
  assert.equal(of({}).level, "good");
  assert.equal(of({ run: 2 }).level, "doubt");
  assert.equal(of({ state: "no", run: 9 }).level, "bad");
  assert.equal(of({ state: "unknown" }).level, "unknown");
  assert.match(of({ state: "no", since_age_s: 75 }).words, /no answer for 1 min/);
  assert.match(of({ rtt_ms: 90, usual_ms: 12 }).words, /90 ms \(usually 12 ms\)/);
});

test("what nothing can say is named, and is no line of its own", () => {
  const { facts, unasked } = layers({ columns: [column("router"), column("modem", { state: "unknown", paths: 0, since_age_s: null })] });
  assert.deepEqual(facts.map((one) => one.id), ["router"]);
  assert.deepEqual(unasked, ["The modem"]);
});

test("a target that never answered is not known, and one that stopped says since when", () => {
  assert.equal(level({}), "good");
  assert.equal(level({ run: 1 }), "doubt");
  assert.equal(level({ run: 3 }), "bad");
  assert.equal(level({ works: "unknown", answered_age_s: null }), "unknown");
  assert.equal(level({ works: "no", answered_age_s: null, run: 10 }), "unknown");
  assert.match(targetFact(target({ run: 12, answered_age_s: 34 })).words, /no answer to the last 12; answered 34 s ago/);
  assert.match(targetFact(target({ sent: 0, answered: 0, answered_age_s: null, works: "unknown" })).words, /not asked yet/);
});

test("nobody has this register's address: there no answer is the good one", () => {
  const own = { target: "self:192.0.2.11", role: "self", works: "no", answered_age_s: null };
  assert.equal(level({ ...own, sent: 6, answered: 0, run: 6 }), "good");
  assert.equal(level({ ...own, sent: 0, answered: 0 }), "unknown");
  assert.equal(level({ ...own, sent: 6, answered: 2, works: "yes", answered_age_s: 1 }), "bad");
});

test("an end that nobody saw is not made up", () => {
  assert.equal(lasted({ going_on: true, lasted_s: null }), "goes on");
  assert.equal(lasted({ going_on: false, lasted_s: null }), "its end is not known");
  assert.equal(lasted({ going_on: false, lasted_s: 90 }), "1 min");
});
