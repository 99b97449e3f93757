import assert from "node:assert/strict";
import { test } from "node:test";
import { createDrafts } from "../../agent/tillkeeper/web/static/register/drafts.js";
import { withItem } from "../../agent/tillkeeper/web/static/register/order.js";
import { FakeStorage } from "./fakes.js";

const cola = { item_id: "cola", name: "Cola", price_minor: 325 };
let ids = 0;
function open(storage, tab, trouble = () => {}) {
  return createDrafts({ storage, tab, newId: () => `id${(ids += 1)}`, onTrouble: trouble });
}

test("an order survives its tab, and goes to one other tab only", () => {
  const storage = new FakeStorage();
  const first = open(storage, "t1");
  const draft = first.keep(withItem(first.start("takeout"), cola, [], "u1"));
  assert.deepEqual(open(storage, "t2").adopt(new Set(["t1"])), [], "its tab lives");
  const [found] = open(storage, "t3").adopt(new Set());
  assert.deepEqual(found.lines, draft.lines);
  assert.deepEqual(open(storage, "t4").adopt(new Set(["t3"])), []);
});

test("an empty order leaves nothing behind, a started one goes when it is accepted", () => {
  const storage = new FakeStorage();
  const drafts = open(storage, "t1");
  const draft = drafts.start("takeout");
  assert.equal(storage.length, 0);
  drafts.keep(withItem(draft, cola, [], "u1"));
  assert.equal(storage.length, 1);
  drafts.drop(draft.id);
  assert.equal(storage.length, 0);
  assert.equal(drafts.current, null);
});

test("more for a check is found again by its check", () => {
  const drafts = open(new FakeStorage(), "t1");
  const check = { check_id: "c1", ticket_code: "B-001", order_type: "dine_in" };
  const more = drafts.keep(withItem(drafts.forCheck(check), cola, [], "u"));
  drafts.start("dine_in");
  assert.notEqual(drafts.current.id, more.id);
  assert.equal(drafts.forCheck(check).id, more.id);
});

test("a storage that takes nothing is said; rubbish in it is swept out", () => {
  let said = 0;
  const drafts = open(new FakeStorage(5), "t1", () => (said += 1));
  drafts.keep(withItem(drafts.start("takeout"), cola, [], "u1"));
  assert.equal(said, 1);
  assert.equal(drafts.current.lines.length, 1, "the page goes on in memory");
  const storage = new FakeStorage();
  storage.setItem("tk.draft.t9.x", "{half");
  assert.deepEqual(open(storage, "t1").adopt(new Set()), []);
  assert.equal(storage.length, 0);
});
