// @ts-check
/** The PIN of somebody who may do it: signed in here, or as approval of what who is signed in may not. */

import { html, useState } from "../vendor/preact.js";
import { Choice, Dialog } from "../shared/ui.js";

/** @param {{api: any, signed: any, settings: any, problem: any, onDone: (approval: string | null) => void}} props `onDone`: an approval, empty after a sign-in, null where it was given up */
export function SignIn({ api, signed, settings, problem, onDone }) {
  const [pin, setPin] = useState("");
  const [words, setWords] = useState("");
  const [place, setPlace] = useState(signed.terminal || settings.terminals[0]?.terminal || "");
  const approving = problem.code === "approval_needed" && signed.session;
  const choose = !approving && !settings.device && settings.terminals.length > 1;

  async function enter() {
    setWords("");
    try {
      if (approving) {
        onDone((await api.post("/v1/approvals", { pin, permission: problem.extra.permission })).approval);
      } else {
        signed.goTo(settings.device ? "" : place);
        signed.begin(await api.post("/v1/sign-in", { pin }));
        onDone("");
      }
    } catch (refused) {
      setPin("");
      setWords(refused.message);
    }
  }

  const footer = html`<button type="button" onClick=${() => onDone(null)}>Cancel</button>
    <button type="button" class="primary" data-action="pin" disabled=${pin.length < 4} onClick=${enter}>${approving ? "Approve" : "Sign in"}</button>`;
  return html`<${Dialog} title=${approving ? "Somebody who may do it" : "Sign in"} onClose=${() => onDone(null)} footer=${footer} testid="signin">
    ${approving && html`<p>${problem.message}</p>`}
    ${choose && html`<p>At which place? Whoever is signed in there is signed out.</p><${Choice} label="Place" value=${place} onChange=${setPlace}
      options=${settings.terminals.map((one) => ({ value: one.terminal, label: one.title }))} />`}
    <label class="field">PIN<input name="pin" type="password" inputmode="numeric" autocomplete="off" maxlength="8" autofocus value=${pin}
      onInput=${(event) => setPin(event.currentTarget.value.replaceAll(/\D/g, ""))} onKeyDown=${(event) => event.key === "Enter" && pin.length >= 4 && enter()} /></label>
    ${words && html`<p class="bad-text" role="alert">${words}</p>`}</${Dialog}>`;
}
