// @ts-check
/** Starts the kitchen page: pairing, the store's settings, one connection to each register, and the screen. */

import { createApi, newKey } from "../shared/api.js";
import { keepPage } from "../shared/keeping.js";
import { createLive } from "../shared/live.js";
import { openStorage, pair, wsProtocols, wsUrl } from "../shared/pairing.js";
import { html, render } from "../vendor/preact.js";
import { createClocks } from "./clocks.js";
import { createKitchen } from "./kitchen.js";
import { createPainter } from "./painter.js";
import { Screen } from "./screen.js";
import { createSoldOut } from "./soldout.js";
import { createSound } from "./sound.js";
import { createTouches } from "./touches.js";

const SETTINGS = "tk.kitchen.settings";
const DEVICE = "tk.kitchen.device";
const ASK_AGAIN_MS = 2000;

const storage = openStorage();
const { token, params } = pair({ location, history, storage });
const api = createApi({ token: () => token, terminal: () => "", session: () => "" });
const steady = () => performance.now();
const keeping = keepPage({ navigator, location, secure: isSecureContext });
const root = /** @type {HTMLElement} */ (document.getElementById("app"));

let settings = recalled(SETTINGS);
let asking = 0;
let unpaired = token ? "" : "Pair it: `tillkeeper pair kitchen NAME` at the register. On the register itself open the link that `tillkeeper pages` prints.";
/** @type {ReturnType<typeof createKitchen> | null} */
let kitchen = null;
let device = "";
let late = []; // tickets that have not come out, as the register says
let network = null; // what the register's prober says, while the register is heard

const paint = createPainter({ steady, draw });
const sound = createSound({ steady, onChange: paint });
const soldOut = createSoldOut({ api, storage, locks: navigator.locks ?? null, onChange: paint });
const clocks = createClocks({ steady, wall: () => Date.now() });
const touches = createTouches({ storage, newId: newKey, now: () => Date.now() });

function recalled(name) {
  try {
    return JSON.parse(storage?.getItem(name) ?? "null");
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    storage?.setItem(name, JSON.stringify(value));
  } catch {
    // full or forbidden: asked for again after a reload
  }
}

async function ask() {
  try {
    settings = await api.get("/v1/pages");
    keep(SETTINGS, settings);
    unpaired = ["full", "page", "kitchen", undefined].includes(settings.scope) ? "" : `This device is paired as ${settings.scope}, and shows no tickets. Pair it as kitchen.`;
  } catch (problem) {
    if (problem.code === "unauthorized") unpaired = problem.message;
  }
  clearTimeout(asking); // while it is not heard it may be unpaired, or configured otherwise, at any moment
  if (!settings || unpaired || live.state !== "live") asking = setTimeout(ask, ASK_AGAIN_MS);
  open();
  paint();
}

/** Connect as soon as it is known which display this is. */
function open() {
  if (!settings) return;
  const known = settings.displays.map((display) => display.device);
  const named = params.get("device") || recalled(DEVICE) || "";
  device = params.get("device") || (known.includes(named) ? named : known.length === 1 ? known[0] : "");
  if (!device) return;
  keep(DEVICE, device);
  kitchen ??= createKitchen({ device, protocols: wsProtocols(token), storage, touches, clocks, steady, onChange: paint });
  kitchen.connect([...new Set([location.origin, ...settings.registers.map((url) => url.replace(/\/$/, ""))])]);
}

function draw() {
  if (kitchen && settings) {
    render(html`<${Screen} kitchen=${kitchen} view=${kitchen.view()} settings=${settings} device=${device} clocks=${clocks} steady=${steady}
      sound=${sound} soldOut=${soldOut} storage=${storage} unpaired=${unpaired} survives=${keeping.survives} network=${network} late=${late} />`, root);
  } else if (settings && !device) {
    render(html`<main class="choose"><h1>Which display is this?</h1>
      ${settings.displays.length === 0 && html`<p>The register's configuration has no kitchen screen. At the register: sudo tillkeeper setup, and yes to the kitchen screen; then load this page again.</p>`}
      ${settings.displays.map((display) => html`<a class="choose-link" key=${display.device} href="?device=${encodeURIComponent(display.device)}">${display.device}
        <span class="muted">${Object.values(display.stations).join(", ")}</span></a>`)}</main>`, root);
  } else {
    render(html`<p class="starting" role="status" data-testid="starting">${unpaired || "Waiting for the register…"}</p>`, root);
  }
}

function heardOfNetwork(fresh) {
  const changed = fresh?.phase !== network?.phase || fresh?.headline !== network?.headline;
  network = fresh;
  if (changed) paint();
}

function heardOfLate(fresh) {
  const changed = fresh.map((one) => one.text).join() !== late.map((one) => one.text).join();
  late = fresh;
  if (changed) paint();
}

const live = createLive({
  url: () => wsUrl("/v1/live"),
  protocols: () => wsProtocols(token),
  onMessage: (message) => {
    if (message.type === "availability") soldOut.take(message.availability);
    if (!message.status) return;
    heardOfNetwork(message.status.network ?? null);
    heardOfLate((message.status.advisories ?? []).filter((one) => one.code === "tickets_late"));
  },
  onState: (state) => {
    if (state !== "live") {
      heardOfNetwork(null);
      heardOfLate([]);
      if (settings && !unpaired) ask();
      return;
    }
    soldOut.load();
    keeping.update();
    if (settings) ask(); // the register was restarted, perhaps with another config
  },
});

root.replaceChildren();
open();
paint();
ask();
if (token) live.start();

addEventListener("click", sound.open); // not at the press: the sign that leaves would move the button away under the finger
addEventListener("keydown", sound.open);
addEventListener("online", () => {
  kitchen?.again();
  live.retry();
});
addEventListener("pagehide", () => kitchen?.save());
document.addEventListener("visibilitychange", () => document.hidden && kitchen?.save());
