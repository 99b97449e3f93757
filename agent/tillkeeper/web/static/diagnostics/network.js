// @ts-check
/** The network: what broke, what to do, what that rests on, what was, and a deeper look. */

import { html, useState } from "../vendor/preact.js";
import { Verdict } from "../shared/parts/network.js";
import { useRead } from "../shared/reading.js";
import { useTick } from "../shared/ui.js";
import { age, clock, sentence } from "../shared/words.js";
import { MARKS, lasted, layers, targetFact } from "./layers.js";

const BADGES = { checking: ["plain", "? Not known"], fine: ["good", "✓ All well"], suspect: ["warn", "! Not sure yet"], confirmed: ["bad", "! Broken"] };
const STEPS = { running: "…", done: "✓", failed: "!", skipped: "–" };

/** @param {any} props */
export function Network({ desk, state }) {
  const now = useRead(desk, "/v1/network");
  const history = useRead(desk, "/v1/network/history?limit=20");
  useTick(1000);
  const { value: view, trouble } = now;
  const known = view && !trouble;
  const [kind, words] = known ? BADGES[view.phase] : BADGES.checking;
  return html`<div class="status">
    <section class="card part" aria-label="Network"><h2>Network</h2>
      <p class="row wrap-row" role="status" data-testid="verdict" data-phase=${known ? view.phase : "unknown"}><span class="badge ${kind}">${words}</span>
        ${known && view.since_age_s !== null && html`<span class="muted">for ${age(view.since_age_s * 1000)}</span>`}</p>
      ${trouble && html`<p class="bad-text wrap" role="alert">${trouble}</p>`}
      ${view && trouble && html`<p class="strong" data-testid="before">What it said ${age(Date.now() - now.atMs)} ago:</p>`}
      ${view && html`<div class=${known ? "col" : "col past"}><${Verdict} network=${view} /><${Besides} view=${view} /></div>`}
    </section>
    ${view && html`<${Facts} view=${view} known=${known} /><${Targets} view=${view} known=${known} />`}
    ${view?.prober.state !== "off" && html`<${Deeper} desk=${desk} />`}
    <${History} reading=${history} zone=${state.settings.timezone} />
  </div>`;
}

/** What tells apart what fits equally well, what holds besides, and what the verdict rests on. @param {any} props */
function Besides({ view }) {
  return html`${view.question && html`<p class="wrap"><b>To tell which:</b> ${view.question}</p>`}
    ${view.also.map((one) => html`<p class="wrap" key=${one.code} data-also=${one.code}><b>Also:</b> ${sentence(one.text)}${one.hint ? html`<br /><span class="small muted">${sentence(one.hint)}</span>` : ""}</p>`)}
    ${view.prober.trouble && html`<p class="bad-text wrap">Prober: ${sentence(view.prober.trouble)}</p>`}
    ${view.evidence.length > 0 && html`<details open><summary>What this rests on</summary><ul>${view.evidence.map((words) => html`<li class="wrap" key=${words}>${words}</li>`)}</ul></details>`}`;
}

/** One line: a mark and words, and where the register does not answer what it was before. @param {{fact: any, known: boolean}} props */
function Fact({ fact, known }) {
  const { kind, mark } = MARKS[known ? fact.level : "unknown"];
  return html`<div class="fact" data-fact=${fact.id} data-level=${known ? fact.level : "unknown"}><span class=${kind} aria-hidden="true">${mark}</span>
    <p class="wrap"><b>${fact.title}</b>: ${sentence(known ? fact.words : `not known now, before: ${fact.words}`)}${fact.where ? html`<br /><span class="small muted">${fact.where}</span>` : ""}</p></div>`;
}

/** @param {any} props */
function Facts({ view, known }) {
  const { facts, unasked } = layers(view);
  return html`<section class="card part" aria-label="From here outwards"><h2>From here outwards</h2>
    ${facts.length === 0 && html`<p class="muted wrap">Not known: ${sentence(view.prober.words)}</p>`}
    ${facts.map((fact) => html`<${Fact} key=${fact.id} fact=${fact} known=${known} />`)}
    ${unasked.length > 0 && html`<p class="small muted wrap" data-testid="unasked">Nothing here can say: ${unasked.join(", ")}.</p>`}</section>`;
}

