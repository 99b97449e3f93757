// @ts-check
/** Paired devices: who they are, when they were heard, another one, and the end of one. For managers and technicians. */

import { html, render, useEffect, useState } from "../vendor/preact.js";
import { createApi } from "../shared/api.js";
import { openStorage, pair } from "../shared/pairing.js";
import { Dialog, useTick } from "../shared/ui.js";
import { Opened, Pairing } from "./pairing.js";
import { createSigned } from "./signed.js";
import { SignIn } from "./signin.js";
import { lastHeard } from "./words.js";

const LOOK_MS = 2000;
const storage = openStorage();
const { token, terminal } = pair({ location, history, storage });
const signed = createSigned(storage, terminal);
const api = createApi({ token: () => token, terminal: () => signed.terminal, session: () => signed.session });

function Page() {
  const [settings, setSettings] = useState(/** @type {any} */ (null));
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [trouble, setTrouble] = useState(token ? "" : "This browser is not paired. Open the link that `tillkeeper pages` prints, or pair it as technician or manager.");
  const [dialog, setDialog] = useState("");
  const [opened, setOpened] = useState(/** @type {any} */ (null));
  const [ending, setEnding] = useState(/** @type {any} */ (null));
  const [asked, setAsked] = useState(/** @type {any} */ (null)); // what a person has to sign in, or to be allowed, for
  useTick(1000);

  async function look() {
    if (!token) return;
    try {
      if (!settings) setSettings(await api.get("/v1/pages"));
      setFound(await api.get("/v1/pairings"));
      setTrouble("");
    } catch (problem) {
      setTrouble(problem.message);
    }
  }
  useEffect(() => {
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [settings === null]);
  useEffect(() => {
    document.body.dataset.view = found ? "devices" : "starting";
  }, [found]);

  /** Does what a person may do; who is missing is asked for, and then it is done. @param {(approval: string) => Promise<any>} work */
  async function act(work, approval = "") {
    try {
      return await work(approval);
    } catch (problem) {
      if (!["sign_in_needed", "approval_needed"].includes(problem.code)) throw problem;
      if (problem.code === "sign_in_needed") signed.end();
      const given = await new Promise((resolve) => setAsked({ problem, resolve }));
      setAsked(null);
      if (given === null) throw problem;
      return act(work, given);
    }
  }

  const end = async (device) => {
    await act((approval) => api.post(`/v1/pairings/${device.device_id}/end`, {}, { approval }));
    setEnding(null);
    await look();
  };

  if (!found) return html`<p class="starting" role="status">${trouble || "Waiting for the register…"}</p>`;
  return html`<main class="devices">
    <header><h1>Paired devices</h1><a class="link-button" data-action="diagnostics" href="/diagnostics/">Diagnostics</a><a class="link-button" data-action="papers" href="/preview/">Papers</a><button type="button" class="primary big" data-action="pair" onClick=${() => setDialog("pair")}>Pair a device…</button></header>
    ${trouble && html`<p class="banner bad" role="alert">${trouble}</p>`}
    <${Lan} lan=${found.lan} />
    <section class="card" aria-label="Devices">
      ${found.devices.length === 0 && html`<p class="muted">None yet.</p>`}
      ${found.devices.map((device) => html`<div class="device" key=${device.device_id} data-device=${device.name} data-scope=${device.scope}>
        <span><b class="wrap">${device.name}</b>${device.terminal && html`<br /><span class="muted small">at ${device.terminal}</span>`}</span>
        <span><span class="badge info">${device.scope}</span></span>
        <span class="wide"><span class=${device.connected ? "good-text" : "muted"}>${device.connected ? "● connected" : lastHeard(device.last_seen_ms, Date.now())}</span>
          <br /><span class="muted small wrap">paired at ${device.register}, ${new Date(device.paired_at_ms).toLocaleString()}${device.by && `, by ${device.by}`}</span></span>
        <button type="button" class="danger" data-action="end" onClick=${() => setEnding(device)}>End…</button></div>`)}
    </section>
    ${dialog === "pair" && html`<${Pairing} settings=${settings} onClose=${() => setDialog("")} onOpen=${async (body) => {
      setOpened(await act((approval) => api.post("/v1/pairings", body, { approval })));
      setDialog("");
      await look();
    }} />`}
    ${opened && html`<${Opened} opened=${opened} open=${found.open} onClose=${() => setOpened(null)} />`}
    ${ending && html`<${Ending} device=${ending} onClose=${() => setEnding(null)} onEnd=${() => end(ending)} />`}
    ${asked && html`<${SignIn} api=${api} signed=${signed} settings=${settings} problem=${asked.problem} onDone=${asked.resolve} />`}
  </main>`;
}

/** @param {{lan: any}} props */
const Lan = ({ lan }) => html`<section class="card" aria-label="How devices reach this register" data-testid="lan">
  ${lan.urls.length === 0 && html`<p>[lan] is off in this register's configuration: no other device reaches it.</p>`}
  ${lan.urls.length > 0 && html`<p>This register: ${lan.urls.map((url) => html`<b class="print" key=${url}>${url} </b>`)}</p>`}
  ${lan.trouble && html`<p class="bad-text" role="alert">It does not work now: ${lan.trouble}</p>`}
  ${lan.urls.length > 0 && !lan.secure && html`<p class="banner warn">▲ Without HTTPS: anybody on the network can listen, and pages do not survive a reload while the register is away.</p>`}
  ${lan.fingerprint && html`<p>Fingerprint (SHA-256) of the certificate that devices install; it has to be the one that the device shows:</p><p class="print" data-testid="fingerprint">${lan.fingerprint}</p>`}
</section>`;

/** @param {{device: any, onClose: () => void, onEnd: () => Promise<void>}} props */
function Ending({ device, onClose, onEnd }) {
  const [words, setWords] = useState("");
  const footer = html`<button type="button" onClick=${onClose}>Keep it</button>
    <button type="button" class="danger" data-action="end-sure" onClick=${() => onEnd().catch((problem) => setWords(problem.message))}>End it</button>`;
  return html`<${Dialog} title=${`End ${device.name}?`} onClose=${onClose} footer=${footer} testid="ending">
    <p>Its connections are closed, and it opens nothing any more at any register of the store.</p>
    ${words && html`<p class="bad-text" role="alert">${words}</p>`}</${Dialog}>`;
}

const app = /** @type {HTMLElement} */ (document.getElementById("app"));
app.textContent = "";
render(html`<${Page} />`, app);
