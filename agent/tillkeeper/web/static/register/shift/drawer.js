// @ts-check
/** The drawer: its session from float to Z. */

import { html, useEffect, useState } from "../../vendor/preact.js";
import { clock } from "../../shared/words.js";
import { Amount, Pick, Reason } from "../../shared/dialogs.js";
import { currenciesOf, differenceOf, differences, parts } from "./cash.js";
import { CountDialog, forgetCount } from "./count-dialog.js";
import { Figures } from "./figures.js";
import { useNames } from "./names.js";

const MOVEMENTS = {
  paid_in: { title: "Paid in", question: "Put into the drawer", presets: ["More change", "Correction", "Found in the till"] },
  paid_out: { title: "Paid out", question: "Taken out of the drawer", presets: ["Supplies", "Delivery paid", "Refund of a deposit"] },
  safe_drop: { title: "Safe drop", question: "Taken to the safe", presets: ["Too much cash in the drawer", "End of shift"] },
};

/** @param {any} props */
export function Drawer({ desk, state }) {
  const own = desk.place().drawer;
  const [picked, setPicked] = useState("");
  const drawers = state.live.drawers;
  const drawer = drawers.find((one) => one.drawer === (picked || own)) ?? drawers[0];
  const names = useNames(desk);
  const [shown, setShown] = useState(/** @type {any} */ (null));
  if (!drawer) return html`<p class="muted">No drawer is configured here.</p>`;
  const { session } = drawer;
  const act = actionsOf(desk, state, drawer, setShown);
  return html`<div class="status shift" data-drawer=${drawer.drawer} data-session=${session?.state ?? "none"}>
    <section class="card part" aria-label="Drawer"><h2>${drawer.title}</h2>
      ${drawers.length > 1 && html`<div class="choice" role="group" aria-label="Which drawer">${drawers.map((one) => html`<button type="button" key=${one.drawer} aria-pressed=${one === drawer ? "true" : "false"} onClick=${() => setPicked(one.drawer)}>${one.title}</button>`)}</div>`}
      <p class="row"><${Sensor} open=${drawer.open} /></p>
      ${session
    ? html`<p>Open since ${clock(session.opened_at_ms, state.settings.timezone)}${session.opened_by ? ` by ${names(session.opened_by)}` : ""}, float <span class="strong">${state.money(session.float_minor)}</span>.</p>
        <div class="choice-grid">${Object.entries(MOVEMENTS).map(([kind, { title }]) => html`<button type="button" key=${kind} data-action=${kind.replace("_", "-")} onClick=${() => act.move(kind)}>${title}…</button>`)}
          <button type="button" data-action="x-report" onClick=${act.x}>X report</button>
          <button type="button" class="primary" data-action="count" onClick=${() => act.count()}>Count the drawer…</button></div>`
    : html`<p>${drawer.waiting.length ? "Counted. A new float may go in at once." : "No session is open: cash that is taken belongs to no count."}</p>
        <button type="button" class="primary big" data-action="open-drawer" onClick=${act.open}>Open with a float…</button>`}
    </section>
    ${drawer.waiting.map((one) => html`<section class="card part" key=${one.session_id} data-waiting-session=${one.session_id} aria-label="Counted session"><h2>Counted, waits for its Z</h2>
      <p>Opened ${clock(one.opened_at_ms, state.settings.timezone)}${one.opened_by ? ` by ${names(one.opened_by)}` : ""}; counted ${one.counted_by ? `by ${names(one.counted_by)} ` : ""}as <span class="strong">${parts(one.counted_minor).map(([currency, minor]) => state.money(minor, currency)).join(" + ")}</span>.</p>
      <div class="choice-grid"><button type="button" class="primary" data-action="close-drawer" onClick=${() => act.close(one)}>Close with a Z</button>
        <button type="button" data-action="recount" onClick=${() => act.count(one)}>Count again…</button></div></section>`)}
    ${shown && html`<${Report} state=${state} names=${names} report=${shown} onClose=${() => setShown(null)} onPrint=${act.print} />`}
    <${Closed} desk=${desk} state=${state} drawer=${drawer} names=${names} onPrint=${act.print} />
  </div>`;
}

const Sensor = ({ open }) => html`<span class="badge ${open === "yes" ? "warn" : "plain"}" data-sensor=${open}>${open === "yes" ? "◨ The drawer is open" : open === "no" ? "▣ The drawer is shut" : "? Whether it is open is not known"}</span>`;

