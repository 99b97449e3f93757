// @ts-check
/** How a page with a desk begins and goes on: pairing, settings, the live connection, and what the browser tells (other tabs, back
 * button, online again). */

import { createLive } from "./live.js";
import { wsProtocols, wsUrl } from "./pairing.js";

const RETRY_MS = 900;
const SILENCE_MS = 8000;
const HEARD = "tk.register.heard";
const HEARD_EVERY_MS = 5000;

/**
 * @param {{desk: any, token: string, storage: Storage | null, scopes: string[], ready: () => Promise<void>}} page `scopes`: whom it is for;
 *   `ready`: once settings and session are known, before anything is heard
 */
export function openPage({ desk, token, storage, scopes, ready }) {
  const { store } = desk;
  const live = createLive({ url: () => wsUrl("/v1/live"), protocols: () => wsProtocols(token), onMessage: heard, onState: desk.linkChanged, silenceMs: SILENCE_MS });
  let noted = 0;

  /** When the register was heard last, by this device's clock, is kept for who loads the page while it is away. */
  function heard(message) {
    desk.heard(message);
    if (Date.now() - noted < HEARD_EVERY_MS) return;
    noted = Date.now();
    try {
      storage?.setItem(HEARD, String(noted));
    } catch {
      // full: then it says nothing of when
    }
  }

  function heardBefore() {
    try {
      return Number(storage?.getItem(HEARD)) || 0;
    } catch {
      return 0;
    }
  }

  function route() {
    const [view = "", id = ""] = location.hash.replace(/^#\/?/, "").split("/");
    desk.closeDialogs();
    let decoded = "";
    try {
      decoded = decodeURIComponent(id);
    } catch {
      // an address that somebody typed
    }
    store.set({ route: { view, id: decoded } });
    store.flush();
  }

  /** Settings and the session of before; again and again while the register does not answer. */
  async function start() {
    if (!token) {
      store.set({ stage: "unpaired" });
      return;
    }
    try {
      await desk.load();
      const { scope } = store.get().settings;
      if (!["full", "page", undefined, ...scopes].includes(scope)) {
        store.set({ stage: "scope", scope });
        return;
      }
      await desk.people.resume();
      await ready();
      store.set({ stage: "ready" });
      document.body.dataset.ready = "";
      live.start();
    } catch (problem) {
      if (problem.code === "scope_refused") store.set({ stage: "scope", scope: problem.extra.scope });
      else if (problem.code === "unauthorized") store.set({ stage: "unpaired", loadTrouble: problem.message });
      else {
        store.set({ loadTrouble: problem.message });
        if (!("status" in problem)) throw problem;
        setTimeout(start, RETRY_MS);
      }
    }
  }

  addEventListener("pointerdown", store.press, true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, store.lift, true);
  addEventListener("hashchange", route);
  addEventListener("online", () => live.retry());
  addEventListener("storage", (event) => {
    if (event.key?.includes("tk.outbox.")) desk.outbox.poke();
    if (event.key === desk.people.storageKey) desk.people.reread();
  });
  document.addEventListener("visibilitychange", () => !document.hidden && live.retry());

  store.set({ heardAt: heardBefore() });
  route();
  start();
}
