import assert from "node:assert/strict";
import { test } from "node:test";
import * as order from "../../agent/tillkeeper/web/static/register/order.js";
import { cars, heard, matching, NOTHING, supply } from "../../agent/tillkeeper/web/static/shared/live-state.js";
import { age, capital, clipped, clock, problemWords, sentence } from "../../agent/tillkeeper/web/static/shared/words.js";

const cola = { item_id: "cola", name: "Cola", price_minor: 325 };
const group = (fields) => ({ group_id: "g", name: "G", minimum: 0, maximum: null, modifiers: ["a", "b", "c"].map((id) => ({ modifier_id: id, name: id, price_minor: 50 })), ...fields });
const pick = (id) => ({ modifier_id: id, name: id, price_minor: 50, quantity: 1 });

test("the same item again is one more piece, another seat is another line", () => {
  let draft = order.newDraft("new.1", "takeout");
  draft = order.withItem(draft, cola, [], "u1");
  draft = order.withItem(draft, cola, [], "u2");
  assert.deepEqual(draft.lines.map((line) => [line.uid, line.quantity]), [["u1", 2]]);
  draft = order.withItem({ ...draft, seat: 2 }, cola, [], "u3");
  draft = order.withItem(draft, cola, [pick("a")], "u4");
  assert.deepEqual(draft.lines.map((line) => line.quantity), [2, 1, 1]);
  assert.equal(order.draftMinor(draft), 2 * 325 + 325 + 375);
  assert.equal(order.isEmpty(order.newDraft("x", "dine_in")), true);
});

test("what the page's own sum lacks follows from the menu's prices", () => {
  assert.deepEqual(["all", "some", "none", undefined].map((tax_included) => order.beforeTax({ tax_included })), ["", "before added tax", "before tax", "before tax"]);
  assert.deepEqual([capital(""), capital("before tax"), capital("ßo")], ["", "Before tax", "SSo"]);
});

test("a new order is one command; more for a check are its lines and then the kitchen", () => {
  let draft = order.withItem(order.newDraft("new.1", "takeout"), cola, [pick("a")], "u1", { held: true, note: "warm" });
  const [place] = order.commandsOf(draft, true);
  assert.deepEqual(place, { path: "/v1/orders", label: "New order", body: { order_type: "takeout", send: true,
    lines: [{ item_id: "cola", quantity: 1, modifiers: [{ modifier_id: "a", quantity: 1 }], note: "warm", held: true }] } });
  assert.equal(order.commandsOf(draft, false)[0].body.send, false);
  draft = { ...draft, check_id: "01A", ticket_code: "B-007" };
  assert.deepEqual(order.commandsOf(draft, true).map((one) => one.path), ["/v1/checks/01A/lines", "/v1/checks/01A/send"]);
  assert.deepEqual(order.commandsOf({ ...draft, lines: [] }, true).map((one) => one.path), ["/v1/checks/01A/send"]);
  assert.deepEqual(order.commandsOf({ ...draft, lines: [] }, false), []);
});

test("names of any length fit the API, and no character is cut in two", () => {
  const family = "👨‍👩‍👧‍👦";
  const name = family.repeat(200);
  const body = order.commandsOf({ ...order.newDraft("n", "takeout"), name }, true)[0].body;
  assert.ok([...body.name].length <= 200);
  assert.equal(body.name, family.repeat(Math.floor(200 / [...family].length)));
  assert.equal(clipped("a\u0007b\ud83d"), "ab");
  assert.equal(clipped("x".repeat(300)).length, 200);
});

test("picks keep to the bounds of their group", () => {
  assert.deepEqual(order.pickProblems([group({ minimum: 1, maximum: 1 })], []), { g: "choose one" });
  assert.deepEqual(order.pickProblems([group({ maximum: 1 })], [pick("a"), pick("b")]), { g: "at most 1" });
  const one = group({ maximum: 1 });
  assert.deepEqual(order.toggled(one, one.modifiers[1], [pick("a")]).map((p) => p.modifier_id), ["b"]);
  const two = group({ maximum: 2 });
  assert.equal(order.toggled(two, two.modifiers[2], [pick("a"), pick("b")]).length, 2);
  assert.deepEqual(order.toggled(two, two.modifiers[0], [pick("a")]), []);
});

