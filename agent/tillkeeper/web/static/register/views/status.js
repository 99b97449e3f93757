// @ts-check
/** The register itself: connection, what waits, what is held, advice, devices, and what a person can do here. */

import { html } from "../../vendor/preact.js";
import { connection } from "../../shared/notices.js";
import { Advice } from "../../shared/parts/advice.js";
import { Copies } from "../../shared/parts/copies.js";
import { Devices } from "../../shared/parts/devices.js";
import { Held } from "../../shared/parts/jobs.js";
import { Verdict } from "../../shared/parts/network.js";
import { NotSent } from "../../shared/parts/not-sent.js";
import { Dot } from "../../shared/ui.js";

/** @param {any} props */
export function Status({ desk, state }) {
  const { live, session, settings } = state;
  const { status } = live;
  const dot = connection(state);
  const moving = Object.values(live.jobs).filter((job) => job.state !== "held").length;
  const flip = () => desk.once("training", () => desk.people.training(!session.training));
  const place = desk.terminal ? `?terminal=${encodeURIComponent(desk.terminal)}` : "";
  return html`<div class="status">
    <section class="card part" aria-label="Connection"><h2>Connection</h2>
      <p class="row"><${Dot} colour=${dot.colour} words=${dot.words} /></p>
      ${status?.network && html`<${Verdict} network=${status.network} />`}
      ${status && html`${status.paused?.length > 0 && html`<div data-testid="paused"><p class="strong">Paused meanwhile</p><ul>${status.paused.map((words) => html`<li key=${words}>${words}</li>`)}</ul></div>`}
        <p class="small muted">Register ${status.register} · version ${status.version} · business day ${status.business_day} · catalogue ${status.catalogue_version}${status.staff ? ` · staff list ${status.staff.version}` : ""}</p>`}
    </section>
    ${status && html`<${Copies} status=${status} link=${state.link} />`}
    <section class="card part" aria-label="Here"><h2>Here</h2><div class="choice-grid">
      <button type="button" data-action="no-sale" onClick=${desk.act.noSale}>Open drawer (no sale)…</button>
      ${session && html`<button type="button" data-action="training" aria-pressed=${session.training ? "true" : "false"} onClick=${flip}>${session.training ? "End training" : "Training mode"}</button>
        <button type="button" data-action="sign-out" onClick=${() => desk.once("sign-out", desk.people.signOut)}>Sign out ${session.name}</button>`}
      <a class="link-button" href="/devices/" data-action="paired-devices">Paired tablets…</a>
      <a class="link-button" href=${`/diagnostics/${place}`} data-action="diagnostics">Diagnostics…</a>
      <button type="button" data-action="reload" onClick=${() => location.reload()}>Load this page anew</button></div></section>
    <${NotSent} desk=${desk} state=${state} />
    <section class="card part" aria-label="Held documents"><h2>Held documents</h2>
      <${Held} desk=${desk} state=${state} />
      ${moving > 0 && html`<p class="muted small">${moving} on their way to devices.</p>`}</section>
    <${Advice} desk=${desk} status=${status} />
    <${Devices} desk=${desk} state=${state} />
    <p class="small muted">${settings.store_name}</p>
  </div>`;
}
