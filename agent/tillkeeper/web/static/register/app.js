// @ts-check
/** The register page: its desk, the orders of before, and which view is shown. */

import { html, render, useEffect, useLayoutEffect } from "../vendor/preact.js";
import { createApi, newKey } from "../shared/api.js";
import { unplaced } from "../shared/dialogs.js";
import { keepPage } from "../shared/keeping.js";
import { openPage } from "../shared/opening.js";
import { openStorage, pair } from "../shared/pairing.js";
import { Shell } from "../shared/shell.js";
import { useStore } from "../shared/store.js";
import { createActions } from "./actions.js";
import { createDesk } from "./desk.js";
import { viewsFor } from "./views.js";
import { Stage } from "./views/start.js";

const storage = openStorage();
const { token, terminal } = pair({ location, history, storage });
const tab = newKey().slice(0, 12);
const locks = navigator.locks ?? null;
let desk;
const api = createApi({ token: () => token, terminal: () => terminal, session: () => desk.store.get().session?.session ?? "" });
desk = createDesk({ api, storage, locks, tab, terminal });
desk.act = createActions(desk);
const keeping = keepPage({ navigator, location, secure: isSecureContext });
desk.store.set({ survives: keeping.survives });

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
  const unknown = stage === "ready" && unplaced(settings, terminal);
  const signIn = stage === "ready" && settings.staff && !session;
  const view = stage !== "ready" ? stage : unknown ? "place" : signIn ? "signin" : state.route.view || { lane: "order", window: "window", counter: "order" }[desk.place().view];
  useLayoutEffect(() => {
    document.body.dataset.view = view;
  }, [view]);
  useEffect(() => {
    if (state.route.id && ["pay", "check"].includes(view)) desk.readCheck(state.route.id);
  }, [state.route, view]);
  return view === stage || unknown || signIn ? html`<${Stage} desk=${desk} state=${state} view=${view} />` : html`<${Shell} desk=${desk} state=${state} view=${view} views=${viewsFor(desk, state)} title=${desk.place().title || settings.register} />`;
}

locks?.request(`tk.tab.${tab}`, () => new Promise(() => {})); // held until the tab is gone: its drafts are then taken over

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.textContent = "";
render(html`<${Page} />`, root);
openPage({ desk, token, storage, scopes: ["register"], ready: async () => {
  const { settings } = desk.store.get();
  document.title = `${desk.place().title || settings.register} · ${settings.store_name}`;
  await takeUp();
  keeping.update();
} });
