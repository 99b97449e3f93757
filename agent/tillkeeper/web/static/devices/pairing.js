// @ts-check
/** One more device: what it is to be, and then its QR code. */

import { html, useState } from "../vendor/preact.js";
import { Choice, Dialog, useTick } from "../shared/ui.js";
import { counted } from "../shared/words.js";

const SCOPES = [
  { value: "kitchen", label: "Kitchen", words: "Shows tickets, bumps, recalls, says what is sold out. Sells nothing." },
  { value: "register", label: "Register", words: "Sells and takes money, after somebody has signed in with a PIN." },
  { value: "technician", label: "Technician", words: "Looks at devices and the network, sets up devices. No money." },
  { value: "manager", label: "Manager", words: "Reads everything, approves, closes the day. Sells nothing." },
];

/** @param {{settings: any, onClose: () => void, onOpen: (body: object) => Promise<void>}} props */
export function Pairing({ settings, onClose, onOpen }) {
  const [scope, setScope] = useState("kitchen");
  const [name, setName] = useState("");
  const [terminal, setTerminal] = useState("");
  const [replace, setReplace] = useState(false);
  const [words, setWords] = useState("");
  const [taken, setTaken] = useState(false);
  const places = scope === "kitchen" ? settings.displays.map((one) => [one.device, one.device]) : scope === "register" ? settings.terminals.map((one) => [one.terminal, one.title]) : [];

  async function open() {
    setWords("");
    try {
      await onOpen({ scope, name, terminal, replace });
    } catch (problem) {
      setTaken(problem.code === "name_taken");
      setWords(problem.message);
    }
  }
  const footer = html`<button type="button" onClick=${onClose}>Cancel</button>
    <button type="button" class="primary" data-action="show-code" disabled=${!/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(name)} onClick=${open}>Show the code</button>`;
  return html`<${Dialog} title="Pair a device" onClose=${onClose} footer=${footer} testid="pairing">
    <${Choice} label="What it is to be" testid="scope" value=${scope} onChange=${(value) => { setScope(value); setTerminal(""); }} options=${SCOPES} />
    <p class="muted">${SCOPES.find((one) => one.value === scope)?.words}</p>
    <label class="field">Name (letters, digits, . _ -)<input name="name" autocomplete="off" maxlength="40" value=${name} onInput=${(event) => setName(event.currentTarget.value.trim())} /></label>
    ${places.length > 0 && html`<label class="field">${scope === "kitchen" ? "Only this display" : "Place"}<select name="terminal" value=${terminal} onChange=${(event) => setTerminal(event.currentTarget.value)}>
      <option value="">${scope === "kitchen" ? "Any display" : "It asks"}</option>${places.map(([value, label]) => html`<option key=${value} value=${value}>${label}</option>`)}</select></label>`}
    ${taken && html`<label class="row"><input type="checkbox" name="replace" checked=${replace} onChange=${(event) => setReplace(event.currentTarget.checked)} /><span>It takes the place of the device that has this name</span></label>`}
    ${words && html`<p class="bad-text" role="alert">${words}</p>`}</${Dialog}>`;
}

/** @param {{opened: any, open: any, onClose: () => void}} props `open`: what the register says of the code now, null where it has ended */
export function Opened({ opened, open, onClose }) {
  const [ends] = useState(() => performance.now() + opened.expires_s * 1000);
  useTick(1000);
  const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
  const mine = open && open.name === opened.name;
  const state = mine && open.used ? "used" : mine && left ? "open" : "ended";
  return html`<${Dialog} title=${`${opened.name} (${opened.scope})`} onClose=${onClose} testid="opened" footer=${html`<button type="button" class="primary" onClick=${onClose}>Done</button>`}>
    ${state === "used" && html`<p class="good-text" role="status" data-testid="used">✓ It is paired.</p>`}
    ${state === "ended" && html`<p class="bad-text" role="status" data-testid="ended">This code has ended. If it was not you who used it, end the device.</p>`}
    ${state === "open" && html`<p>Point the camera of the device at it, or open <b class="print">${opened.url.split("#")[0]}</b> there and type the code.</p>
      <${Qr} rows=${opened.qr} words=${`QR code of ${opened.url.split("#")[0]} with the code`} />
      <p class="code" data-testid="code">${opened.code}</p>
      <p class="muted" role="timer">${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left, for one device.</p>
      ${open.refused > 0 && html`<p class="muted" data-testid="refused">${counted(open.refused, "wrong code")} ${open.refused === 1 ? "was" : "were"} tried meanwhile. That ends no code; the journal says from where.</p>`}
      ${opened.fingerprint && html`<p>Fingerprint of the certificate: <span class="print">${opened.fingerprint}</span></p>`}
      ${!opened.secure && html`<p class="banner warn">▲ Without HTTPS: anybody on the network can listen.</p>`}`}</${Dialog}>`;
}

/** @param {{rows: string[], words: string}} props black on white in light and dark: readers want it so */
function Qr({ rows, words }) {
  const quiet = 4;
  const size = rows.length + 2 * quiet;
  const path = rows.flatMap((row, y) => Array.from(row, (module, x) => (module === "#" ? `M${x + quiet} ${y + quiet}h1v1h-1z` : ""))).join("");
  return html`<svg class="qr" viewBox="0 0 ${size} ${size}" role="img" aria-label=${words} shape-rendering="crispEdges" data-testid="qr"><rect width=${size} height=${size} fill="#fff" /><path d=${path} fill="#000" /></svg>`;
}