/** @param {any} props */
function Targets({ view, known }) {
  const facts = view.targets.map(targetFact);
  return html`<section class="card part" aria-label="What is asked"><h2>What is asked</h2>
    ${facts.length === 0 && html`<p class="muted wrap">Nothing is asked now.</p>`}
    ${facts.map((fact) => html`<${Fact} key=${fact.id} fact=${fact} known=${known} />`)}
    ${view.peers.map((peer) => html`<p class="wrap" key=${peer.register} data-peer=${peer.register}><b>Register ${peer.register}</b> says: ${{ checking: "not known", fine: "all well", suspect: "not sure yet", confirmed: "broken" }[peer.phase]}${peer.faults.length ? ` (${peer.faults.join(", ")})` : ""}.</p>`)}
    ${view.prober.report_age_s !== null && html`<p class="small muted wrap">The prober has asked ${view.prober.probes_sent} questions since its start; its last report came ${age(view.prober.report_age_s * 1000)} before this was read.</p>`}</section>`;
}

/** A deep diagnosis: asked for by a tap, read step by step. @param {any} props */
function Deeper({ desk }) {
  const [id, setId] = useState("");
  const start = () => desk.once("diagnosis", async () => {
    const result = await desk.command({ lane: "diagnosis", path: "/v1/network/diagnoses", label: "Diagnosis" });
    if (result.ok) setId(result.value.diagnosis_id);
  });
  return html`<section class="card part" aria-label="A deeper look"><h2>A deeper look</h2>
    <p class="wrap small muted">DHCP, switch port, duplicate addresses, routes and packet sizes. It takes up to 30 s and changes nothing; selling goes on.</p>
    <button type="button" data-action="diagnose" onClick=${start}>Look deeper</button>
    ${id && html`<${Diagnosis} key=${id} desk=${desk} id=${id} />`}</section>`;
}

function Diagnosis({ desk, id }) {
  const { value: view, trouble } = useRead(desk, `/v1/network/diagnoses/${encodeURIComponent(id)}`);
  if (view === undefined) return html`<p class="bad-text" role="alert">The register knows nothing of it any more.</p>`;
  const ended = { running: "It runs…", done: `Done in ${age((view?.took_s ?? 0) * 1000)}.`, failed: sentence(view?.trouble || "it broke off") };
  return html`<div class="part" data-testid="diagnosis" data-state=${view?.state ?? "running"}><p class="strong wrap" role="status">${trouble || ended[view?.state ?? "running"]}</p>
    ${view?.steps.map((step) => html`<div class="fact" key=${step.check} data-step=${step.check}><span aria-hidden="true">${STEPS[step.state]}</span><div>
      <p class="wrap">${sentence(step.words)}</p>
      ${Object.entries(step.result).filter(([, value]) => value !== null && value !== "" && String(value) !== "").map(([name, value]) => html`<p class="small muted wrap" key=${name}>${name.replaceAll("_", " ")}: ${Array.isArray(value) ? value.join(", ") : String(value)}</p>`)}</div></div>`)}</div>`;
}

/** @param {any} props */
function History({ reading, zone }) {
  const { value: view, trouble } = reading;
  return html`<section class="card part" aria-label="What was"><h2>What was</h2>
    ${trouble && html`<p class="bad-text wrap">${trouble}</p>`}
    ${view?.trouble && html`<p class="bad-text wrap">The timeline is not being written: ${sentence(view.trouble)}</p>`}
    ${view && !view.entries.length && html`<p class="muted wrap">Nothing was wrong as far as is known.</p>`}
    ${view?.entries.map((entry) => html`<div class="fact" key=${entry.entry_id} data-entry=${entry.entry_id}><span class=${entry.going_on ? "bad-text" : "muted"} aria-hidden="true">${entry.going_on ? "!" : "·"}</span><div>
      <p class="wrap"><span class="muted">${new Date(entry.began_at_ms).toLocaleDateString(undefined, { timeZone: zone })} ${clock(entry.began_at_ms, zone)}, ${lasted(entry)}</span><br />${sentence(entry.headline)}</p>
      ${entry.corrected_headline && html`<p class="wrap">Afterwards known: ${sentence(entry.corrected_headline)}</p>`}${entry.why && html`<p class="small muted wrap">${sentence(entry.why)}</p>`}</div></div>`)}
    ${view?.more && html`<p class="small muted">There is more: <code>tillkeeper network history</code>.</p>`}</section>`;
}
