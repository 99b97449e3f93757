import assert from "node:assert/strict";
import { test } from "node:test";
import { createOutbox, OutboxFull } from "../../agent/tillkeeper/web/static/shared/outbox.js";
import { chance, FakeLocks, FakeRegister, FakeStorage, FakeTime, turns } from "./fakes.js";

const order = (n, lane = `new.${n}`) => ({ lane, path: "/v1/orders", body: { n }, label: `Order ${n}` });

function world({ storage = new FakeStorage(), locks = null, register = new FakeRegister(1), time = new FakeTime(), ...more } = {}) {
  const open = () => createOutbox({ send: register.send, storage, locks, now: time.now, mono: time.mono, later: time.later, cancel: time.cancel, random: chance(3), ...more });
  return { storage, register, time, open };
}

test("a command is in the storage, with its key, before it is sent", async () => {
  const storage = new FakeStorage();
  let stored = null;
  const send = async (entry) => {
    stored = JSON.parse(storage.getItem(`tk.outbox.${entry.id}`));
    return { kind: "done", value: {}, replayed: false };
  };
  const box = createOutbox({ send, storage });
  const entry = box.add(order(1));
  assert.equal((await box.settled(entry.id)).state, "done");
  assert.equal(stored.id, entry.id);
  assert.equal(stored.state, "waiting");
});

test("lost requests and answers, reloads in the middle, a second tab: each command is done once, in the order of its check", async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = chance(seed);
    const w = world({ locks: random() < 0.7 ? new FakeLocks() : null, register: new FakeRegister(seed, { lose: 0.35 }) });
    const tabs = [w.open(), w.open()];
    const wanted = [];
    for (let n = 0; n < 12; n += 1) {
      const tab = tabs[Math.floor(random() * 2)];
      tab.add(order(n));
      tab.add({ lane: `new.${n}`, path: "/v1/checks/@/tenders", body: { n }, label: "pay" });
      wanted.push(n, n);
      await turns(Math.floor(random() * 12));
      if (random() < 0.4) tabs[Math.floor(random() * 2)] = w.open(); // a reload: what was in memory is gone
    }
    const last = w.open();
    for (let step = 0; step < 200 && last.entries().some((entry) => entry.state === "waiting"); step += 1) {
      await w.time.pass(3000);
      last.poke();
    }
    assert.deepEqual(last.entries().filter((entry) => entry.state !== "done"), [], `seed ${seed}`);
    assert.deepEqual(w.register.log.map((one) => one.body.n).sort((a, b) => a - b), wanted, `seed ${seed}: none lost, none doubled`);
    for (let n = 0; n < 12; n += 1) {
      const mine = w.register.log.filter((one) => one.body.n === n).map((one) => one.path);
      assert.match(mine.join(" "), /^\/v1\/orders \/v1\/checks\/check\d+\/tenders$/, `seed ${seed}: order, then its payment`);
    }
  }
});

test("a refusal is shown, stops its lane, and can be tried again with the same key and an approval", async () => {
  const w = world({ register: new FakeRegister(5, { refuse: (_entry, path, approval) => (path.endsWith("/void") && !approval ? { code: "approval_needed", words: "A manager has to allow it.", extra: {} } : null) }) });
  const box = w.open();
  const first = box.add({ lane: "c1", path: "/v1/checks/@/void", body: {}, label: "Void" });
  const behind = box.add({ lane: "c1", path: "/v1/checks/@/tenders", body: {}, label: "Pay" });
  const other = box.add(order(1));
  await w.time.pass(100);
  assert.equal((await box.settled(first.id)).problem.words, "A manager has to allow it.");
  assert.equal((await box.settled(behind.id)).problem.code, "not_sent");
  assert.equal((await box.settled(other.id)).state, "done");
  assert.equal(w.register.log.length, 1, "nothing of the refused lane was done");
  assert.equal(w.open().entries().filter((entry) => entry.state === "refused").length, 2, "still there after a reload");
  box.retry(first.id, { approval: "yes" });
  await w.time.pass(100);
  assert.equal((await box.settled(first.id)).state, "done");
  assert.equal(w.register.seen.filter((id) => id === first.id).length, 2);
  assert.equal([...w.storage.rows.values()].some((text) => text.includes('"yes"')), false, "approvals are never stored");
});

