import assert from "node:assert/strict";
import { test } from "node:test";
import { grown, level, onlyHere, title, words } from "../../agent/tillkeeper/web/static/shared/copies.js";

const sink = (over = {}) => ({ name: "side", kind: "register", reachable: true, behind: 0, words: "reachable, has everything", sends: true, ...over });

test("fine is only what answers and has everything", () => {
  assert.equal(level(sink(), "live"), "good");
  assert.equal(level(sink({ behind: 3 }), "live"), "busy");
  assert.equal(level(sink({ reachable: false, words: "silent for 3 s" }), "live"), "bad");
});

test("what is not known is not fine", () => {
  assert.equal(level(sink({ behind: null }), "live"), "unknown");
  assert.equal(level(sink({ reachable: false, behind: 0, words: "never heard" }), "live"), "unknown");
  assert.equal(level(sink({ sends: false }), "live"), "busy");
  for (const link of ["lost", "connecting"]) assert.equal(level(sink(), link), "unknown");
  assert.match(words(sink(), "lost"), /^Not known now/);
  assert.equal(onlyHere({ only_here: 0, only_here_words: "only on this register: 0", sinks: [sink()] }, "lost").bad, true);
});

test("a register from before this field is taken for one that gets copies", () => {
  const { sends: _sends, ...old } = sink();
  assert.equal(level(old, "live"), "good");
});

test("what only this machine holds is strong, and so is that nobody gets copies", () => {
  const status = { only_here: 2, only_here_words: "only on this register: 2", sinks: [sink()] };
  assert.deepEqual(onlyHere(status, "live"), { bad: true, words: "Only on this register: 2." });
  assert.equal(onlyHere({ ...status, only_here: 0 }, "live").bad, false);
  assert.match(onlyHere({ ...status, sinks: [] }, "live").words, /No other machine/);
});

test("progress is measured by the most that was missing, and ends with the catching up", () => {
  let peaks = grown({}, [sink({ behind: 100 })]);
  peaks = grown(peaks, [sink({ behind: 40 })]);
  assert.deepEqual(peaks, { "register.side": 100 });
  peaks = grown(peaks, [sink({ behind: 0 })]);
  assert.deepEqual(grown(peaks, [sink({ behind: 7 })]), { "register.side": 7 });
  assert.deepEqual(grown(peaks, [sink({ behind: null })]), {});
});

test("names are told apart", () => {
  assert.equal(title(sink()), "Register side");
  assert.equal(title(sink({ kind: "hq", name: "HQ" })), "HQ");
});
