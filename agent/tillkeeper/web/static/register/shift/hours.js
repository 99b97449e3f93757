// @ts-check
/** Hours: clock in and out, breaks, cash tips; and the day's list for who may see it. */

import { html, useCallback, useEffect, useState } from "../../vendor/preact.js";
import { clock } from "../../shared/words.js";
import { Amount } from "../../shared/dialogs.js";

const STEPS = {
  out: [{ kind: "clock_in", words: "Clock in" }],
  in: [{ kind: "break_start", words: "Start a break" }, { kind: "clock_out", words: "Clock out" }],
  break: [{ kind: "break_end", words: "End the break" }, { kind: "clock_out", words: "Clock out" }],
};
const NOW = { out: { mark: "○", words: "not clocked in" }, in: { mark: "●", words: "at work" }, break: { mark: "◐", words: "on a break" } };
const KINDS = { clock_in: "in", clock_out: "out", break_start: "break", break_end: "back" };
const duration = (minutes) => `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}`;

/** @param {any} props */
export function Hours({ desk, state }) {
  const { session, settings } = state;
  const { employee } = session;
  const [seen, setSeen] = useState(/** @type {any} */ (null));
  const [trouble, setTrouble] = useState("");
  const read = useCallback(async () => {
    try {
      const [staff, entries] = await Promise.all([desk.api.get("/v1/staff"), desk.api.get("/v1/time-entries")]);
      setSeen({ staff: staff.staff, ...entries });
      setTrouble("");
    } catch (problem) {
      setTrouble(problem.message);
    }
  }, [desk]);
  useEffect(() => {
    read();
  }, [employee, state.link, read]);
  const own = seen?.staff.find((one) => one.employee === employee);
  const clocked = own?.clocked ?? session.clocked;
  const enter = (kind, words) => desk.once(`time.${kind}`, async () => {
    const done = await desk.command({ lane: `time.${employee}`, path: "/v1/time-entries", body: { employee, kind }, label: words });
    if (done.ok) desk.toast(`${words}: done.`, "good");
    await read();
    return done.ok;
  });
  const tips = () => desk.once("tips", async () => {
    const cash_tips_minor = await desk.ask(Amount, { title: "Cash tips", zero: true, note: "What you keep of this shift in cash.", action: "Declare" });
    if (cash_tips_minor === undefined) return;
    const done = await desk.command({ lane: `time.${employee}`, path: "/v1/tips", body: { employee, cash_tips_minor }, label: "Declare cash tips" });
    if (done.ok) desk.toast(`Declared ${state.money(cash_tips_minor)} of cash tips.`, "good");
    await read();
  });
  return html`<div class="status shift" data-clocked=${clocked}>
    <section class="card part" aria-label="My hours"><h2>${session.name}</h2>
      <p class="now"><span aria-hidden="true">${NOW[clocked].mark}</span> You are ${NOW[clocked].words}${own?.since_at_ms ? ` since ${clock(own.since_at_ms, settings.timezone)}` : ""}.</p>
      <div class="choice-grid">${STEPS[clocked].map(({ kind, words }) => html`<button type="button" key=${kind} class=${kind === "clock_in" ? "primary" : ""} data-action=${kind.replace("_", "-")} onClick=${() => enter(kind, words)}>${words}</button>`)}
        <button type="button" data-action="tips" onClick=${tips}>Declare cash tips…</button></div>
      ${trouble && html`<p class="bad-text" role="alert">${trouble}</p>`}</section>
    ${seen && html`<section class="card part" aria-label="Worked today"><h2>Today</h2>
      ${seen.worked.length === 0 && html`<p class="muted">Nobody has clocked in today.</p>`}
      <ul class="plain-list">${seen.worked.map((row) => html`<li key=${row.employee} class="job" data-worked=${row.employee}><span class="grow clip">${row.name || row.employee}${row.open ? " · at work" : ""}</span>
        <span class="right">${duration(row.worked_min)}${row.break_min ? html` <span class="small muted">+ ${duration(row.break_min)} break</span>` : ""}${row.cash_tips_minor ? html` <span class="small muted">· tips ${state.money(row.cash_tips_minor)}</span>` : ""}</span></li>`)}</ul></section>
      <section class="card part" aria-label="Entries"><h2>Entries</h2><ul class="plain-list">${seen.entries.slice(-40).reverse().map((row) => html`<li key=${row.entry_id} class="job" data-entry=${row.kind}><span class="grow clip">${row.name || row.employee}</span>
        <span>${KINDS[row.kind]} ${clock(row.entered_at_ms, settings.timezone)}${row.by && row.by !== row.employee ? html` <span class="small muted">by ${row.by}</span>` : ""}</span></li>`)}</ul></section>`}
  </div>`;
}
