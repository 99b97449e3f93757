import assert from "node:assert/strict";
import { test } from "node:test";

import { createClocks } from "../../agent/tillkeeper/web/static/kitchen/clocks.js";
import { createKitchen } from "../../agent/tillkeeper/web/static/kitchen/kitchen.js";
import { createLink } from "../../agent/tillkeeper/web/static/kitchen/link.js";
import { AGAIN_MS, MAX_TOUCHES, createTouches } from "../../agent/tillkeeper/web/static/kitchen/touches.js";
import { cardsOf } from "../../agent/tillkeeper/web/static/kitchen/cards.js";
import { frame, handClock, item, memoryStorage, socketClass } from "./kitchen-kit.mjs";

const A = "http://127.0.0.1:1";
const B = "http://127.0.0.1:2";

/** A page with a storage, whose sockets and clock are the test's. */
function page({ storage = memoryStorage(), registers = [A], clock = handClock(), wall = () => 5, random = () => 0.99 } = {}) {
  const { Socket, all } = socketClass();
  let ids = 0;
  const touches = createTouches({ storage, newId: () => `t${Math.random()}-${++ids}`, now: clock.now });
  const clocks = createClocks({ steady: clock.now, wall });
  const linkOptions = { Socket, later: clock.later, cancel: clock.cancel, random };
  const kitchen = createKitchen({ device: "kitchen", protocols: ["p"], storage, touches, clocks, steady: clock.now, onChange() {}, linkOptions, later: clock.later });
  kitchen.connect(registers);
  const of = (url) => all.filter((socket) => socket.url.startsWith(url.replace("http", "ws")));
  return { kitchen, storage, clock, clocks, touches, all, last: (url = A) => of(url).at(-1), of, draw: () => kitchen.committed(kitchen.view().board),
    cards: () => cardsOf(kitchen.view().board), state: (n = 0) => kitchen.view().registers[n].state };
}

const acks = (socket) => socket.sent.filter((said) => said.type === "ack").map((said) => said.job_id);

test("a ticket is acknowledged when it was drawn, and not before", () => {
  const { last, draw, kitchen } = page();
  last().welcome();
  const drawnBefore = kitchen.view().board;
  last().says(frame({}, { seq: 1, job_id: "j1" }));
  assert.deepEqual(acks(last()), []);
  kitchen.committed(drawnBefore);
  assert.deepEqual(acks(last()), [], "an older drawing shows it not");
  draw();
  assert.deepEqual(acks(last()), ["j1"]);
  last().says(frame({}, { seq: 1, job_id: "j1" }));
  draw();
  assert.deepEqual(acks(last()), ["j1", "j1"], "what is known is acknowledged again");
});

test("a new connection starts from the last sequence; a fresh page and another epoch from none", () => {
  const { last, draw, clock } = page();
  last().welcome();
  assert.deepEqual(last().sent[0], { type: "hello", epoch: "", last_seq: 0, past: true });
  last().says(frame({}, { seq: 7, job_id: "j7" }));
  draw();
  last().breaks();
  clock.pass(1000);
  last().welcome();
  assert.deepEqual(last().sent[0], { type: "hello", epoch: "e1", last_seq: 7, past: true }, "what can be recalled did not come through yet");
  last().says({ type: "beat", behind: 0, now_ms: 1 });
  last().breaks();
  clock.pass(1000);
  last().welcome({ epoch: "e2" });
  assert.deepEqual(last().sent[0], { type: "hello", epoch: "e1", last_seq: 7, past: false });
  last().breaks();
  clock.pass(1000);
  last().opens();
  assert.deepEqual(last().sent[0], { type: "hello", epoch: "e2", last_seq: 0, past: false });
});

test("a bump is kept until the register says so: over a lost connection and over a reload", () => {
  const before = page();
  before.last().welcome();
  before.last().says(frame({}, { seq: 1, job_id: "j1" }));
  before.draw();
  before.last().breaks();
  before.kitchen.bump(before.cards()[0]);
  assert.equal(before.cards().length, 0);
  before.kitchen.stop();

  const after = page({ storage: before.storage });
  after.last().welcome({ board: { open: ["j1"] } });
  after.last().says(frame({}, { seq: 1, job_id: "j1", replay: true }));
  assert.equal(after.cards().length, 0, "the register does not know yet, the cook does");
  const [said] = after.last().sent.filter((one) => one.type === "bump");
  assert.deepEqual([said.check_id, said.station, said.job_ids], ["c1", "grill", ["j1"]]);
  assert.equal(after.kitchen.view().unsent, 1);
  after.last().says({ type: "kept", touch: said.touch });
  assert.equal(after.kitchen.view().unsent, 0);
  assert.equal([...after.storage.map.keys()].filter((name) => name.includes("touch")).length, 0);
});

