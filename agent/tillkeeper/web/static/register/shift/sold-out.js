// @ts-check
/** 86: what is sold out or counted down, and setting it. */

import { html, useMemo, useState } from "../../vendor/preact.js";
import { tooMany } from "../../shared/stock.js";
import { Choice, Dialog, Stepper } from "../../shared/ui.js";
import { supply } from "../../shared/live-state.js";

const MOST = 60; // rows of a search: more would have to be scrolled through

/** Items and modifiers of the catalogue as one list. @param {any} catalogue @returns {{kind: "item" | "modifier", id: string, name: string, of: string}[]} */
export function subjects(catalogue) {
  const items = catalogue.items.map((item) => ({ kind: /** @type {"item"} */ ("item"), id: item.item_id, name: item.name, of: item.category }));
  const modifiers = new Map();
  for (const group of catalogue.modifier_groups) {
    for (const one of group.modifiers) modifiers.set(one.modifier_id, { kind: /** @type {"modifier"} */ ("modifier"), id: one.modifier_id, name: one.name, of: group.name });
  }
  return [...items, ...modifiers.values()];
}

/** Gives {state, remaining}. @param {any} props */
function SetDialog({ done, name, left }) {
  const [remaining, setRemaining] = useState(left ?? 10);
  return html`<${Dialog} title=${name} testid="availability" onClose=${() => done()}>
    <div class="choice-grid"><button type="button" class="danger" data-value="sold_out" onClick=${() => done({ state: "sold_out" })}>⊘ Sold out</button>
      <button type="button" data-value="available" onClick=${() => done({ state: "available" })}>✓ Available</button></div>
    <div class="row wrap-row"><${Stepper} label="Left" value=${remaining} max=${9999} onChange=${setRemaining} />
      <label class="compact">or type<input inputmode="numeric" data-field="remaining" value=${remaining} onInput=${(event) => setRemaining(Math.min(9999, Math.max(1, Number.parseInt(event.currentTarget.value, 10) || 1)))} /></label>
      <button type="button" class="primary grow" data-value="counting" onClick=${() => done({ state: "counting", remaining })}>Count down from ${remaining}</button></div>
  <//>`;
}

/** @param {any} props */
export function SoldOut({ desk, state }) {
  const [text, setText] = useState("");
  const [kind, setKind] = useState("item");
  const { availability } = state.live;
  const all = useMemo(() => subjects(state.catalogue), [state.catalogue]);
  const wanted = text.trim().toLowerCase();
  const found = all.filter((one) => one.kind === kind && (!wanted || one.name.toLowerCase().includes(wanted))).slice(0, MOST);
  const set = (subject, body) => desk.command({ lane: `86.${subject.kind}.${subject.id}`, path: "/v1/availability", body: { kind: subject.kind, subject_id: subject.id, ...body }, label: `86: ${subject.name}` });
  const ask = (subject) => desk.once(`86.${subject.id}`, async () => {
    const body = await desk.ask(SetDialog, { name: subject.name, left: supply(availability, subject.kind, subject.id).left });
    if (body !== undefined) await set(subject, body);
  });
  return html`<div class="status shift">
    <section class="card part" aria-label="Sold out"><h2>86</h2>
      ${availability.entries.length === 0 && html`<p class="muted">Everything can be sold.</p>`}
      <ul class="plain-list">${availability.entries.map((entry) => html`<li class="job" key=${`${entry.kind}.${entry.subject_id}`} data-availability=${entry.subject_id} data-state=${entry.state}>
        <span class="grow wrap"><span class="strong">${entry.name}</span> <span class="badge ${entry.state === "sold_out" ? "bad" : "warn"}">${entry.state === "sold_out" ? `⊘ sold out${tooMany(entry)}` : `${entry.remaining} left`}</span></span>
        <button type="button" data-action="back-again" onClick=${() => desk.once(`86.back.${entry.subject_id}`, () => set({ kind: entry.kind, id: entry.subject_id, name: entry.name }, { state: "available" }))}>Back again</button></li>`)}</ul></section>
    <section class="card part wide-part" aria-label="Catalogue"><h2>Set</h2>
      <div class="row wrap-row"><${Choice} label="What" value=${kind} onChange=${setKind} options=${[{ value: "item", label: "Items" }, { value: "modifier", label: "Modifiers" }]} />
        <input class="grow" type="search" data-field="subject" aria-label="Find" placeholder="Find" value=${text} autocomplete="off" onInput=${(event) => setText(event.currentTarget.value)} /></div>
      <div class="choice-grid">${found.map((subject) => {
    const { sold, left } = supply(availability, subject.kind, subject.id);
    return html`<button type="button" key=${`${subject.kind}.${subject.id}`} data-subject=${subject.id} aria-pressed=${sold || left !== null ? "true" : "false"} onClick=${() => ask(subject)}>
      <span class="strong clip">${subject.name}</span><span class="small muted">${sold ? "⊘ sold out" : left !== null ? `${left} left` : "available"}</span></button>`;
  })}</div>
      ${found.length === MOST && html`<p class="small muted">More than ${MOST}: type a part of the name.</p>`}</section>
  </div>`;
}
