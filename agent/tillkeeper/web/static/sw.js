// @ts-check
/// <reference lib="webworker" />
/**
 * Keeps the pages of one version, so that they load while the register is away. Behind this stand `VERSION` and `FILES`, which the
 * register puts before it (api/web.py). Nothing of the API is ever kept; there is one cache, as large as the pages, and the one of
 * the version before goes when it is full.
 *
 * A page is asked for at the register first. Where that answers with another version than ours, this page takes everything from
 * the register; else it takes the files of our version from the cache, so that no page is ever put together of two versions.
 */

const CACHE = `tk-pages-${VERSION}`;
const KEPT = new Set(FILES);
const PATIENCE_MS = 3000; // for a register that swallows packets; one that refuses is known at once
const VERSION_HEADER = "tillkeeper-pages";
/** Which pages were loaded from a register of another version: in the cache, for the browser ends a worker whenever it likes. */
const NEWER = "/of-another-version/";
const MAX_NEWER = 20;

self.addEventListener("install", (event) => event.waitUntil(fill().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(tidy().then(() => self.clients.claim())));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin || !KEPT.has(pathname)) return;
  event.respondWith(request.mode === "navigate" ? page(pathname, event) : file(pathname, event));
});

/** All files of this version, or none: the browser tries again at the next look. */
async function fill() {
  const cache = await caches.open(CACHE);
  const answers = await Promise.all(FILES.map((path) => fetch(path, { cache: "no-cache", credentials: "omit" })));
  const wrong = answers.find((answer) => !answer.ok || answer.headers.get(VERSION_HEADER) !== VERSION);
  if (wrong) {
    await caches.delete(CACHE);
    throw new Error(`${wrong.url} is not of version ${VERSION}`);
  }
  await Promise.all(answers.map((answer, at) => cache.put(FILES[at], answer)));
}

async function tidy() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("tk-pages-") && name !== CACHE).map((name) => caches.delete(name)));
}

const kept = async (path) => (await caches.open(CACHE)).match(path);

async function page(path, event) {
  try {
    const answer = await fetch(event.request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) {
      if (answer.headers.get(VERSION_HEADER) !== VERSION) await note(event.resultingClientId);
      return answer;
    }
    return (await kept(path)) ?? answer; // a register that is too busy, or asked too often, says so in no page
  } catch (gone) {
    const known = await kept(path);
    if (known) return known;
    throw gone;
  }
}

async function file(path, event) {
  const own = (await kept(NEWER + event.clientId)) ? undefined : await kept(path);
  return own ?? fetch(event.request);
}

async function note(client) {
  try {
    const cache = await caches.open(CACHE);
    await cache.put(NEWER + client, new Response());
    const noted = (await cache.keys()).filter(({ url }) => new URL(url).pathname.startsWith(NEWER));
    await Promise.all(noted.slice(0, -MAX_NEWER).map((one) => cache.delete(one)));
  } catch {
    // no room: this page may be put together of two versions, the next one is not
  }
}