test("what another version left in the storage is no reason not to start", () => {
  for (const left of ["{", "7", '{"open":[{"jobId":"j1"}]}', '{"open":[{}],"past":[{}],"known":7}', "null"]) {
    const storage = memoryStorage();
    storage.setItem("tk.kitchen.board.kitchen", left);
    storage.setItem("tk.kitchen.touch.x", left);
    const { last, draw, cards } = page({ storage });
    last().welcome();
    last().says(frame({}, { seq: 1, job_id: "j1" }));
    draw();
    assert.equal(cards().length, 1, left);
  }
});

test("a touch that is not confirmed is sent again, with its own name", () => {
  const { last, draw, kitchen, cards, clock } = page();
  last().welcome();
  last().says(frame({}, { seq: 1, job_id: "j1" }));
  draw();
  kitchen.bump(cards()[0]);
  for (let beats = 0; beats < AGAIN_MS / 1000 + 1; beats += 1) {
    clock.pass(1000);
    last().says({ type: "beat", behind: 0, now_ms: 1 });
  }
  const said = last().sent.filter((one) => one.type === "bump");
  assert.equal(said.length, 2);
  assert.equal(said[0].touch, said[1].touch);
});

test("unbump brings the last card back and tells the register that owns it", () => {
  const { kitchen, last, draw, cards } = page({ registers: [A, B] });
  for (const url of [A, B]) last(url).welcome({ epoch: url });
  last(B).says(frame({ check_id: "c2" }, { seq: 1, job_id: "j2" }));
  last(A).says(frame({}, { seq: 1, job_id: "j1" }));
  draw();
  kitchen.bump(cards().find((card) => card.checkId === "c2"));
  kitchen.recall();
  assert.equal(cards().length, 2);
  assert.deepEqual(last(B).sent.map((said) => said.type), ["hello", "ack", "bump", "recall"]);
  assert.deepEqual(last(A).sent.map((said) => said.type), ["hello", "ack"]);
});

test("a STOP with nothing left to cook takes its card along", () => {
  const { kitchen, last, draw, cards } = page();
  last().welcome();
  last().says(frame({ items: [item("l1"), item("l2")] }, { seq: 1, job_id: "j1" }));
  last().says(frame({ revision: 2, items: [item("l1", { action: "void" })] }, { seq: 2, job_id: "j2" }));
  draw();
  kitchen.seen(cards()[0]);
  assert.equal(cards().length, 1, "one line is still to be cooked");
  last().says(frame({ revision: 3, items: [item("l2", { action: "void" })] }, { seq: 3, job_id: "j3" }));
  kitchen.seen(cards()[0]);
  assert.equal(cards().length, 0);
  assert.deepEqual(last().sent.filter((said) => ["stop_seen", "bump"].includes(said.type)).map((said) => [said.type, said.job_ids]),
    [["stop_seen", ["j2"]], ["stop_seen", ["j3"]], ["bump", ["j1", "j2", "j3"]]]);
});

test("silence for three beats is a lost register; the others go on, and it is tried again within a second", () => {
  const { clock, last, state, of } = page({ registers: [A, B] });
  for (const url of [A, B]) last(url).welcome({ epoch: url });
  for (let n = 0; n < 4; n += 1) {
    clock.pass(1200);
    last(B).says({ type: "beat", behind: 0, now_ms: 1 });
  }
  assert.deepEqual([state(0), state(1)], ["lost", "live"]);
  assert.equal(of(A)[0].closed, true, "a connection that hangs is given up");
  clock.pass(1000);
  assert.equal(of(A).length, 2);
});

test("whichever way a register fails, a live one is connected within five seconds", () => {
  const clock = handClock();
  const { Socket, all } = socketClass();
  let state = "";
  const link = createLink({ url: "ws://x", protocols: [], hello: () => ({}), onFrame() {}, onState: (now) => (state = now), Socket, later: clock.later, cancel: clock.cancel, random: () => 1 });
  link.start();
  clock.pass(2400); // it neither opens nor fails, and comes to life only now: the worst moment
  const alive = clock.now();
  while (state !== "live") {
    clock.pass(50);
    const socket = all.at(-1);
    if (!socket.closed && socket.readyState === 0 && all.length > 1) socket.welcome();
    assert.ok(clock.now() - alive < 5000);
  }
  link.stop();
  assert.equal(clock.waiting(), 0, "no timer is left");
});

