// @ts-check
/** What waits for devices: held documents with their reason and age, what is on its way, and how each device is. */

import { html } from "../vendor/preact.js";
import { Devices } from "../shared/parts/devices.js";
import { Held, jobSince, jobTitle } from "../shared/parts/jobs.js";
import { NotSent } from "../shared/parts/not-sent.js";
import { counted, sentence } from "../shared/words.js";

/** @param {any} props */
export function Waiting({ desk, state }) {
  const { live, settings } = state;
  const moving = Object.values(live.jobs).filter((job) => job.state !== "held");
  return html`<div class="status">
    <${NotSent} desk=${desk} state=${state} />
    <section class="card part" aria-label="Held documents"><h2>Held documents</h2>
      ${live.status ? html`<${Held} desk=${desk} state=${state} />` : html`<p class="muted">Not known yet.</p>`}</section>
    <section class="card part" aria-label="On their way"><h2>On their way</h2>
      ${moving.length === 0 && html`<p class="muted">${live.status ? "Nothing." : "Not known yet."}</p>`}
      ${moving.map((job) => html`<div class="job" key=${job.job_id} data-job=${job.job_id} data-state=${job.state}><div class="grow"><p class="strong wrap">${jobTitle(job)}</p>
        <p class="small wrap">${job.state === "sending" ? "Being sent." : "Waits."} ${sentence(job.reason)} At ${job.device}, ${jobSince(job, state)}${job.attempts ? `, ${counted(job.attempts, "try", "tries")} so far` : ""}.</p></div></div>`)}</section>
    <${Devices} desk=${desk} state=${state} detailed />
    ${settings.scope === "technician" && html`<section class="card part" aria-label="What this device may"><h2>What this device may</h2>
      <p class="wrap">Look, without a PIN. With the PIN of somebody in the store: print held documents or give them up, print test slips, replace a device, look deeper into the network, pair tablets.</p>
      <p class="wrap">It may not sell and sees no checks, no money, no drawers and no hours; the end of the day, the roles and the mode are decided at a register.</p></section>`}
  </div>`;
}