test("shares of a bill by line and seat sum to its gross", () => {
  const tax = { code: "s", rate_ppm: 88750, included: false };
  const line = (line_id, unit_price_minor, seat, quantity = 1) => ({ line_id, unit_price_minor, quantity, seat, modifiers: [], tax });
  const check = { lines: [line("a", 1000, 1), line("b", 333, 2, 3), line("c", 10, null), line("d", 900, 1, 0)], totals: { gross_minor: 2188 } };
  assert.equal(Object.values(order.lineShares(check)).reduce((x, y) => x + y, 0), 2188);
  assert.deepEqual(order.seatShares(check).map((one) => one.seat), [1, 2, null]);
  assert.equal(order.seatShares(check).reduce((sum, one) => sum + one.minor, 0), 2188);
});

test("search finds by any part of the name, accents aside", () => {
  const items = [{ name: "Crème brûlée", item_id: "creme" }, { name: "Ice cream", item_id: "ice" }, { name: "餃子 Gyoza", item_id: "gyoza" }];
  assert.deepEqual(order.searched(items, "brulee").map((item) => item.item_id), ["creme"]);
  assert.deepEqual(order.searched(items, "CRE").map((item) => item.item_id), ["creme", "ice"]);
  assert.deepEqual(order.searched(items, "餃子").map((item) => item.item_id), ["gyoza"]);
  assert.equal(order.searched(items, " ").length, 3);
});

test("live messages hold whole values: repeats and surprises do no harm", () => {
  const check = (id, more = {}) => ({ check_id: id, state: "open", order_type: "drive_through", ticket_code: id, opened_at_ms: 1, car: 1, table: "", name: null, ...more });
  let state = heard(NOTHING, { type: "snapshot", status: { devices: [] }, checks: [check("a"), check("b", { car: 2, opened_at_ms: 2 })], jobs: [], availability: { entries: [] }, drawers: { drawers: [] } });
  state = heard(heard(state, { type: "check", check: check("a") }), { type: "from the future" });
  assert.deepEqual(cars(Object.values(state.checks)).map((one) => one.check_id), ["a", "b"]);
  state = heard(state, { type: "check", check: check("a", { state: "closed" }) });
  assert.deepEqual([Object.keys(state.checks), Object.keys(state.ended)], [["b"], ["a"]]);
  for (let index = 0; index < 1000; index += 1) state = heard(state, { type: "check", check: check(`c${index}`, { state: "closed" }) });
  assert.ok(Object.keys(state.ended).length <= 300, "a day open does not grow");
  state = heard(state, { type: "job", job: { job_id: "j", state: "held" } });
  assert.equal(state.jobs.j.state, "held");
  assert.deepEqual(heard(state, { type: "job", job: { job_id: "j", state: "confirmed" } }).jobs, {});
  assert.equal(matching([check("B-003"), check("B-004")], " b-004")[0].check_id, "B-004");
  const stock = { entries: [{ kind: "item", subject_id: "x", state: "counting", remaining: 2 }, { kind: "item", subject_id: "y", state: "sold_out" }] };
  assert.deepEqual([supply(stock, "item", "x"), supply(stock, "item", "y"), supply(stock, "modifier", "x")], [{ sold: false, left: 2 }, { sold: true, left: null }, { sold: false, left: null }]);
});

test("words are there for whatever the register says", () => {
  assert.equal(problemWords({ code: "sold_out", cause: "Burger is sold out", hint: "" }), "Burger is sold out.");
  assert.match(problemWords({ code: "internal", cause: "", hint: "see the log under abc" }), /fault.*abc/s);
  assert.ok(problemWords({}).length > 5);
  assert.equal(sentence("éclair"), "Éclair.");
  assert.deepEqual([age(5000), age(185000), age(2 * 3600_000 + 300_000), age(-5)], ["5 s", "3 min", "2 h 05", "0 s"]);
  assert.equal(clock(0, "America/New_York"), "19:00");
  assert.equal(clock(0, "No/Where"), "00:00");
});

test("an amount that looks like a slip of the finger is asked about, a large note is not", () => {
  assert.equal(order.unlikely(402915, 491, 10000), true);
  assert.equal(order.unlikely(10000, 491, 10000), false);
  assert.equal(order.unlikely(50000, 6000, 10000), false);
  assert.equal(order.unlikely(20000, 250, 10000), false);
});
