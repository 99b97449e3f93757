import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyBoard, reduce } from "../../agent/tillkeeper/web/static/kitchen/board.js";
import { cardsOf } from "../../agent/tillkeeper/web/static/kitchen/cards.js";
import { DEFAULT_KEYS, actionOf, keyMap } from "../../agent/tillkeeper/web/static/kitchen/keys.js";
import { paginate } from "../../agent/tillkeeper/web/static/kitchen/pages.js";
import { createPainter } from "../../agent/tillkeeper/web/static/kitchen/painter.js";
import { signsOf } from "../../agent/tillkeeper/web/static/kitchen/signs.js";
import { createSound } from "../../agent/tillkeeper/web/static/kitchen/sound.js";
import { subjects } from "../../agent/tillkeeper/web/static/kitchen/soldout.js";
import { scoped } from "../../agent/tillkeeper/web/static/shared/pairing.js";
import { frame, handClock, item, memoryStorage, put } from "./kitchen-kit.mjs";

const SCREEN = { columns: 4, height: 40, room: 28, touch: 2.6 };
const register = (over = {}) => ({ url: "http://a", name: "front", state: "live", since: 45_000_000, ever: true, ...over });
const FACTS = { registers: [register()], unsent: 0, dropped: 0, sound: "on", muted: false, zone: "UTC", unpaired: "", elsewhere: [] };
const signs = (over) => signsOf({ ...FACTS, ...over }).map((sign) => sign.id);

function cards(count, lines = 2) {
  const items = Array.from({ length: lines }, (_, n) => item(`l${n}`, { course: n < lines / 2 ? 1 : 2 }));
  return cardsOf(Array.from({ length: count }, (_, n) => put("a", frame({ check_id: `c${n}`, items }), n)).reduce(reduce, emptyBoard()));
}

test("a hundred and fifty tickets: each line once, in order, no page with more columns than fit", () => {
  const all = cards(150, 3);
  const pages = paginate(all, SCREEN);
  const parts = pages.flat(2);
  assert.deepEqual(parts.filter((part) => part.first).map((part) => part.card.checkId), all.map((card) => card.checkId));
  assert.ok(pages.length > 5);
  for (const page of pages) {
    assert.ok(page.length <= SCREEN.columns);
    assert.deepEqual(page.flat().map((part) => part.slot), page.flat().map((_, n) => n), "slots count from the top left");
  }
});

test("a ticket that is longer than a column goes on in the next, and has one BUMP", () => {
  const [long] = cards(1, 120);
  const parts = paginate([long, ...cards(2)], SCREEN).flat(2);
  const own = parts.filter((part) => part.card === long);
  assert.ok(own.length > 3);
  assert.deepEqual(own.flatMap((part) => part.lines.map((line) => line.id)), long.lines.map((line) => line.id));
  assert.deepEqual(own.map((part) => part.last), own.map((_, n) => n === own.length - 1));
  assert.equal(parts.length, own.length + 2);
});

test("no tickets are one empty page, and a screen that is too small still shows a line at a time", () => {
  assert.deepEqual(paginate([], SCREEN), [[[]]]);
  const parts = paginate(cards(1, 3), { columns: 1, height: 4, room: 8, touch: 3 }).flat(2);
  assert.deepEqual(parts.flatMap((part) => part.lines.length), [1, 1, 1]);
});

test("texts that were higher than thought take more room", () => {
  const all = cards(200, 2);
  assert.ok(paginate(all, { ...SCREEN, slack: 1.5 }).length > paginate(all, SCREEN).length);
});

test("signs say what is wrong, and only that", () => {
  assert.deepEqual(signs({}), []);
  assert.deepEqual(signs({ registers: [register({ state: "connecting" })] }), []);
  assert.deepEqual(signs({ registers: [register(), register({ name: "bar", state: "lost" })] }), ["register-lost"]);
  assert.deepEqual(signs({ registers: [register({ state: "lost" })], sound: "off" }), ["lost", "sound-off"]);
  assert.deepEqual(signs({ registers: [register({ state: "replaced" }), register({ state: "lost" })] }), ["replaced"]);
  assert.deepEqual(signs({ registers: [register({ state: "lost" })], unpaired: "Open the link." }), ["unpaired"]);
  assert.deepEqual(signs({ muted: true, dropped: 3, elsewhere: ["B-001"] }), ["stop", "sound-off", "dropped"]);
  const [lost] = signsOf({ ...FACTS, registers: [register({ state: "lost" }), register({ state: "lost", since: 46_000_000 })], unsent: 2 });
  assert.match(lost.title, /ANY REGISTER since 12:30/);
  assert.match(lost.words, /2 bumps kept/);
  const network = { phase: "confirmed", headline: "The router does not answer", works: "Selling goes on." };
  assert.deepEqual(signs({ network }), ["network"]);
  assert.deepEqual(signs({ network: { ...network, phase: "suspect" } }), [], "a suspicion is not for the kitchen");
  assert.deepEqual(signs({ network, registers: [register({ state: "lost" })] }), ["lost"], "of a register that is not heard it is not known");
  const late = [{ subject: "grill", text: "Grill: 1 ticket has not come out; B-7 was fired 45 s ago." }];
  assert.deepEqual(signs({ late, elsewhere: ["B-001"] }), ["late-grill", "stop"]);
  assert.deepEqual(signs({ late, registers: [register({ state: "lost" })] }), ["lost"], "what is not heard any more is not said");
  assert.equal(signsOf({ ...FACTS, late })[0].words, late[0].text, "with its age");
  const [sign] = signsOf({ ...FACTS, network });
  assert.deepEqual([sign.level, sign.title, sign.words], ["info", "The router does not answer.", "Selling goes on."]);
});