test("a page whose display was taken does not fight for it, and can take it back", () => {
  const { last, clock, kitchen, state, of, storage } = page();
  last().welcome();
  last().says({ type: "bye", reason: "replaced" });
  clock.pass(60_000);
  assert.equal(of(A).length, 1);
  assert.equal(state(), "replaced");
  kitchen.save();
  assert.equal(storage.getItem("tk.kitchen.board.kitchen"), null, "what is kept belongs to the other page now");
  kitchen.again();
  last().welcome();
  assert.equal(state(), "live");
});

test("a register that is named by another of its addresses is connected once, and does not take the display from itself", () => {
  for (const order of [[A, B], [B, A]]) {
    const { kitchen, last, draw, cards, clock, state, of, touches } = page({ registers: [A, B] });
    last(order[0]).welcome();
    const replaced = last(order[0]);
    last(order[1]).welcome();
    replaced.says({ type: "bye", reason: "replaced" });
    clock.pass(2000);
    kitchen.connect([A, B]); // as often as the page asks for its settings
    last(A).welcome();
    assert.deepEqual(kitchen.view().registers.map(({ url }) => url), [A]);
    assert.deepEqual([state(), of(B).at(-1).closed], ["live", true]);
    last(A).says(frame({}, { seq: 1, job_id: "j1" }));
    draw();
    assert.deepEqual(acks(last(A)), ["j1"]);
    kitchen.bump(cards()[0]);
    assert.equal(last(A).sent.at(-1).type, "bump");
    touches.add(B, { type: "bump", check_id: "c0", station: "grill", line_id: "", job_ids: ["j0"] }); // of a time when only B answered
    last(A).says({ type: "beat", behind: 0, now_ms: 1 });
    assert.equal(last(A).sent.at(-1).check_id, "c0");
    last(A).breaks();
    kitchen.connect([A, B]);
    assert.equal(kitchen.view().registers.length, 2, "whose address it is then is asked anew");
  }
});

test("what came by the address that is given up is of the register too: bumped elsewhere it leaves the screen", () => {
  const { kitchen, last, draw, cards } = page({ registers: [A, B] });
  last(B).welcome();
  last(B).says(frame({ revision: 1 }, { seq: 1, job_id: "j1" }));
  last(B).says(frame({ check_id: "c2" }, { seq: 2, job_id: "j2" }));
  draw();
  kitchen.bump(cards()[1]);
  last(A).welcome();
  last(A).welcome({ board: { bumped: ["j1"], open: ["j2"] } });
  assert.deepEqual(cards(), [], "j2 was bumped here, which the register does not know yet");
  last(A).says(frame({ check_id: "c2", revision: 2 }, { seq: 3, job_id: "j3" }));
  kitchen.recall(0);
  assert.deepEqual(cards().map((card) => card.jobIds), [["j2", "j3"]], "one check, one card");
});

test("a register that is lost at one of its addresses stays connected at the other", () => {
  const { kitchen, last, state } = page({ registers: [A, B] });
  last(A).welcome();
  last(A).breaks();
  last(B).welcome();
  assert.deepEqual([kitchen.view().registers.length, state(0), state(1)], [2, "lost", "live"]);
});

test("what was acknowledged is kept: a page that is torn away shows it again while its register is dead", () => {
  const torn = page();
  torn.last().welcome();
  torn.last().says(frame({}, { seq: 1, job_id: "j1" }));
  torn.draw();
  assert.deepEqual(acks(torn.last()), ["j1"]);
  assert.equal(page({ storage: torn.storage }).cards().length, 1, "no timer went off, and nothing told it that it ends");
});

test("a page that was taken over at one register keeps what the others send, and leaves the rest to who has it", () => {
  const { kitchen, last, draw, storage } = page({ registers: [A, B] });
  for (const url of [A, B]) last(url).welcome({ epoch: url });
  last(A).says(frame({ check_id: "a1" }, { seq: 1, job_id: "a1" }));
  draw();
  last(A).says({ type: "bye", reason: "replaced" });
  const other = page({ storage, registers: [A] });
  other.last(A).welcome();
  other.last(A).says(frame({ check_id: "a2" }, { seq: 2, job_id: "a2" }));
  other.draw();
  last(B).says(frame({ check_id: "b1" }, { seq: 1, job_id: "b1" }));
  draw();
  kitchen.save();
  const again = page({ storage, registers: [A, B] }).cards().map((card) => card.checkId);
  assert.deepEqual(again.sort(), ["a1", "a2", "b1"]);
});

