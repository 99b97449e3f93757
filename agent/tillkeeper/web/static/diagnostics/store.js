// @ts-check
/** The store as this register sees it: every register, their roles, who has copies, advice, and what stands before an upgrade. */

import { html } from "../vendor/preact.js";
import { Advice } from "../shared/parts/advice.js";
import { Copies } from "../shared/parts/copies.js";
import { Green } from "../shared/parts/green.js";
import { RoleList } from "../shared/parts/roles.js";
import { useRead } from "../shared/reading.js";
import { sentence } from "../shared/words.js";

/** @param {any} props */
export function Store({ desk, state }) {
  const green = useRead(desk, "/v1/green");
  const roles = useRead(desk, "/v1/roles");
  const preflight = useRead(desk, "/v1/preflight");
  const restart = useRead(desk, "/v1/restart");
  const { status } = state.live;
  return html`<div class="status">
    <${Green} reading=${green} register=${state.settings.register} />
    <${Part} title="Roles" reading=${roles} show=${(view) => html`<${RoleList} view=${view} />`} />
    ${status && html`<${Copies} status=${status} link=${state.link} />`}
    <${Advice} desk=${desk} status=${status} />
    <${Part} title="Before an upgrade" reading=${preflight} show=${(view) => html`<${Preflight} view=${view} restart=${restart} />`} />
    <section class="card part" aria-label="Other pages"><h2>Other pages</h2><div class="links"><a class="link-button" href="/devices/" data-action="paired-devices">Paired devices</a><a class="link-button" href="/preview/" data-action="papers">Papers</a></div></section>
  </div>`;
}

/** What was read a moment ago, or that it is not known. @param {any} props */
function Part({ title, reading, show }) {
  const { value: view, trouble } = reading;
  if (view === undefined) return null;
  return html`<section class="card part" aria-label=${title}><h2>${title}</h2>
    ${trouble ? html`<p class="wrap"><span class="badge plain">? Not known</span> ${trouble}</p>` : view ? show(view) : html`<p class="muted">Reading…</p>`}</section>`;
}

function Preflight({ view, restart }) {
  const { value: next } = restart;
  return html`<p class="row wrap" data-testid="preflight" data-ready=${String(view.ready)}><span class="badge ${view.ready ? "good" : "warn"}">${view.ready ? "✓ Nothing stops it" : "! Not now"}</span><span class="muted">Version ${view.version} runs.</span></p>
    ${next?.installed && !restart.trouble && html`<p class="wrap">Version ${next.installed} is installed and starts between two sales. ${next.reasons.map(sentence).join(" ")}</p>`}
    ${view.findings.map((one) => html`<div class="advice" key=${one.code} data-finding=${one.code}><span class="badge ${one.stops ? "warn" : "info"}">${one.stops ? "!" : "i"}</span><div><p class="wrap">${sentence(one.text)}</p>${one.hint && html`<p class="small muted wrap">${sentence(one.hint)}</p>`}</div></div>`)}`;
}
