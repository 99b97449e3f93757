import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore } from "../../agent/tillkeeper/web/static/shared/store.js";

const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test("many changes in one turn draw once", async () => {
  const store = createStore({ a: 1 });
  let drawn = 0;
  store.subscribe(() => (drawn += 1));
  store.set({ a: 2 });
  store.set({ b: 3 });
  assert.equal(drawn, 0);
  await soon(0);
  assert.deepEqual([drawn, store.get()], [1, { a: 2, b: 3 }]);
});

test("nothing moves while a finger is down, and everything right after it", async () => {
  const store = createStore({});
  let drawn = 0;
  store.subscribe(() => (drawn += 1));
  store.press();
  store.set({ a: 1 });
  await soon(60);
  assert.equal(drawn, 0, "the finger is still down");
  assert.equal(store.get().a, 1, "but the state is there for whoever asks");
  store.lift();
  store.press(); // the next tap follows at once
  await soon(60);
  assert.equal(drawn, 0);
  store.lift();
  await soon(60);
  assert.equal(drawn, 1);
  store.set({ a: 2 });
  await soon(0);
  assert.equal(drawn, 2);
});

test("another view is drawn at once", () => {
  const store = createStore({});
  let drawn = 0;
  store.subscribe(() => (drawn += 1));
  store.press();
  store.set({ route: "checks" });
  store.flush();
  assert.equal(drawn, 1);
});

test("a finger that rests stops nothing for long", async () => {
  const store = createStore({});
  let drawn = 0;
  store.subscribe(() => (drawn += 1));
  store.press();
  store.set({ a: 1 });
  await soon(900);
  assert.equal(drawn, 1);
});
