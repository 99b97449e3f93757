// The service worker with a cache and a register that misbehave.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const SOURCE = readFileSync(new URL("../../agent/tillkeeper/web/static/sw.js", import.meta.url), "utf8");
const FILES = ["/kitchen/", "/kitchen/main.js"];

/** Answers as a register of `version` gives them; `version` null: it is away. */
function answer(path, version) {
  if (version === null) throw new TypeError("Failed to fetch");
  const status = { broken: 503, busy: 429 }[version] ?? 200;
  return { ok: status === 200, status, url: path, body: `${path} of ${version}`, headers: { get: () => version } };
}

function browser(version, names = new Map()) {
  const handlers = {};
  const asked = [];
  const register = { version };
  const caches = {
    open: async (name) => {
      if (!names.has(name)) names.set(name, new Map());
      const cache = names.get(name);
      return { put: async (path, got) => void cache.set(path, got), match: async (path) => cache.get(path),
        keys: async () => [...cache.keys()].map((path) => ({ url: `https://10.0.0.1${path}`, path })), delete: async ({ path }) => cache.delete(path) };
    },
    keys: async () => [...names.keys()],
    delete: async (name) => names.delete(name),
  };
  const context = {
    caches, URL, AbortSignal, TypeError, Error, Response, Set, Promise,
    fetch: async (request) => {
      const path = typeof request === "string" ? request : new URL(request.url).pathname;
      asked.push(path);
      return answer(path, register.version);
    },
    self: { location: { origin: "https://10.0.0.1" }, addEventListener: (kind, handler) => { handlers[kind] = handler; },
      skipWaiting: async () => {}, clients: { claim: async () => {} } },
  };
  vm.runInNewContext(`const VERSION = "${version}"; const FILES = ${JSON.stringify(FILES)};\n${SOURCE}`, context);
  const wait = async (kind) => {
    let work;
    handlers[kind]({ waitUntil: (given) => { work = given; } });
    await work;
  };
  const get = async (path, { mode = "cors", method = "GET", client = "c1", origin = "https://10.0.0.1" } = {}) => {
    let given = "not taken";
    handlers.fetch({ request: { method, mode, url: origin + path }, clientId: client, resultingClientId: client, respondWith: (got) => { given = got; } });
    return (await given).body ?? given;
  };
  return { names, register, asked, wait, get };
}

test("it keeps all files of its version, once, and lets those of before go", async () => {
  const names = new Map([["tk-pages-old", new Map()], ["another", new Map()]]);
  const page = browser("v1", names);
  await page.wait("install");
  await page.wait("activate");
  assert.deepEqual([...names.keys()].sort(), ["another", "tk-pages-v1"]);
  assert.deepEqual([...names.get("tk-pages-v1").keys()], FILES);
});

test("a register that changes in the middle leaves nothing behind", async () => {
  const page = browser("v1");
  page.register.version = "v2";
  await assert.rejects(page.wait("install"), /not of version v1/);
  assert.equal(page.names.size, 0);
});

test("while the register is away the page and its files come from the browser", async () => {
  const page = browser("v1");
  await page.wait("install");
  page.register.version = null;
  assert.equal(await page.get("/kitchen/?device=grill", { mode: "navigate" }), "/kitchen/ of v1");
  assert.equal(await page.get("/kitchen/main.js"), "/kitchen/main.js of v1");
  for (const version of ["broken", "busy"]) {
    page.register.version = version;
    assert.equal(await page.get("/kitchen/", { mode: "navigate" }), "/kitchen/ of v1");
    assert.equal(await page.get("/kitchen/main.js"), "/kitchen/main.js of v1");
  }
});

test("no page is put together of two versions", async () => {
  const page = browser("v1");
  await page.wait("install");
  page.register.version = "v2";
  assert.equal(await page.get("/kitchen/", { mode: "navigate", client: "new" }), "/kitchen/ of v2");
  assert.equal(await page.get("/kitchen/main.js", { client: "new" }), "/kitchen/main.js of v2");
  assert.equal(await page.get("/kitchen/main.js", { client: "old" }), "/kitchen/main.js of v1");

  const again = browser("v1", page.names); // the browser ended the worker, and begins it anew
  again.register.version = "v2";
  assert.equal(await again.get("/kitchen/main.js", { client: "new" }), "/kitchen/main.js of v2");
  for (let n = 0; n < 50; n += 1) await again.get("/kitchen/", { mode: "navigate", client: `page ${n}` });
  assert.equal(again.names.get("tk-pages-v1").size, FILES.length + 20);
  assert.equal(await again.get("/kitchen/main.js", { client: "page 49" }), "/kitchen/main.js of v2");
});

test("the API, other methods, other addresses and unknown files are not its business", async () => {
  const page = browser("v1");
  await page.wait("install");
  for (const [path, how] of [["/v1/status", {}], ["/openapi.json", {}], ["/kitchen/", { method: "POST" }], ["/nowhere.js", {}], ["/kitchen/", { origin: "https://10.0.0.2" }]]) {
    assert.equal(await page.get(path, how), "not taken", path);
  }
});

test("a page that was never kept fails as it would without a worker", async () => {
  const page = browser("v1");
  page.register.version = null;
  await assert.rejects(page.get("/kitchen/", { mode: "navigate" }), /Failed to fetch/);
});
