// @ts-check
/** Before anybody can sell: loading, pairing, and the sign-in. */

import { html, useState } from "../../vendor/preact.js";
import { Places } from "../../shared/dialogs.js";
import { Dot } from "../../shared/ui.js";
import { PinPad } from "../../shared/pin.js";
import { Notices, connection } from "../../shared/notices.js";

/** @param {any} props */
export function Stage({ desk, state, view }) {
  if (view === "unpaired") return html`<main class="stage"><section class="card stage-card"><h1>This page is not paired</h1>
    <p>A tablet: run <code>tillkeeper pair register NAME</code> at the register, or ask a manager for a code, and point its camera at it.</p>
    <p>On the register's machine run <code>tillkeeper pages</code> and open the link that it prints. The link carries the key of this store; this browser keeps it.</p>
    ${state.loadTrouble && html`<p class="bad-text" role="alert">${state.loadTrouble}</p>`}
  </section></main>`;
  if (view === "scope") return html`<main class="stage"><section class="card stage-card"><h1>This device does not sell</h1>
    <p>It is paired as ${state.scope}. ${state.scope === "kitchen" ? html`<a href="/kitchen/">The kitchen page</a> is its place.` : html`<a href="/diagnostics/">Diagnostics</a> and <a href="/devices/">Devices</a> are pages for it.`}</p></section></main>`;
  if (view === "place") return html`<main class="stage"><section class="card stage-card"><h1>Which place is this?</h1>
    ${desk.terminal && html`<p class="bad-text" role="alert">The register knows no terminal "${desk.terminal}".</p>`}
    <${Places} settings=${state.settings} />
  </section></main>`;
  if (view === "signin") return html`<${SignIn} desk=${desk} state=${state} />`;
  return html`<main class="stage"><section class="card stage-card" aria-live="polite"><h1>${state.loadTrouble ? "Waiting for the register" : "Starting…"}</h1>
    ${state.loadTrouble && html`<p>${state.loadTrouble} This page tries again by itself; nothing that was entered is lost.</p>
      ${state.heardAt > 0 && html`<p class="muted" data-testid="heard-at">It was heard last at ${new Date(state.heardAt).toLocaleString()}.</p>`}`}
  </section></main>`;
}

function SignIn({ desk, state }) {
  const [training, setTraining] = useState(false);
  const { settings } = state;
  const dot = connection(state);
  return html`<main class="stage">
    <${Notices} desk=${desk} state=${state} />
    <section class="card stage-card signin" aria-label="Sign in">
      <header><p class="muted">${settings.store_name} · ${desk.place().title || settings.register}</p><h1>Sign in</h1></header>
      <${PinPad} length=${settings.pin_length} label="Enter your PIN" lockKey="signin" onPin=${(pin) => desk.people.signIn(pin, training)} />
      <label class="check-row"><input type="checkbox" data-field="training" checked=${training} onChange=${(event) => setTraining(event.currentTarget.checked)} />
        <span>Training: practise, nothing counts</span></label>
      <footer><${Dot} colour=${dot.colour} words=${dot.words} /></footer>
    </section></main>`;
}
