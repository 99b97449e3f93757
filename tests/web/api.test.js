import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi, newKey, Problem } from "../../agent/tillkeeper/web/static/shared/api.js";
import { pair } from "../../agent/tillkeeper/web/static/shared/pairing.js";
import { outcomeOf } from "../../agent/tillkeeper/web/static/shared/outcome.js";
import { FakeStorage } from "./fakes.js";

const answer = (status, body, headers = {}) => new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
const refusal = (status, code, more = {}) => answer(status, { type: `urn:tillkeeper:problem:${code}`, title: "T", status, detail: "d", cause: "the reason", hint: "", ...more });
function world(reply) {
  const seen = [];
  const api = createApi({ token: () => "tok", terminal: () => "front", session: () => "now", timeoutMs: 50, fetch: async (url, how) => {
    seen.push({ url, ...how });
    return reply(seen.length, how);
  } });
  return { api, seen };
}
const entry = { id: "key-1", body: { a: 1 }, terminal: "front", session: "old", employee: "ana" };

test("a request says who asks, from where, and under which key", async () => {
  const w = world(() => answer(200, { ok: 1 }, { "idempotent-replayed": "true" }));
  assert.deepEqual(await w.api.call("POST", "/v1/orders", { body: { a: 1 }, key: "k", approval: "ap" }), { value: { ok: 1 }, replayed: true });
  const { headers, body, method } = w.seen[0];
  assert.deepEqual([method, body], ["POST", '{"a":1}']);
  assert.deepEqual([headers.authorization, headers["tillkeeper-session"], headers["tillkeeper-terminal"], headers["tillkeeper-approval"], headers["idempotency-key"]], ["Bearer tok", "now", "front", "ap", "k"]);
});

test("an answer that never comes, or is no JSON, is a problem with words", async () => {
  const hangs = world((_n, how) => new Promise((_resolve, reject) => how.signal.addEventListener("abort", () => reject(new Error("aborted")))));
  await assert.rejects(hangs.api.get("/v1/status"), (problem) => problem.code === "no_answer" && problem.passing && problem.message.length > 5);
  const cut = world(() => answer(200, '{"half'));
  await assert.rejects(cut.api.get("/v1/status"), (problem) => problem instanceof Problem && problem.passing);
  const proxy = world(() => answer(502, "<html>bad gateway</html>"));
  await assert.rejects(proxy.api.get("/v1/status"), (problem) => problem.status === 502 && problem.passing);
});

test("what is final, what passes, and what waits for a person", async () => {
  const kind = async (status, code, more) => outcomeOf(world(() => refusal(status, code, more)).api, entry, "/v1/x", "", null);
  assert.equal((await kind(422, "sold_out")).kind, "refused");
  assert.equal((await kind(409, "conflict")).kind, "refused");
  assert.equal((await kind(403, "approval_needed", { permission: "refund" })).problem.extra.permission, "refund");
  assert.equal((await kind(503, "overloaded")).kind, "later");
  assert.equal((await kind(507, "storage_refused")).kind, "later");
  assert.equal((await kind(401, "unauthorized")).kind, "later");
  assert.deepEqual([(await kind(500, "internal")).kind, (await kind(500, "internal")).fault], ["later", true]);
  assert.match((await kind(401, "sign_in_needed")).words, /signs in/);
});

test("an ended session is replaced by the same person's, never by another's", async () => {
  const reply = (_n, how) => (how.headers["tillkeeper-session"] === "fresh" ? answer(200, { check_id: "c" }) : refusal(401, "sign_in_needed"));
  const same = world(reply);
  assert.equal((await outcomeOf(same.api, entry, "/v1/x", "", { session: "fresh", employee: "ana" })).kind, "done");
  assert.deepEqual(same.seen.map((one) => one.headers["idempotency-key"]), ["key-1", "key-1"]);
  const other = world(reply);
  assert.equal((await outcomeOf(other.api, entry, "/v1/x", "", { session: "fresh", employee: "ben" })).kind, "later");
  assert.equal(other.seen.length, 1);
});

test("a command says whether it was entered in training; one that a page of before kept does not", async () => {
  for (const [training, header] of [[true, "on"], [false, "off"], [undefined, undefined]]) {
    const w = world((n) => (n === 1 ? refusal(401, "sign_in_needed") : answer(200, {})));
    await outcomeOf(w.api, { ...entry, training }, "/v1/orders", "", { session: "fresh", employee: "ana", training: true });
    assert.deepEqual(w.seen.map((one) => one.headers["tillkeeper-training"]), [header, header]);
  }
});

test("the token leaves the address at once and is remembered where that is possible", () => {
  const storage = new FakeStorage();
  const replaced = [];
  const browser = (hash, kept) => ({ location: { search: "?terminal=front", pathname: "/register/", hash }, history: { replaceState: (...args) => replaced.push(args[2]) }, storage: kept });
  assert.equal(pair(browser("#token=abc", storage)).token, "abc");
  assert.deepEqual(replaced, ["/register/?terminal=front"]);
  assert.deepEqual([pair(browser("#/checks", storage)).token, pair(browser("", storage)).terminal], ["abc", "front"]);
  assert.equal(pair(browser("#token=abc", new FakeStorage(1))).token, "abc");
  assert.equal(pair(browser("", null)).token, "");
});

test("keys are long and never the same", () => {
  const keys = new Set(Array.from({ length: 500 }, newKey));
  assert.equal(keys.size, 500);
  for (const key of keys) assert.match(key, /^[0-9a-f]{32}$/);
});