/** @param {any} desk @param {any} state @param {any} drawer @param {(report: any) => void} show */
function actionsOf(desk, state, drawer, show) {
  const lane = `drawer.${drawer.drawer}`;
  const path = `/v1/drawers/${encodeURIComponent(drawer.drawer)}`;
  const run = (what, label, body = {}) => desk.command({ lane, path: `${path}/${what}`, body, label });
  const once = (name, work) => () => desk.once(`${lane}.${name}`, work);
  return {
    open: once("open", async () => {
      const float_minor = await desk.ask(Amount, { title: "Float", zero: true, note: "What lies in the drawer before the first guest.", action: "Open the drawer" });
      if (float_minor !== undefined) await run("open", `Open the drawer with ${state.money(float_minor)}`, { float_minor });
    }),
    move: (kind) => desk.once(`${lane}.${kind}`, async () => {
      const { title, question, presets } = MOVEMENTS[kind];
      const amount_minor = await desk.ask(Amount, { title, note: question, action: "Next" });
      if (amount_minor === undefined) return;
      const reason = await desk.ask(Reason, { title: `${title}: why?`, presets });
      if (reason === undefined) return;
      const done = await run("movements", `${title} ${state.money(amount_minor)}`, { kind, amount_minor, reason });
      if (done.ok) desk.toast(`${title}: ${state.money(amount_minor)}.`, "good");
    }),
    count: (session) => desk.once(`${lane}.count`, async () => {
      const currencies = currenciesOf(state.settings, state.catalogue.tenders);
      const counted = await desk.ask(CountDialog, { drawer: drawer.drawer, currencies, title: session ? "Count again" : "Count the drawer" });
      if (counted === undefined) return;
      const done = await run("count", "Count of the drawer", session ? { counted, session_id: session.session_id } : { counted, open_session_id: drawer.session?.session_id });
      if (!done.ok) return;
      forgetCount(drawer.drawer);
      show(done.value.report);
    }),
    close: (session) => desk.once(`${lane}.close`, async () => {
      const done = await run("close", "Z of the drawer", { session_id: session.session_id });
      if (done.ok) show(done.value.report);
    }),
    x: once("x", async () => {
      const how = await desk.ask(Pick, { title: "X report", options: [{ value: "screen", label: "On the screen" }, { value: "paper", label: "On paper" }] });
      if (how === "paper") await run("report", "X report");
      if (how !== "screen") return;
      try {
        show(await desk.api.get(`${path}/report`));
      } catch (problem) {
        desk.toast(problem.message, "bad");
      }
    }),
    print: (session) => desk.once(`${lane}.print.${session.session_id}`, () => run("report", "Report of the drawer", { session_id: session.session_id })),
  };
}

/** @param {any} props */
function Report({ state, names, report, onClose, onPrint }) {
  const { session, figures } = report;
  const title = report.kind === "z" ? `Z ${session.number}` : session.state === "counted" ? "Counted" : "X report";
  return html`<section class="card part" data-report=${report.kind} aria-label=${title}><h2>${title}</h2>
    ${differences(session, state.settings.currency).map(([currency, minor]) => {
    const { word, mark, kind } = differenceOf(minor);
    return html`<p key=${currency} class="difference ${kind}-text" role="status" data-over-short=${minor}><span aria-hidden="true">${mark}</span> ${minor ? `${state.money(Math.abs(minor), currency)} ${word}` : `${currency} is exact`}</p>`;
  })}
    ${figures ? html`<${Figures} figures=${figures} session=${session} money=${state.money} own=${state.settings.currency} />` : html`<p>The figures are shown after the count: whoever counts does not know what is expected.</p>`}
    <p class="small muted">${session.counted_by ? `Counted by ${names(session.counted_by)}. ` : ""}${session.closed_by ? `Closed by ${names(session.closed_by)}.` : ""}</p>
    <div class="row wrap-row">${session.state !== "open" && html`<button type="button" data-action="print-report" onClick=${() => onPrint(session)}>Print${session.state === "closed" ? " again" : ""}</button>`}
      <button type="button" data-action="close-report" onClick=${onClose}>Put away</button></div></section>`;
}

/** @param {any} props */
function Closed({ desk, state, drawer, names, onPrint }) {
  const [rows, setRows] = useState(/** @type {any[]} */ ([]));
  const last = `${drawer.drawer} ${drawer.waiting.length} ${drawer.session?.session_id ?? ""}`;
  useEffect(() => {
    let gone = false;
    desk.api.get(`/v1/drawers/${encodeURIComponent(drawer.drawer)}/sessions?limit=10`).then((found) => gone || setRows(found.sessions), () => gone || setRows([]));
    return () => { gone = true; };
  }, [last]);
  if (!rows.length) return null;
  return html`<section class="card part" aria-label="Closed sessions"><h2>Closed</h2><ul class="plain-list">${rows.map((row) => html`<li key=${row.session_id} class="job" data-z=${row.number}>
    <div class="grow"><p class="strong">Z ${row.number} <span class="muted">${clock(row.closed_at_ms, state.settings.timezone)} ${row.closed_by ? names(row.closed_by) : ""}</span></p>
      <p class="small">${differences(row, state.settings.currency).map(([currency, minor]) => html`<span key=${currency} class="${differenceOf(minor).kind}-text">${differenceOf(minor).mark} ${minor ? `${state.money(Math.abs(minor), currency)} ${differenceOf(minor).word}` : `${currency} exact`} </span>`)}</p></div>
    <button type="button" data-action="reprint-z" onClick=${() => onPrint(row)}>Print again</button></li>`)}</ul></section>`;
}