test("where the room is for nothing else, the tickets are left out and what was bumped is kept", () => {
  const { kitchen, last, draw, cards, storage } = page({ storage: memoryStorage(1000) });
  last().welcome();
  for (const seq of [1, 2, 3]) last().says(frame({ check_id: `c${seq}` }, { seq, job_id: `j${seq}` }));
  draw();
  kitchen.bump(cards()[0]);
  kitchen.save();
  const kept = JSON.parse(storage.getItem("tk.kitchen.board.kitchen"));
  assert.deepEqual([kept.open.length, kept.known], [0, ["j1"]]);
});

test("a thousand reconnections leave one socket and no timers behind", () => {
  const { clock, last, all, kitchen } = page();
  for (let n = 0; n < 1_000; n += 1) {
    last().welcome();
    last().breaks();
    clock.pass(1000);
  }
  assert.equal(all.filter((socket) => !socket.closed && socket.readyState < 2).length, 1);
  assert.ok(clock.waiting() <= 3);
  kitchen.stop();
});

test("frames that are none are a lost connection, not a crash", () => {
  const { last, state } = page();
  last().welcome();
  last().onmessage({ data: "{" });
  assert.equal(state(), "lost");
});

test("a ticket with fields of another kind is shown and acknowledged all the same", () => {
  const { last, draw, cards } = page();
  last().welcome();
  const odd = { check_id: 7, items: [{ name: "Soup", modifiers: null, was: [{ kind: "note", text: "" }], quantity: "2" }, "Fries", null], fired_at_ms: "x" };
  last().says({ type: "ticket", seq: 1, job_id: "j1", ticket: odd, marks: "LATE" });
  last().says({ type: "ticket", seq: 2, job_id: "j2", ticket: null });
  draw();
  assert.deepEqual(acks(last()), ["j1", "j2"]);
  const [lines] = cards().map((card) => card.lines).filter((one) => one.length);
  assert.deepEqual(lines.map((line) => [line.name, line.quantity, line.modifiers]), [["Soup", 1, []], ["Fries", 1, []], ["", 1, []]]);
  assert.ok(lines.every((line) => line.was.every((was) => typeof was === "string")));
});

test("touches are bounded, and so is what they take of the storage", () => {
  const storage = memoryStorage();
  let n = 0;
  const touches = createTouches({ storage, newId: () => `t${n++}`, now: () => 0 });
  for (let at = 0; at < MAX_TOUCHES + 50; at += 1) touches.add(A, { type: "bump", check_id: `c${at}`, station: "grill", job_ids: [`j${at}`] });
  assert.equal(touches.size, MAX_TOUCHES);
  assert.equal(storage.map.size, MAX_TOUCHES);
  const again = createTouches({ storage, newId: () => "x", now: () => 0 });
  assert.equal(again.due(A, 0, true)[0].frame.check_id, "c50", "in order, the oldest were given up");
  assert.equal(again.due(B, 0, true).length, 0);
});

test("a full storage is no reason to stop", () => {
  const { last, draw, kitchen, cards, clock } = page({ storage: memoryStorage(10) });
  last().welcome();
  last().says(frame({}, { seq: 1, job_id: "j1" }));
  draw();
  kitchen.bump(cards()[0]);
  clock.pass(2000);
  assert.deepEqual(last().sent.map((said) => said.type), ["hello", "ack", "bump"]);
});

test("ages come from the register's clock, however wrong the tablet's is or becomes", () => {
  let wall = 86_400_000 * 9999;
  let steady = 50;
  const clocks = createClocks({ steady: () => steady, wall: () => wall });
  clocks.hear(A, 1_000_000);
  steady += 5_000;
  wall = 0;
  assert.equal(clocks.now(A), 1_005_000);
  assert.equal(clocks.born(A, 1_000_000), 50);
  steady += 1_000;
  clocks.hear(A, 1_006_000 - 300); // a frame that was under way for longer
  assert.equal(clocks.born(A, 1_000_000), 50, "changes no card's place");
  clocks.hear(A, 5_006_000);
  assert.equal(clocks.born(A, 5_000_000), 50, "but a register's clock that was set counts");
  const later = createClocks({ steady: () => 0, wall: () => 7_000 });
  later.restore(clocks.offsets());
  assert.equal(later.now(A), 5_013_000, "after a reload, before the register has said anything");
});