test("what belongs to a check that was never opened is refused, not sent somewhere", async () => {
  const w = world();
  const box = w.open();
  const entry = box.add({ lane: "new.9", path: "/v1/checks/@/send", body: {}, label: "Send" });
  await w.time.pass(10);
  assert.equal((await box.settled(entry.id)).problem.code, "not_sent");
  assert.equal(w.register.seen.length, 0);
});

test("a fault of the register is tried again, but not for ever", async () => {
  const problem = { code: "internal", words: "a fault", extra: {} };
  const time = new FakeTime();
  let tries = 0;
  const box = createOutbox({ storage: new FakeStorage(), now: time.now, mono: time.mono, later: time.later, cancel: time.cancel, send: async () => {
    tries += 1;
    return { kind: "later", words: "a fault", fault: true, problem };
  } });
  const entry = box.add(order(1));
  await time.pass(60_000);
  assert.equal((await box.settled(entry.id)).state, "refused");
  assert.equal(tries, 5);
});

test("pauses grow, stay bounded, and end when the register is back", async () => {
  const time = new FakeTime();
  const at = [];
  let up = false;
  const box = createOutbox({ storage: new FakeStorage(), now: time.now, mono: time.mono, later: time.later, cancel: time.cancel, random: chance(2), send: async () => {
    at.push(time.now());
    return up ? { kind: "done", value: {}, replayed: false } : { kind: "later", words: "no answer" };
  } });
  const entry = box.add(order(1));
  await time.pass(60_000);
  const gaps = at.slice(1).map((ms, index) => ms - at[index]);
  assert.ok(gaps[0] < 600);
  assert.ok(Math.max(...gaps) <= 5000);
  assert.ok(at.length > 12 && at.length < 40, `${at.length} tries in a minute`);
  up = true;
  box.poke();
  await time.pass(0);
  assert.equal((await box.settled(entry.id)).state, "done");
});

test("a full or forbidden storage is said, and selling goes on", async () => {
  const full = world({ storage: new FakeStorage(10) });
  const box = full.open();
  const entry = box.add(order(1));
  assert.equal(box.durable, false);
  await full.time.pass(10);
  assert.equal((await box.settled(entry.id)).state, "done");
  assert.equal(world({ storage: null }).open().durable, false);
  assert.equal(world().open().durable, true);
});

test("it takes on no more than it can hold, and says so", () => {
  const w = world({ register: { send: () => new Promise(() => {}) }, limit: 3 });
  const box = w.open();
  for (let n = 0; n < 3; n += 1) box.add(order(n));
  assert.throws(() => box.add(order(4)), OutboxFull);
});

test("what still waits cannot be forgotten; rubbish in the storage is", async () => {
  const storage = new FakeStorage();
  storage.setItem("tk.outbox.half", '{"id": "ha');
  storage.setItem("tk.outbox.list", "[]");
  const w = world({ storage, register: { send: () => new Promise(() => {}) } });
  const box = w.open();
  assert.deepEqual(box.entries(), []);
  const entry = box.add(order(1));
  box.ack(entry.id);
  assert.equal(box.entries().length, 1);
});

test("the clock going back changes no order", async () => {
  const w = world({ register: new FakeRegister(4, { lose: 0.5 }) });
  const box = w.open();
  box.add(order(1, "c1"));
  w.time.skew -= 3_600_000;
  box.add({ lane: "c1", path: "/v1/checks/@/tenders", body: {}, label: "pay" });
  for (let step = 0; step < 50; step += 1) await w.time.pass(2000);
  box.poke();
  await w.time.pass(20_000);
  assert.deepEqual(w.register.log.map((one) => one.path), ["/v1/orders", "/v1/checks/check1/tenders"]);
});
