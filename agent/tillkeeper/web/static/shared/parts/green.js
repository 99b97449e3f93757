// @ts-check
/** All green? Every register of the store in one look. What is not known is never shown as fine. */

import { html } from "../../vendor/preact.js";
import { sentence } from "../words.js";

const MARKS = { green: { mark: "✓", kind: "good-text" }, trouble: { mark: "!", kind: "bad-text" }, silent: { mark: "?", kind: "bad-text" } };

/** @param {any} one of the registers, or HQ */
export const levelOf = (one) => (one.green ? "green" : one.heard ? "trouble" : "silent");

/** @param {any} props */
export function Green({ reading, register }) {
  const { value: view, trouble } = reading;
  const known = view && !trouble;
  return html`<section class="card part" aria-label="All green?"><h2>All green?</h2>
    <p class="row wrap" data-testid="green" data-green=${known ? String(view.green) : "unknown"}><span class="badge ${known ? (view.green ? "good" : "bad") : "plain"}" role="status">${known ? (view.green ? "✓ All green" : "! Not green") : "? Not known"}</span>
      <span class="wrap grow">${trouble}</span></p>
    ${known && [...view.registers, ...(view.hq ? [view.hq] : [])].map((one) => html`<${Row} key=${one.register} one=${one} here=${one.register === register} />`)}
  </section>`;
}

function Row({ one, here }) {
  const level = levelOf(one);
  const { said } = one;
  const waits = said?.to_hq ? ` · ${said.to_hq} not at HQ` : "";
  const held = said?.jobs_held ? ` · ${said.jobs_held} held` : "";
  const only = said?.only_here ? ` · ${said.only_here} only there` : "";
  return html`<div class="member" data-member=${one.register} data-level=${level}><span class="${MARKS[level].kind} strong" aria-hidden="true">${MARKS[level].mark}</span>
    <div class="grow"><p class="strong wrap">${one.register}${here ? " (this one)" : ""} <span class="muted small">${said ? `${said.mode.replace("_", " ")} · version ${said.version}${waits}${only}${held}` : ""}</span></p>
      ${said?.troubles.length ? html`<ul>${said.troubles.map((words) => html`<li class="wrap" key=${words}>${sentence(words)}</li>`)}</ul>` : html`<p class="small muted wrap">${sentence(one.words)}</p>`}
      ${said?.notices.map((words) => html`<p class="small muted wrap" key=${words}>${sentence(words)}</p>`)}</div></div>`;
}
