import assert from "node:assert/strict";
import { test } from "node:test";

import { MAX_KNOWN, MAX_OPEN, MAX_PAST, emptyBoard, reduce, toSave } from "../../agent/tillkeeper/web/static/kitchen/board.js";
import { allDay, cardsOf, isAllergy, isLive, lateness, timer, wanted } from "../../agent/tillkeeper/web/static/kitchen/cards.js";
import { frame, item, put } from "./kitchen-kit.mjs";

const after = (...actions) => actions.reduce(reduce, emptyBoard());
const ids = (board) => [...board.open.keys()];

test("a ticket is shown once, whatever is delivered again, and comes not back after its bump", () => {
  const one = frame();
  let board = after(put("a", one), put("a", { ...one, marks: ["POSSIBLE DUPLICATE"] }));
  assert.equal(board.open.size, 1);
  assert.deepEqual(cardsOf(board)[0].marks, ["POSSIBLE DUPLICATE"]);
  board = reduce(board, { type: "bump", jobIds: [one.job_id] });
  assert.equal(board.open.size, 0);
  assert.equal(reduce(board, put("a", one)), board, "a repeated delivery of what is bumped changes nothing");
  board = reduce(board, { type: "recall", jobIds: [one.job_id] });
  assert.deepEqual(ids(board), [one.job_id]);
  assert.equal(board.past.length, 0);
});

test("slips merge into the ticket that they change, and a duplicate doubles nothing", () => {
  const first = frame({ items: [item("l1", { quantity: 2 }), item("l2", { name: "Fries" })] });
  const again = { ...first, job_id: "copy", marks: ["DUPLICATE"] };
  const added = frame({ revision: 2, items: [item("l3", { name: "Soup", course: 2 })] });
  const changed = frame({ revision: 3, items: [item("l1", { action: "modify", quantity: 3, previous_quantity: 2, modifiers: ["RARE"] })] });
  const voided = frame({ revision: 4, items: [item("l2", { name: "Fries", action: "void", modifiers: ["NO SALT"] })] });
  const [card, ...others] = cardsOf(after(...[first, again, added, changed, voided].map((one) => put("a", one))));
  assert.equal(others.length, 0);
  const seen = (one) => one.lines.map((line) => [line.id, line.state, line.quantity, line.previous]);
  assert.deepEqual(seen(card), [["l1", "changed", 3, 2], ["l3", "added", 1, null]], "what is in the STOP is not listed again");
  assert.deepEqual(card.stops.map((stop) => [stop.jobId, stop.lines.map((line) => [line.quantity, line.name, line.modifiers])]),
    [[voided.job_id, [[1, "Fries", ["NO SALT"]]]]], "to the letter");
  assert.equal(card.revision, 4);
  const [after_] = cardsOf(after(...[first, added, changed, voided].map((one) => put("a", one)), { type: "stop_seen", jobIds: [voided.job_id] }));
  assert.deepEqual(seen(after_), [["l1", "changed", 3, 2], ["l2", "void", 1, null], ["l3", "added", 1, null]], "and stays, struck out, once it was seen");
});

test("the change of a change names what was before both", () => {
  const change = (revision, quantity, previous_quantity) => frame({ revision, items: [item("l1", { action: "modify", quantity, previous_quantity })] });
  const [card] = cardsOf(after(put("a", frame()), put("a", change(2, 2, 1)), put("a", change(3, 5, 2))));
  assert.deepEqual([card.lines[0].quantity, card.lines[0].previous], [5, 1]);
});

test("STOP stays until it was seen, here or on another screen, and is not news again", () => {
  const slip = frame({ revision: 2, items: [item("l1", { action: "void" })] });
  let board = after(put("a", frame()), put("a", slip));
  assert.equal(board.news.kind, "void");
  assert.equal(isLive(cardsOf(board)[0]), false);
  board = reduce(board, { type: "shared", register: "a", frame: { kind: "stop_seen", job_ids: [slip.job_id], line_id: "" } });
  assert.equal(cardsOf(board)[0].stops.length, 0);
  const fresh = after(put("a", { ...slip, stop_seen: true }));
  assert.equal(cardsOf(fresh)[0].stops.length, 0, "a reload does not ask again");
  assert.equal(fresh.news.kind, "new");
});

test("a line that is done opens again with the slip that speaks of it", () => {
  const one = frame({ items: [item("l1"), item("l2")] });
  let board = after(put("a", one), { type: "tick", jobIds: [one.job_id], lineId: "l1", done: true },
    { type: "tick", jobIds: [one.job_id], lineId: "l2", done: true });
  assert.deepEqual(cardsOf(board)[0].lines.map((line) => line.done), [true, true]);
  board = reduce(board, put("a", frame({ revision: 2, items: [item("l1", { action: "modify", quantity: 4, previous_quantity: 1 })] })));
  assert.deepEqual(cardsOf(board)[0].lines.map((line) => line.done), [false, true]);
});

