// @ts-check
/** After an outage: what is left to do, each with its amount and one tap that resolves it. */

import { html } from "../../vendor/preact.js";
import { clock, sentence } from "../../shared/words.js";
import { Confirm, Reason } from "../../shared/dialogs.js";
import { give } from "../../shared/reading.js";

const KINDS = { frozen_sale: "Frozen sale", reversal_owed: "Reversal on its way", overpaid: "Paid twice", merged: "Merged check", awaiting: "Awaiting card", held: "Held paper",
  quarantine: "Quarantine", set_aside: "Damaged journal", adjustment: "Adjustment", gap: "Declared gap", late_close: "Closed twice", from_paper: "From paper" };
const DONE = ["Given back by hand", "Done on the bank's own page", "The guest did not want it"];

/** @param {any} props */
export function After({ desk, state, reading }) {
  const { value: view, trouble } = reading;
  if (view === undefined) return null;
  return html`<section class="card part wide-part" aria-label="After the outage"><h2>After the outage</h2>
    <p class="wrap" role="status" data-testid="after" data-left=${view && !trouble ? view.tasks.length + view.more : "unknown"}>${trouble || view?.words || "Reading…"}</p>
    ${view?.unknown.map((words) => html`<p class="bad-text wrap" key=${words} data-unknown>${sentence(`Not asked: ${words}. It may know of more`)}</p>`)}
    ${view?.tasks.map((task) => html`<${Task} key=${task.task_id} desk=${desk} state=${state} reading=${reading} task=${task} />`)}
    ${view?.more > 0 && html`<p class="muted">And ${view.more} more.</p>`}
  </section>`;
}

function Task({ desk, state, reading, task }) {
  const money = task.amount_minor === null ? "" : state.money(task.amount_minor);
  async function take(way) {
    const sure = !way.amount_minor || await desk.ask(Confirm, { title: `${way.label}: ${state.money(way.amount_minor)}?`, words: sentence(task.words), action: way.label });
    if (sure) await give(desk, reading, way.path, way.body, `${KINDS[task.kind]}: ${way.label}`, `${way.label}: done.`);
  }
  async function settle() {
    const body = { how: "seen" };
    if (task.kind === "overpaid") {
      body.how = "settled_otherwise";
      body.reason = await desk.ask(Reason, { title: "How was it settled?", presets: DONE });
      if (!body.reason) return;
    }
    await give(desk, reading, `/v1/after/${encodeURIComponent(task.task_id)}/settle`, body, `${KINDS[task.kind]}: settled`, "It is listed no more.");
  }
  return html`<div class="task" data-task=${task.task_id} data-kind=${task.kind}>
    <div class="grow"><p class="row wrap-row"><span class="badge ${task.amount_minor ? "warn" : "plain"}">${KINDS[task.kind] ?? task.kind}</span><span class="strong nowrap" data-amount=${task.amount_minor ?? ""}>${money}</span>
      <span class="small muted">${task.at_ms ? clock(task.at_ms, state.settings.timezone) : ""}${task.business_day ? ` · ${task.business_day}` : ""} · register ${task.register}</span></p>
      <p class="wrap">${task.ticket_code && !task.words.includes(task.ticket_code) ? html`<b>${task.ticket_code}</b> · ` : ""}${sentence(task.words)}</p><p class="small muted wrap">${sentence(task.hint)}</p></div>
    ${(task.ways.length > 0 || task.settles) && html`<div class="row wrap-row">${task.ways.map((way, index) => html`<button type="button" key=${way.path + way.label} class=${index ? "" : "primary"} data-action="way" data-way=${index} onClick=${() => take(way)}>${way.label}${way.amount_minor ? ` ${state.money(way.amount_minor)}` : ""}</button>`)}
      ${task.settles && html`<button type="button" data-action="settle" onClick=${settle}>${task.kind === "overpaid" ? "Settled otherwise…" : "Seen"}</button>`}</div>`}
  </div>`;
}
