// @ts-check
/** Dialogs that ask for one thing: an approval, a reason, an amount, a text, yes or no. Each gets `desk`, `done` and its own props. */

import { html, useState } from "../vendor/preact.js";
import { digitsOf, plain, typed } from "./money.js";
import { Dialog, Keypad } from "./ui.js";
import { PERMISSIONS, clipped } from "./words.js";
import { PinPad } from "./pin.js";

/** Another person's PIN for one command. Gives the approval. @param {any} props */
export function Approval({ desk, done, permission, words }) {
  const ask = async (pin) => done((await desk.api.post("/v1/approvals", { pin, permission })).approval);
  return html`<${Dialog} title="Approval needed" testid="approval" onClose=${() => done()}>
    <p>To ${PERMISSIONS[permission] ?? "do this"}, somebody who may has to enter a PIN.</p>
    <p class="muted small">${words}</p>
    <${PinPad} length=${desk.store.get().settings.pin_length} label="PIN of the approver" lockKey="approval" action="Approve" onPin=${ask} />
  <//>`;
}

/** One has to say which place this page is. @param {any} settings @param {string} terminal of the page's address */
export const unplaced = ({ terminals }, terminal) => terminals.length > 1 && !terminals.some((one) => one.terminal === terminal);

/** The places to choose from: the page loads itself anew as the one that is tapped. @param {any} props */
export const Places = ({ settings }) => settings.terminals.map((one) => html`<a class="place" key=${one.terminal} data-terminal=${one.terminal}
  href=${`?terminal=${encodeURIComponent(one.terminal)}${location.hash}`}>${one.title} <span class="muted">${one.view}</span></a>`);

/** Who does it: at each place one person is signed in, so where the page is none of several it is asked for first. Gives true. @param {any} props */
export function SignIn({ desk, done }) {
  const { settings } = desk.store.get();
  if (!settings.device && unplaced(settings, desk.terminal)) return html`<${Dialog} title="At which place?" testid="places" onClose=${() => done()}>
    <p>Whoever is signed in there is signed out when somebody signs in here.</p>
    <div class="choice-grid"><${Places} settings=${settings} /></div>
  <//>`;
  const enter = async (pin) => {
    await desk.people.signIn(pin, false);
    done(true);
  };
  return html`<${Dialog} title="Sign in" testid="signin" onClose=${() => done()}>
    <p>The journal says who did it.</p>
    <${PinPad} length=${settings.pin_length} label="Enter your PIN" lockKey="signin" onPin=${enter} />
  <//>`;
}

export const REASONS = {
  void: ["Guest changed mind", "Rung by mistake", "Kitchen mistake", "Guest left", "Sold out"],
  refund: ["Guest not satisfied", "Wrong item", "Charged twice", "Returned unopened"],
  no_sale: ["Change for a guest", "Change for the drawer", "Drawer check"],
  discount: ["Complaint", "Staff", "Regular guest", "Long wait"],
};

/** Gives the reason as text. @param {any} props */
export function Reason({ done, title, presets, note = "", alarm = false }) {
  const [text, setText] = useState("");
  const enter = () => text.trim() && done(clipped(text.trim(), 200));
  return html`<${Dialog} title=${title} testid="reason" alarm=${alarm} onClose=${() => done()}
    footer=${html`<button type="button" class="primary" data-action="confirm" disabled=${!text.trim()} onClick=${enter}>Use this reason</button>`}>
    ${note && html`<p>${note}</p>`}
    <div class="choice-grid">${presets.map((preset) => html`<button type="button" key=${preset} data-reason=${preset} onClick=${() => done(preset)}>${preset}</button>`)}</div>
    <label class="field">Another reason<input value=${text} maxlength="400" onInput=${(event) => setText(event.currentTarget.value)} onKeyDown=${(event) => event.key === "Enter" && enter()} /></label>
  <//>`;
}

/** Gives minor units. @param {any} props `most`: larger amounts are not taken */
export function Amount({ done, desk, title, currency, most = Infinity, zero = false, note = "", action = "OK" }) {
  const settings = desk.store.get().settings;
  const money = currency ?? settings.currency;
  const digits = money === settings.currency ? settings.minor_digits : digitsOf(money);
  const [minor, setMinor] = useState(0);
  const fits = (minor > 0 || zero) && minor <= most;
  const enter = () => fits && done(minor);
  return html`<${Dialog} title=${title} testid="amount" onClose=${() => done()}
    footer=${html`<button type="button" class="primary big" data-key="enter" data-action="confirm" disabled=${!fits} onClick=${enter}>${action}</button>`}>
    ${note && html`<p class="muted">${note}</p>`}
    <output class="amount-entry" aria-live="polite">${plain(minor, digits)} ${money}</output>
    ${minor > most && html`<p class="bad-text" role="alert">At most ${plain(most, digits)} ${money}.</p>`}
    <${Keypad} onKey=${(key) => setMinor((now) => typed(now, key))} onEnter=${enter} />
  <//>`;
}

/** Gives a text, possibly empty. @param {any} props */
export function Text({ done, title, label, value = "", limit = 200, lines = false, field = "text", action = "OK" }) {
  const [text, setText] = useState(value);
  const enter = () => done(clipped(text.trim(), limit));
  const onInput = (event) => setText(event.currentTarget.value);
  return html`<${Dialog} title=${title} testid="text" onClose=${() => done()}
    footer=${html`<button type="button" class="primary" data-action="confirm" onClick=${enter}>${action}</button>`}>
    <label class="field">${label}${lines
    ? html`<textarea autofocus data-field=${field} value=${text} onInput=${onInput}></textarea>`
    : html`<input autofocus data-field=${field} value=${text} onInput=${onInput} onKeyDown=${(event) => event.key === "Enter" && enter()} />`}</label>
  <//>`;
}

/** Gives true. @param {any} props */
export function Confirm({ done, title, words, action, danger = false }) {
  return html`<${Dialog} title=${title} testid="confirm" onClose=${() => done()} footer=${html`<button type="button" data-action="cancel" onClick=${() => done()}>No</button>
    <button type="button" autofocus class=${danger ? "danger" : "primary"} data-action="confirm" onClick=${() => done(true)}>${action}</button>`}>
    <p>${words}</p><//>`;
}

/** Gives one of `options` ({value, label, note}). @param {any} props */
export function Pick({ done, title, options, note = "", testid = "pick" }) {
  return html`<${Dialog} title=${title} testid=${testid} onClose=${() => done()}>
    ${note && html`<p class="muted">${note}</p>`}
    <div class="choice-grid">${options.map((option) => html`<button type="button" key=${option.value} data-value=${option.value} disabled=${option.disabled}
      onClick=${() => done(option.value)}><span class="strong">${option.label}</span>${option.note && html`<span class="small muted">${option.note}</span>`}</button>`)}</div>
  <//>`;
}
