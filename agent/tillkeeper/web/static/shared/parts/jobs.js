// @ts-check
/** What waits for devices: documents that are held until a person decides, each with why, since when and where. */

import { html } from "../../vendor/preact.js";
import { Confirm } from "../dialogs.js";
import { heldIn, ticketsOf } from "../live-state.js";
import { DOCUMENTS, age, clock, sentence } from "../words.js";

const path = (job, rest) => `/v1/jobs/${encodeURIComponent(job.job_id)}/${rest}`;

const give = (desk, name, command, good) => desk.once(name, async () => {
  const result = await desk.command(command);
  if (result.ok) desk.toast(good, "good");
});

/** Let a held document print. @param {any} desk @param {any} job */
const release = (desk, job) => give(desk, `release.${job.job_id}`, { lane: `job.${job.job_id}`, path: path(job, "release"), label: "Held document" }, "It prints now.");

/** Let all held kitchen tickets print, in order. @param {any} desk */
export const releaseAll = (desk) => give(desk, "release-all", { lane: "jobs", path: "/v1/jobs/release", label: "Held tickets" }, "They print now, in order.");

/** @param {any} desk @param {any} job */
async function cancel(desk, job) {
  const sure = await desk.ask(Confirm, { title: "Never print this?", words: `${job.ticket_code || "It"} for ${job.device} will not be printed (any more).`, action: "Do not print", danger: true });
  if (sure) await give(desk, `cancel.${job.job_id}`, { lane: `job.${job.job_id}`, path: path(job, "cancel"), label: "Held document" }, "It will not print.");
}

/** @param {any} job @returns {string} "Kitchen ticket A-012 → grill" */
export const jobTitle = (job) => [DOCUMENTS[job.document_class] ?? job.document_class, job.ticket_code, "→", job.station || job.device].filter(Boolean).join(" ");

/**
 * Since when, and how long that is by the register's own clock. @param {any} job @param {any} state @returns {string}
 */
export function jobSince(job, { live, settings }) {
  const old = Math.max(job.age_s * 1000, (live.status?.at_ms ?? 0) - job.created_at_ms); // the age is of when the job changed last
  return `since ${clock(job.created_at_ms, settings.timezone)}, ${age(old)}`;
}

/** @param {any} props */
export function Held({ desk, state }) {
  const held = heldIn(state.live.jobs);
  return html`${held.length === 0 && html`<p class="muted">None is held.</p>`}
    ${ticketsOf(held).length > 1 && html`<p><button type="button" class="primary" data-action="release-all" onClick=${() => releaseAll(desk)}>Print all held tickets, in order</button></p>`}
    ${held.map((job) => html`<div class="job" key=${job.job_id} data-job=${job.job_id} data-state="held"><div class="grow"><p class="strong wrap">${jobTitle(job)}</p>
      <p class="small wrap">${sentence(job.reason)} At ${job.device}, ${jobSince(job, state)}.${job.may_have_printed ? " It may have printed already: it will be marked." : ""}</p></div>
      <button type="button" class="primary" data-action="release" onClick=${() => release(desk, job)}>Print now</button><button type="button" class="danger" data-action="cancel" onClick=${() => cancel(desk, job)}>Never</button></div>`)}`;
}
