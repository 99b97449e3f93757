// @ts-check
/** The register page: pairing, start, live connection, and what the browser tells (other tabs, back button, online again). */

import { html, render, useEffect, useLayoutEffect } from "../vendor/preact.js";
import { createApi, newKey } from "../shared/api.js";
import { keepPage } from "../shared/keeping.js";
import { createLive } from "../shared/live.js";
import { openStorage, pair, wsProtocols, wsUrl } from "../shared/pairing.js";
import { createActions } from "./actions.js";
import { createDesk } from "./desk.js";
import { Shell } from "./shell.js";
import { useStore } from "./store.js";
import { Stage } from "./views/start.js";

const RETRY_MS = 900;
const HEARD = "tk.register.heard";
const HEARD_EVERY_MS = 5000;

const storage = openStorage();
const { token, terminal } = pair({ location, history, storage });
const tab = newKey().slice(0, 12);
const locks = navigator.locks ?? null;
let desk;
const api = createApi({ token: () => token, terminal: () => terminal, session: () => desk.store.get().session?.session ?? "" });
desk = createDesk({ api, storage, locks, tab, terminal });
desk.act = createActions(desk);
const keeping = keepPage({ navigator, location, secure: isSecureContext });
desk.store.set({ survives: keeping.survives, heardAt: heardBefore() });

const live = createLive({ url: () => wsUrl("/v1/live"), protocols: () => wsProtocols(token), onMessage: heard, onState: desk.linkChanged, silenceMs: 8000 });

function heard(message) {
  noteHeard();
  desk.heard(message);
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
  desk.store.set({ route: { view, id: decoded } });
  desk.store.flush();
}

/** Settings, catalogue and the session of before; again and again while the register does not answer. */
async function start() {
  if (!token) {
    desk.store.set({ stage: "unpaired" });
    return;
  }
  try {
    await desk.load();
    const { settings } = desk.store.get();
    if (!["full", "page", "register", undefined].includes(settings.scope)) {
      desk.store.set({ stage: "scope", scope: settings.scope });
      return;
    }
    document.title = `${desk.place().title || settings.register} · ${settings.store_name}`;
    await desk.people.resume();
    await takeUp();
    desk.store.set({ stage: "ready" });
    keeping.update();
    document.body.dataset.ready = "";
    live.start();
  } catch (problem) {
    if (problem.code === "scope_refused") desk.store.set({ stage: "scope", scope: problem.extra.scope });
    else if (problem.code === "unauthorized") desk.store.set({ stage: "unpaired", loadTrouble: problem.message });
    else {
      desk.store.set({ loadTrouble: problem.message });
      if (!("status" in problem)) throw problem;
      setTimeout(start, RETRY_MS);
    }
  }
}

/** When the register was heard last, by this device's clock: for who loads the page while it is away. @returns {number} ms, 0 where not known */
function heardBefore() {
  try {
    return Number(storage?.getItem(HEARD)) || 0;
  } catch {
    return 0;
  }
}

let noted = 0;
function noteHeard() {
  if (Date.now() - noted < HEARD_EVERY_MS) return;
  noted = Date.now();
  try {
    storage?.setItem(HEARD, String(noted));
  } catch {
    // full: then it says nothing of when
  }
}

/** Orders that a page before this one left: those under way are followed, the last other one is shown. */
async function takeUp() {
  const held = locks ? await locks.query() : { held: [] };
  const living = new Set((held.held ?? []).map((lock) => lock.name ?? "").filter((name) => name.startsWith("tk.tab.")).map((name) => name.slice(7)));
  const found = desk.drafts.adopt(living);
  for (const draft of found) {
    const entry = draft.sending && desk.outbox.entries().find((one) => one.draft === draft.id);
    if (entry) desk.follow(entry);
    else if (draft.sending) desk.drafts.keep({ ...draft, sending: "" });
  }
  const left = found.filter((draft) => !draft.sending && (draft.lines.length || draft.check_id)).pop();
  if (left) desk.drafts.use(left.id);
  else desk.drafts.start(desk.orderType());
  if (left?.check_id) desk.readCheck(left.check_id);
  desk.showDraft();
}

function Page() {
  const state = useStore(desk.store);
  const { settings, stage, session } = state;
  const unknown = stage === "ready" && settings.terminals.length > 1 && !settings.terminals.some((one) => one.terminal === terminal);
  const signIn = stage === "ready" && settings.staff && !session;
  const view = stage !== "ready" ? stage : unknown ? "place" : signIn ? "signin" : state.route.view || { lane: "order", window: "window", counter: "order" }[desk.place().view];
  useLayoutEffect(() => {
    document.body.dataset.view = view;
  }, [view]);
  useEffect(() => {
    if (state.route.id && ["pay", "check"].includes(view)) desk.readCheck(state.route.id);
  }, [state.route, view]);
  return view === stage || unknown || signIn ? html`<${Stage} desk=${desk} state=${state} view=${view} />` : html`<${Shell} desk=${desk} state=${state} view=${view} />`;
}

locks?.request(`tk.tab.${tab}`, () => new Promise(() => {})); // held until the tab is gone: its drafts are then taken over
addEventListener("pointerdown", desk.store.press, true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, desk.store.lift, true);
addEventListener("hashchange", route);
addEventListener("online", () => live.retry());
addEventListener("storage", (event) => {
  if (event.key?.startsWith("tk.outbox.")) desk.outbox.poke();
  if (event.key === desk.people.storageKey) desk.people.reread();
});
document.addEventListener("visibilitychange", () => !document.hidden && live.retry());

route();
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.textContent = "";
render(html`<${Page} />`, root);
start();