test("keys are data, and the store's lie over the page's own", () => {
  const { keys, unknown } = keyMap({ Enter: "", "+": "bump", q: "bump:3", z: "explode", y: "slot:99" });
  assert.deepEqual(unknown, ["z = explode", "y = slot:99"]);
  assert.equal(actionOf(keys, { key: "Enter" }), null);
  assert.deepEqual(actionOf(keys, { key: "+" }), { action: "bump", slot: -1 });
  assert.deepEqual(actionOf(keys, { key: "q" }), { action: "bump_slot", slot: 2 });
  assert.deepEqual(actionOf(keys, { key: "0" }), { action: "slot", slot: 9 });
  assert.deepEqual(actionOf(keys, { key: "R" }), { action: "recall", slot: -1 });
  assert.equal(actionOf(keys, { key: "r", ctrlKey: true }), null, "the browser's own keys stay its own");
  assert.equal(DEFAULT_KEYS.Enter, "bump");
});

test("five hundred frames at once are a few drawings, and a hidden page draws all the same", () => {
  const clock = handClock();
  let drawn = 0;
  const asked = [];
  const paint = createPainter({ steady: clock.now, draw: () => drawn++, later: (work, ms) => (asked.push(ms), clock.later(work, ms)), hidden: () => false });
  for (let n = 0; n < 500; n += 1) {
    paint();
    clock.pass(1);
  }
  return Promise.resolve().then(() => {
    clock.pass(100);
    assert.ok(drawn > 0 && drawn < 15, String(drawn));
    const hidden = createPainter({ steady: clock.now, draw: () => drawn++, later: () => assert.fail("timers are slow there"), hidden: () => true });
    hidden();
  });
});

/** An AudioContext that is silent until somebody has touched the page. */
function audio() {
  const played = [];
  class FakeAudio {
    state = "suspended";
    currentTime = 0;
    destination = {};
    async resume() {
      this.state = "running";
      this.onstatechange?.();
    }
    createGain() {
      return { gain: { setValueAtTime() {}, linearRampToValueAtTime() {} }, connect: (to) => to, disconnect() {} };
    }
    createOscillator() {
      const tone = { frequency: {}, connect: (to) => to, start: () => played.push([tone.type, tone.frequency.value]), stop() {} };
      return tone;
    }
  }
  return { FakeAudio, played };
}

test("silent until the first tap; then new, late and void sound different, and many at once once", async () => {
  const { FakeAudio, played } = audio();
  let now = 0;
  const sound = createSound({ Audio: FakeAudio, steady: () => now, onChange() {} });
  assert.equal(sound.state, "off");
  assert.equal(sound.play("new"), false);
  sound.open();
  await Promise.resolve();
  assert.equal(sound.state, "on");
  const heard = ["new", "late", "void"].map((kind) => {
    played.length = 0;
    assert.equal(sound.play(kind), true);
    return JSON.stringify(played);
  });
  assert.equal(new Set(heard).size, 3);
  assert.equal(sound.play("new"), false);
  now = 500;
  assert.equal(sound.play("new"), true);
  assert.equal(createSound({ Audio: undefined, steady: () => 0, onChange() {} }).state, globalThis.AudioContext ? "off" : "none");
});

test("86 has the items, and each modifier once; its storage is apart from the register's", () => {
  const catalogue = { items: [{ item_id: "i1", name: "Burger" }], modifier_groups: [{ modifiers: [{ modifier_id: "m1", name: "Rare" }] }, { modifiers: [{ modifier_id: "m1", name: "Rare" }] }] };
  assert.deepEqual(subjects(catalogue).map((one) => [one.kind, one.subject_id]), [["item", "i1"], ["modifier", "m1"]]);
  const storage = memoryStorage();
  storage.setItem("tk.outbox.1", "the register's");
  const own = scoped(storage, "k.");
  own.setItem("tk.outbox.2", "ours");
  assert.equal(storage.getItem("k.tk.outbox.2"), "ours");
  assert.deepEqual(Array.from({ length: own.length }, (_, n) => own.key(n)).filter(Boolean), ["tk.outbox.2"]);
});
