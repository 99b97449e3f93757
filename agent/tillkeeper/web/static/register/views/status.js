// @ts-check
/** The register itself: connection, what waits, what is held, advice, devices, and what a person can do here. */

import { html } from "../../vendor/preact.js";
import { Dot } from "../../shared/ui.js";
import { DOCUMENTS, age, deviceState, sentence } from "../../shared/words.js";
import { ticketsOf } from "../live-state.js";
import { connection } from "../notices.js";
import { Copies } from "./copies.js";
import { DeviceActions, isPrinter, replace } from "../setup/devices.js";

const LEVELS = { alarm: { mark: "!", kind: "bad" }, warning: { mark: "!", kind: "warn" }, notice: { mark: "i", kind: "info" } };

/** What the prober says behind the dot: what is wrong, what goes on, what to do. @param {any} props */
function Network({ network }) {
  const named = network.phase === "suspect" || network.phase === "confirmed";
  return html`<div data-testid="network" data-phase=${network.phase} data-faults=${network.faults.join(" ")}>
    <p class=${named ? "strong wrap" : "small muted wrap"}>${sentence(network.headline)}</p>
    ${named && network.works && html`<p class="wrap">${sentence(network.works)}</p>`}
    ${named && network.what_to_do.length > 0 && html`<ol>${network.what_to_do.map((words) => html`<li class="wrap" key=${words}>${words}</li>`)}</ol>`}</div>`;
}

/** @param {any} props */
export function Status({ desk, state }) {
  const { live, session, settings } = state;
  const { status } = live;
  const dot = connection(state);
  const held = Object.values(live.jobs).filter((job) => job.state === "held");
  const other = Object.values(live.jobs).filter((job) => job.state !== "held");
  const waiting = state.waiting.filter((entry) => entry.state === "waiting");
  const flip = () => desk.once("training", () => desk.people.training(!session.training));
  return html`<div class="status">
    <section class="card part" aria-label="Connection"><h2>Connection</h2>
      <p class="row"><${Dot} colour=${dot.colour} words=${dot.words} /></p>
      ${status?.network && html`<${Network} network=${status.network} />`}
      ${status && html`${status.paused?.length > 0 && html`<div data-testid="paused"><p class="strong">Paused meanwhile</p><ul>${status.paused.map((words) => html`<li key=${words}>${words}</li>`)}</ul></div>`}
        <p class="small muted">Register ${status.register} · version ${status.version} · business day ${status.business_day} · catalogue ${status.catalogue_version}</p>`}
    </section>
    ${status && html`<${Copies} status=${status} link=${state.link} />`}
    <section class="card part" aria-label="Here"><h2>Here</h2><div class="choice-grid">
      <button type="button" data-action="no-sale" onClick=${desk.act.noSale}>Open drawer (no sale)…</button>
      ${session && html`<button type="button" data-action="training" aria-pressed=${session.training ? "true" : "false"} onClick=${flip}>${session.training ? "End training" : "Training mode"}</button>
        <button type="button" data-action="sign-out" onClick=${() => desk.once("sign-out", desk.people.signOut)}>Sign out ${session.name}</button>`}
      <a class="link-button" href="/devices/" data-action="paired-devices">Paired tablets…</a>
      <button type="button" data-action="reload" onClick=${() => location.reload()}>Load this page anew</button></div></section>
    ${waiting.length > 0 && html`<section class="card part" aria-label="Not sent yet"><h2>Not sent yet</h2><ul class="plain-list">${waiting.map((entry) => html`<li key=${entry.id} data-waiting=${entry.id}><span class="strong wrap">${entry.label}</span> <span class="muted">${entry.words || "on its way"}</span>
        ${session && session.employee !== entry.employee && html`<button type="button" data-action="send-as-me" onClick=${() => desk.again(entry)}>Send in my name</button>`}</li>`)}</ul></section>`}
    <section class="card part" aria-label="Held documents"><h2>Held documents</h2>
      ${held.length === 0 && html`<p class="muted">None is held.</p>`}
      ${ticketsOf(held).length > 1 && html`<p><button type="button" class="primary" data-action="release-all" onClick=${desk.act.releaseAll}>Print all held tickets, in order</button></p>`}
      ${held.map((job) => html`<div class="job" key=${job.job_id} data-job=${job.job_id} data-state="held"><div class="grow"><p class="strong">${DOCUMENTS[job.document_class] ?? job.document_class} ${job.ticket_code} → ${job.station || job.device}</p><p class="small wrap">${job.reason} · ${age(job.age_s * 1000)} old${job.may_have_printed ? " · may have printed already: it will be marked" : ""}</p></div>
        <button type="button" class="primary" data-action="release" onClick=${() => desk.act.release(job)}>Print now</button><button type="button" class="danger" data-action="cancel" onClick=${() => desk.act.cancel(job)}>Never</button></div>`)}
      ${other.length > 0 && html`<p class="muted small">${other.length} on their way to devices.</p>`}</section>
    <section class="card part" aria-label="Advice"><h2>Advice</h2>
      ${!status?.advisories.length && html`<p class="muted">Nothing to report.</p>`}
      ${status?.advisories.map((one) => html`<div class="advice" key=${one.code + one.subject} data-advisory=${one.code} data-severity=${one.severity}><span class="badge ${LEVELS[one.severity]?.kind ?? "info"}">${LEVELS[one.severity]?.mark ?? "i"} ${one.severity}</span>
        <div><p class="strong wrap">${one.title}${one.subject ? ` · ${one.subject}` : ""}</p><p class="wrap">${one.text}</p>${one.hint && html`<p class="small muted wrap">${one.hint}</p>`}
          ${one.code === "device_trouble" && isPrinter(status, one.subject) && html`<button type="button" data-action="replace" onClick=${() => replace(desk, one.subject)}>Replace this printer…</button>`}</div></div>`)}</section>
    <section class="card part" aria-label="Devices"><h2>Devices</h2>
      ${status?.devices.map((one) => html`<div class="device" key=${one.device} data-device=${one.device}><span class=${one.trouble ? "bad-text strong" : one.known && !one.note ? "good-text" : "muted"} aria-hidden="true">${one.trouble ? "!" : one.note ? "…" : one.known ? "✓" : "?"}</span>
        <span class="strong clip">${one.device}</span><span class="grow wrap">${deviceState(one)}</span><span class="small muted nowrap">${one.queued ? `${one.queued} waiting` : ""}</span>
        <${DeviceActions} desk=${desk} state=${state} device=${one} /></div>`)}</section>
    <p class="small muted">${settings.store_name}</p>
  </div>`;
}
