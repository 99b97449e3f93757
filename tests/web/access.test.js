// Pairing and paired devices without a browser: what is typed, which guide fits, who is signed in, what a page says without HTTPS.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSigned } from "../../agent/tillkeeper/web/static/devices/signed.js";
import { lastHeard } from "../../agent/tillkeeper/web/static/devices/words.js";
import { signsOf } from "../../agent/tillkeeper/web/static/kitchen/signs.js";
import { GUIDES, grouped, guideFor } from "../../agent/tillkeeper/web/static/pair/guides.js";
import { keepPage } from "../../agent/tillkeeper/web/static/shared/keeping.js";
import { newToken } from "../../agent/tillkeeper/web/static/shared/pairing.js";

test("a code is typed as it comes", () => {
  assert.equal(grouped("k7qm2xpd9r4t"), "K7QM-2XPD-9R4T");
  assert.equal(grouped(" K7QM-2XPD 9r4t and more"), "K7QM-2XPD-9R4T");
  assert.equal(grouped("k7q"), "K7Q");
  assert.equal(grouped("k7qm"), "K7QM");
});

test("the guide that fits is open", () => {
  const agents = {
    "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X)": "ipad",
    "Mozilla/5.0 (Linux; Android 15; SM-X210)": "android",
    "Mozilla/5.0 (X11; CrOS x86_64 16000.0.0)": "chromeos",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64)": "windows",
    "Mozilla/5.0 (X11; Linux x86_64)": "linux",
  };
  for (const [agent, id] of Object.entries(agents)) assert.equal(guideFor(agent, 5), id);
  assert.equal(guideFor("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", 5), "ipad");
  const ids = GUIDES.map((guide) => guide.id);
  assert.ok(Object.values(agents).every((id) => ids.includes(id)));
});

test("tokens are 256 bits that no address has to escape", () => {
  const made = new Set(Array.from({ length: 100 }, newToken));
  assert.equal(made.size, 100);
  for (const token of made) assert.match(token, /^[A-Za-z0-9_-]{43}$/);
});

test("ages are told in words", () => {
  assert.equal(lastHeard(null, 5), "not heard since the register was started");
  assert.deepEqual([0, 119, 120, 7199, 7200, 172_800].map((s) => lastHeard(0, s * 1000)),
    ["heard 0 s ago", "heard 119 s ago", "heard 2 min ago", "heard 120 min ago", "heard 2 h ago", "heard 2 days ago"]);
  assert.equal(lastHeard(10_000, 0), "heard 0 s ago"); // clocks differ
});

const store = (entries) => ({
  get length() { return Object.keys(entries).length; },
  key: (index) => Object.keys(entries)[index] ?? null,
  getItem: (name) => entries[name] ?? null,
  setItem: (name, value) => { entries[name] = value; },
});

test("whoever is signed in at the register page counts on the page of devices", () => {
  const signed = createSigned(/** @type {any} */ (store({ "tk.session.front": JSON.stringify({ session: "s1" }), other: "x" })), "");
  assert.deepEqual([signed.session, signed.terminal], ["s1", "front"]);
  const nobody = createSigned(/** @type {any} */ (store({ "tk.session.front": "broken" })), "bar");
  assert.deepEqual([nobody.session, nobody.terminal], ["", "bar"]);
  nobody.begin({ session: "s2", terminal: "device:phone" });
  assert.deepEqual([nobody.session, nobody.terminal], ["s2", "device:phone"]);
});

const FACTS = { registers: [], unsent: 0, dropped: 0, sound: "on", muted: false, zone: "UTC", unpaired: "", elsewhere: [] };

test("a page that does not survive a reload says so, and one that does says nothing", () => {
  const ids = (facts) => signsOf(/** @type {any} */ ({ ...FACTS, ...facts })).map((sign) => sign.id);
  assert.deepEqual(ids({ survives: false }), ["unkept"]);
  assert.deepEqual(ids({ survives: true }), []);
  assert.deepEqual(ids({}), []);
});

test("only a page that came by HTTPS is kept, and a certificate that is not trusted is told", async () => {
  const browser = (answer, protocol) => /** @type {any} */ ({ navigator: { serviceWorker: { register: answer } }, location: { protocol }, secure: true });
  let updates = 0;
  const good = keepPage(browser(async () => ({ update: async () => { updates += 1; } }), "https:"));
  assert.equal(await good.kept, true);
  good.update();
  assert.equal(updates, 1);
  assert.equal(await keepPage(browser(async () => { throw new Error("certificate"); }, "https:")).kept, false);
  const plain = keepPage(browser(() => assert.fail("asked"), "http:"));
  assert.equal(await plain.kept, false);
  plain.update();
});