test("the same check id at two registers or two stations is two cards; rush goes first, then the oldest", () => {
  const board = after(put("a", frame(), 30), put("b", frame(), 10), put("a", frame({ station: "bar" }), 20), put("a", frame({ check_id: "c9", rush: true }), 40));
  assert.deepEqual(cardsOf(board).map((card) => [card.register, card.station, card.rush]),
    [["a", "grill", true], ["b", "grill", false], ["a", "bar", false], ["a", "grill", false]]);
});

test("a new connection puts right what happened meanwhile, and leaves alone what is on its way and what the register does not know", () => {
  const [gone, mine, unknown, back, other] = Array.from({ length: 5 }, (_, n) => frame({ check_id: `c${n}` }));
  let board = after(...[gone, mine, unknown, back].map((one) => put("a", one)), put("b", other));
  board = reduce(reduce(board, { type: "bump", jobIds: [back.job_id] }), { type: "bump", jobIds: [mine.job_id] });
  const told = { open: [mine.job_id, back.job_id], bumped: [gone.job_id, other.job_id], stop_seen: [] };
  board = reduce(board, { type: "board", register: "a", frame: told, pending: new Set([mine.job_id]) });
  assert.deepEqual(ids(board), [unknown.job_id, other.job_id, back.job_id]);
});

test("what was recalled elsewhere long ago is shown when the register sends it", () => {
  const one = frame();
  let board = reduce(after(put("a", one)), { type: "bump", jobIds: [one.job_id] });
  board = { ...board, past: [] };
  board = reduce(board, { type: "board", register: "a", frame: { open: [one.job_id], bumped: [], stop_seen: [] }, pending: new Set() });
  assert.deepEqual(ids(reduce(board, put("a", one))), [one.job_id]);
});

test("twenty thousand tickets leave nothing that grows", () => {
  let board = emptyBoard();
  let known = 0;
  for (let n = 0; n < 20_000; n += 1) {
    const one = frame({ check_id: `c${n}`, items: [item("l1"), item("l2", { note: "x".repeat(50) })] });
    board = reduce(board, put("a", one, n));
    if (n % 20) board = reduce(board, { type: "bump", jobIds: [one.job_id] });
    known = Math.max(known, board.known.size);
    assert.ok(board.open.size <= MAX_OPEN && board.past.length <= MAX_PAST && board.known.size <= MAX_KNOWN);
  }
  assert.ok(board.open.size >= MAX_OPEN - 1);
  assert.equal(known, MAX_KNOWN, "the bounds were reached");
  assert.ok(board.dropped > 0, "and the screen can say how many left it");
  assert.ok(JSON.stringify(toSave(board)).length < 300_000);
});

test("over a reload: what was kept is shown, and what was bumped but not sent stays away", () => {
  const [one, two] = [frame({ check_id: "c1" }), frame({ check_id: "c2" })];
  const saved = JSON.parse(JSON.stringify(toSave(after(put("a", one), put("a", two)))));
  const board = after({ type: "restore", saved, bumped: new Set([two.job_id]) }, put("a", one), put("a", two));
  assert.deepEqual(ids(board), [one.job_id]);
});

test("all-day counts leave out what is done or void", () => {
  const one = frame({ items: [item("l1", { quantity: 2, modifiers: ["RARE"] }), item("l2", { name: "Soup", quantity: 9 })] });
  const two = frame({ check_id: "c2", items: [item("l9"), item("l8", { name: "Fries", quantity: 4 })] });
  const cards = cardsOf(after(put("a", one), put("a", two), put("a", frame({ check_id: "c2", revision: 2, items: [item("l8", { name: "Fries", action: "void" })] })),
    { type: "tick", jobIds: [one.job_id], lineId: "l2", done: true }));
  assert.deepEqual(allDay(cards, false), [{ name: "Burger", modifiers: [], quantity: 3, cards: 2 }]);
  assert.deepEqual(allDay(cards, true).map((count) => [count.modifiers, count.quantity]), [[["RARE"], 2], [[], 1]]);
});

test("a rerouted ticket is shown whatever station is chosen", () => {
  assert.equal(wanted("bar", ["grill"], ["grill", "bar"]), false);
  assert.equal(wanted("cold", ["grill"], ["grill", "bar"]), true);
  assert.equal(wanted("bar", null, ["grill", "bar"]), true);
});

test("ages, lateness and allergies in words", () => {
  assert.deepEqual([timer(-5), timer(59_999), timer(725_000), timer(3_725_000)], ["0:00", "0:59", "12:05", "1:02:05"]);
  assert.deepEqual([0, 300_000, 600_000].map((ms) => lateness(ms, { warn_s: 300, late_s: 600 })), ["fresh", "warn", "late"]);
  assert.deepEqual(["NUT ALLERGY!", "Gluten-free please", "no onions", "doughnut"].map(isAllergy), [true, true, false, false]);
});
