// @ts-check
/**
 * A device is paired: first the store's certificate, then the code. The device makes its own token, so that a code which somebody
 * photographed opens nothing once it has been used, and an answer that was lost can be asked for again.
 */

import { html, render, useEffect, useState } from "../vendor/preact.js";
import { createApi } from "../shared/api.js";
import { keepPage } from "../shared/keeping.js";
import { TOKEN, newToken, openStorage } from "../shared/pairing.js";
import { GUIDES, grouped, guideFor } from "./guides.js";

const PENDING = "tk.pair.token";
const storage = openStorage();
const api = createApi({ token: () => "", terminal: () => "", session: () => "" });
const secure = location.protocol === "https:";
const local = ["127.0.0.1", "localhost"].includes(location.hostname);

/** The code from the QR code: out of the address at once, for that is kept in histories. */
function codeGiven() {
  const given = new URLSearchParams(location.hash.slice(1)).get("code") ?? "";
  if (given) history.replaceState(null, "", location.pathname);
  return grouped(given);
}

/** The same one until it is paired: what is sent again is the same. */
function pendingToken() {
  const before = storage?.getItem(PENDING) ?? "";
  const token = before || newToken();
  storage?.setItem(PENDING, token);
  return token;
}

const given = codeGiven();

function Page() {
  const [trust, setTrust] = useState(/** @type {"asking" | "yes" | "no" | "none"} */ (secure ? "asking" : "none"));
  const [anyway, setAnyway] = useState(false);
  const [code, setCode] = useState(given);
  const [busy, setBusy] = useState(false);
  const [words, setWords] = useState("");
  const [paired, setPaired] = useState(/** @type {any} */ (null));
  useEffect(() => {
    if (secure) keepPage({ navigator, location, secure: isSecureContext }).kept.then((kept) => setTrust(kept ? "yes" : "no"));
  }, []);
  useEffect(() => {
    document.body.dataset.view = paired ? "paired" : "pair";
    document.body.dataset.trust = trust;
  }, [paired, trust]);

  async function pair() {
    if (busy || code.length < 14) return;
    setBusy(true);
    setWords("");
    try {
      if (!storage) throw new Error("This browser keeps nothing (private window, or its storage is full): it can not be paired.");
      const token = pendingToken();
      const device = await api.post("/v1/pair", { code, token });
      storage.setItem(TOKEN, token);
      storage.removeItem(PENDING);
      setPaired(device);
    } catch (problem) {
      setWords(problem.message);
    } finally {
      setBusy(false);
    }
  }

  if (paired) {
    return html`<main class="pair"><section class="card" data-testid="paired"><h1>✓ This is ${paired.name} now</h1>
      <p>A ${paired.scope} device of ${paired.store_name}${paired.terminal && html`, at ${paired.terminal}`}. It stays paired over restarts, until somebody ends it at a register.</p>
      <p><a class="link-button primary" data-action="go" href=${paired.page}>Open its page</a></p></section></main>`;
  }
  const open = trust === "yes" || trust === "none" || anyway;
  return html`<main class="pair"><h1>Pair this device</h1>
    <${Certificate} trust=${trust} anyway=${anyway} onAnyway=${setAnyway} />
    <section class="card" aria-label="Code"><h2><span class="step">${secure ? 2 : 1}</span>Code</h2>
      <p>${given ? "It came with the QR code." : "From the page Devices at the register, or from `tillkeeper pair`."} It holds for ten minutes, for one device.</p>
      <label class="field">Code<input class="code" name="code" autocomplete="off" autocapitalize="characters" spellcheck=${false} placeholder="XXXX-XXXX-XXXX" value=${code}
        onInput=${(event) => setCode(grouped(event.currentTarget.value))} onKeyDown=${(event) => event.key === "Enter" && open && pair()} /></label>
      ${words && html`<p class="bad-text" role="alert" data-testid="refused">${words}</p>`}
      <button type="button" class="primary big" data-action="pair" disabled=${!open || busy || code.length < 14} onClick=${pair}>${busy ? "Pairing…" : "Pair this device"}</button>
    </section></main>`;
}

/** An iPad takes a certificate only where it is opened, not where it is saved. @param {{trust: string, anyway: boolean, onAnyway: (on: boolean) => void}} props */
function Certificate({ trust, anyway, onAnyway }) {
  if (trust === "none") {
    return local ? null : html`<section class="card" data-testid="insecure"><h2>▲ Without HTTPS</h2>
      <p>This register's configuration says <code>insecure_http</code>. Anybody on the network can listen to this device, its token included, and its page does not survive a reload or a restart of the tablet while the register is away.</p></section>`;
  }
  const fitting = guideFor(navigator.userAgent, navigator.maxTouchPoints);
  return html`<section class="card" aria-label="Certificate"><h2><span class="step ${trust === "yes" ? "done" : ""}">${trust === "yes" ? "✓" : 1}</span>The store's certificate</h2>
    ${trust === "asking" && html`<p role="status">Looking…</p>`}
    ${trust === "yes" && html`<p class="good-text" role="status" data-testid="trusted">It is installed: this device knows the store's registers.</p>`}
    ${trust === "no" && html`<p role="status" data-testid="untrusted"><b>This device does not know the store's certificate yet.</b> So nothing says that it is really your register that answers, and its page would not survive a reload. Install it once; it is good for all registers of the store.</p>
      <p><a class="link-button" data-action="certificate" href="/v1/authority.crt" download=${fitting === "ipad" ? null : "authority.crt"}>Get the certificate</a></p>
      <p>Compare the fingerprint that your device shows with the one at the register (page Devices, or <code>tillkeeper pairings</code>). If they differ, stop: somebody stands in between. It speaks for addresses of private networks alone, never for a site on the internet.</p>
      <div>${GUIDES.map((guide) => html`<details key=${guide.id} open=${guide.id === fitting} data-guide=${guide.id}><summary>${guide.title}</summary><ol>${guide.steps.map((step) => html`<li key=${step} class="wrap">${step}</li>`)}</ol></details>`)}</div>
      <label class="tick"><input type="checkbox" name="anyway" checked=${anyway} onChange=${(event) => onAnyway(event.currentTarget.checked)} /><span>Pair without it. I accept that this page does not survive a reload.</span></label>`}
  </section>`;
}

const app = /** @type {HTMLElement} */ (document.getElementById("app"));
app.textContent = "";
render(html`<${Page} />`, app);
