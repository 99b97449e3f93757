// @ts-check
/** Diagnostics: how the network is, what waits for devices, how the store is. For a technician with a phone; it shows no money. */

import { html, render, useLayoutEffect } from "../vendor/preact.js";
import { createApi, newKey } from "../shared/api.js";
import { createDesk } from "../shared/desk.js";
import { SignIn } from "../shared/dialogs.js";
import { keepPage } from "../shared/keeping.js";
import { heldIn } from "../shared/live-state.js";
import { openPage } from "../shared/opening.js";
import { openStorage, pair, scoped } from "../shared/pairing.js";
import { Shell } from "../shared/shell.js";
import { useStore } from "../shared/store.js";
import { useTick } from "../shared/ui.js";
import { age, counted } from "../shared/words.js";
import { Network } from "./network.js";
import { Store } from "./store.js";
import { Waiting } from "./waiting.js";

const VIEWS = [
  { id: "network", title: "Network", icon: "⌁", component: Network },
  { id: "waiting", title: "Waiting", icon: "▤", component: Waiting, count: (_desk, state) => heldIn(state.live.jobs).length },
  { id: "store", title: "Store", icon: "⌂", component: Store, count: (_desk, state) => state.live.status?.advisories.filter((one) => one.severity !== "notice").length ?? 0 },
];

const storage = openStorage();
const { token, terminal } = pair({ location, history, storage });
let desk;
const api = createApi({ token: () => token, terminal: () => terminal, session: () => desk.store.get().session?.session ?? "" });
desk = createDesk({ api, storage, locks: navigator.locks ?? null, tab: newKey().slice(0, 12), terminal, home: "network", outbox: scoped(storage, "tk.diagnostics.") });
const keeping = keepPage({ navigator, location, secure: isSecureContext });
desk.store.set({ survives: keeping.survives });

/** Everybody who may open the page may look; who does something says who that is. */
const { command } = desk;
desk.command = async (asked) => {
  const { session, settings } = desk.store.get();
  if (settings.staff && !session && !(await desk.ask(SignIn))) return { ok: false, problem: { code: "sign_in_needed", words: "Nobody has signed in.", extra: {} } };
  return command(asked);
};

/** Of when what is shown is: no age on the page is younger than this. @param {any} props */
function AsOf({ state }) {
  useTick(1000);
  const { register } = state.settings;
  const old = state.heardAt ? age(Date.now() - state.heardAt) : "";
  if (state.link !== "lost") return html`<p class="as-of small muted" data-testid="as-of">Register ${register}${old ? `, heard ${old} ago` : ""}</p>`;
  return html`<div class="banner bad" data-banner="as-of"><span aria-hidden="true">!</span><span class="grow"><span role="alert">Register ${register} does not answer. How it is now is not known.</span>${" "}
    <span>${old ? `What is shown here is ${old} old.` : "It has not been heard yet."}</span></span></div>`;
}

/** What waits for whoever entered it: the session has ended meanwhile. @param {any} props */
function Unsigned({ state }) {
  const waiting = state.waiting.filter((entry) => entry.state === "waiting").length;
  if (!state.settings.staff || state.session || state.link === "lost" || !waiting) return null;
  return html`<div class="banner warn" role="status" data-banner="unsigned"><span aria-hidden="true">!</span><span class="grow">${counted(waiting, "entry waits", "entries wait")} for whoever made it.</span>
    <button type="button" data-action="sign-in" onClick=${() => desk.ask(SignIn)}>Sign in…</button></div>`;
}

/** Before anything can be shown. @param {any} props */
function Stage({ state }) {
  if (state.stage === "unpaired") return html`<main class="stage"><section class="card stage-card"><h1>This page is not paired</h1>
    <p>A phone or a tablet: run <code>tillkeeper pair technician NAME</code> at the register, or ask a manager for a code, and point its camera at it.</p>
    <p>On the register's machine run <code>tillkeeper pages</code> and open the link that it prints, then Diagnostics under Register.</p>
    ${state.loadTrouble && html`<p class="bad-text" role="alert">${state.loadTrouble}</p>`}</section></main>`;
  if (state.stage === "scope") return html`<main class="stage"><section class="card stage-card"><h1>This device reads no diagnostics</h1>
    <p>It is paired as ${state.scope}. <a href="/kitchen/">The kitchen page</a> is its place.</p></section></main>`;
  return html`<main class="stage"><section class="card stage-card" aria-live="polite"><h1>${state.loadTrouble ? "Waiting for the register" : "Starting…"}</h1>
    ${state.loadTrouble && html`<p>${state.loadTrouble} This page tries again by itself. How the register is now is not known.</p>
      ${state.heardAt > 0 && html`<p class="muted" data-testid="heard-at">It was heard last at ${new Date(state.heardAt).toLocaleString()}.</p>`}`}</section></main>`;
}

function Page() {
  const state = useStore(desk.store);
  const { route, settings, stage } = state;
  const view = stage === "ready" ? VIEWS.find((one) => one.id === route.view)?.id ?? VIEWS[0].id : stage;
  useLayoutEffect(() => {
    document.body.dataset.view = view;
  }, [view]);
  if (stage !== "ready") return html`<${Stage} state=${state} />`;
  return html`<${Shell} desk=${desk} state=${state} view=${view} views=${VIEWS} title=${settings.device || settings.register}><${AsOf} state=${state} /><${Unsigned} state=${state} /><//>`;
}

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.textContent = "";
render(html`<${Page} />`, root);
openPage({ desk, token, storage, scopes: ["register", "technician", "manager"], ready: async () => {
  document.title = `Diagnostics · ${desk.store.get().settings.store_name}`;
  keeping.update();
} });
