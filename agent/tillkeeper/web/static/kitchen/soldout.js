// @ts-check
/** 86 from the kitchen: what is sold out, and the list in which a cook says so. */

import { Problem } from "../shared/api.js";
import { createOutbox } from "../shared/outbox.js";
import { scoped } from "../shared/pairing.js";
import { tooMany } from "../shared/stock.js";
import { Dialog, Stepper, WindowedList } from "../shared/ui.js";
import { html, useEffect, useState } from "../vendor/preact.js";

const LANE = "kitchen-86";

/**
 * @param {{api: ReturnType<typeof import("../shared/api.js").createApi>, storage: Storage | null, locks: LockManager | null, onChange: () => void}} parts
 */
export function createSoldOut({ api, storage, locks, onChange }) {
  let entries = new Map();
  let items = [];
  let words = "";

  async function send(entry, path) {
    try {
      return { kind: "done", ...(await api.call("POST", path, { body: entry.body, key: entry.id })) };
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.passing || problem.session || problem.code === "unauthorized") return { kind: "later", words: problem.message };
      return { kind: "refused", problem };
    }
  }
  const outbox = createOutbox({ storage: scoped(storage, "tk.kitchen."), locks, send: /** @type {any} */ (send) });
  outbox.subscribe(onChange);

  function take(view) {
    entries = new Map(view.entries.map((entry) => [`${entry.kind} ${entry.subject_id}`, entry]));
    onChange();
  }

  return {
    take,
    /** @returns {{entries: Map<string, any>, items: any[], words: string, waiting: number}} */
    view: () => ({ entries, items, words, waiting: outbox.entries().filter((entry) => entry.state === "waiting").length }),
    async load() {
      try {
        const [catalogue, availability] = await Promise.all([api.get("/v1/catalogue"), api.get("/v1/availability")]);
        items = subjects(catalogue);
        words = "";
        take(availability);
      } catch (problem) {
        words = problem instanceof Problem ? problem.message : "The list could not be read.";
        onChange();
      }
    },
    /** @param {{kind: string, subject_id: string, name: string}} subject @param {"available"|"sold_out"|"counting"} state @param {number} [remaining] */
    async set(subject, state, remaining) {
      const { kind, subject_id } = subject;
      const body = { kind, subject_id, state, ...(state === "counting" ? { remaining } : {}) };
      try {
        const entry = await outbox.settled(outbox.add({ lane: LANE, path: "/v1/availability", body, label: `86 ${subject.name}` }).id);
        words = entry?.state === "refused" ? (entry.problem?.words ?? "The register said no.") : "";
        if (entry) outbox.ack(entry.id);
        await this.load();
      } catch (full) {
        words = full instanceof Error ? full.message : "";
        onChange();
      }
    },
  };
}

/** Items, and below them the modifiers, each once. @param {any} catalogue `CatalogueView` */
export function subjects(catalogue) {
  const modifiers = new Map();
  for (const group of catalogue.modifier_groups) {
    for (const offer of group.modifiers) modifiers.set(offer.modifier_id, { kind: "modifier", subject_id: offer.modifier_id, name: offer.name });
  }
  const items = catalogue.items.map((item) => ({ kind: "item", subject_id: item.item_id, name: item.name }));
  return [...items, ...modifiers.values()];
}

/** @param {any} entry `AvailabilityEntry` or undefined @returns {string} */
export const stateWords = (entry) => (!entry || entry.state === "available" ? "Available" : entry.state === "sold_out" ? `✕ SOLD OUT${tooMany(entry)}` : `${entry.remaining} left`);

/** @param {{soldOut: ReturnType<typeof createSoldOut>, onClose: () => void}} props */
export function SoldOut({ soldOut, onClose }) {
  const [search, setSearch] = useState("");
  const [counting, setCounting] = useState(/** @type {any} */ (null));
  useEffect(() => void soldOut.load(), []);
  const { entries, items, words, waiting } = soldOut.view();
  const wanted = search.trim().toLowerCase();
  const rank = (subject) => (entries.has(`${subject.kind} ${subject.subject_id}`) ? 0 : 1);
  const found = items.filter((subject) => subject.name.toLowerCase().includes(wanted)).sort((a, b) => rank(a) - rank(b));
  const row = (subject) => {
    const entry = entries.get(`${subject.kind} ${subject.subject_id}`);
    const state = entry?.state ?? "available";
    return html`<div class="row soldout-row" data-testid="soldout-row" data-subject=${subject.subject_id} data-state=${state}>
      <span class="grow clip"><span class="strong">${subject.name}</span> <span class="muted small">${subject.kind === "modifier" ? "modifier" : ""}</span></span>
      <span class="small strong ${state === "sold_out" ? "bad-text" : ""}">${stateWords(entry)}</span>
      ${state === "sold_out" ? "" : html`<button type="button" class="danger" aria-label="Sold out: ${subject.name}" onClick=${() => soldOut.set(subject, "sold_out")}>86</button>`}
      ${state === "available" ? html`<button type="button" aria-label="Count down: ${subject.name}" onClick=${() => setCounting({ subject, remaining: 5 })}>Count</button>` : ""}
      ${state === "available" ? "" : html`<button type="button" class="primary" aria-label="Available again: ${subject.name}" onClick=${() => soldOut.set(subject, "available")}>Back</button>`}
    </div>`;
  };
  return html`<${Dialog} title="86: what is sold out" wide onClose=${onClose} testid="soldout">
    ${words && html`<p class="banner bad" role="alert">${words}</p>`}
    ${waiting > 0 && html`<p class="banner warn">${waiting} not sent yet: the register does not answer.</p>`}
    ${counting ? html`<div class="row wrap-row soldout-count"><span class="grow strong">${counting.subject.name}: how many are left?</span>
        <${Stepper} label="Left" value=${counting.remaining} max=${9999} onChange=${(remaining) => setCounting({ ...counting, remaining })} />
        <button type="button" class="primary" onClick=${() => { soldOut.set(counting.subject, "counting", counting.remaining); setCounting(null); }}>Count down</button>
        <button type="button" onClick=${() => setCounting(null)}>Cancel</button></div>`
      : html`<label class="field">Find<input type="search" value=${search} onInput=${(event) => setSearch(event.currentTarget.value)} /></label>`}
    <div class="soldout-list"><${WindowedList} items=${found} rowHeight=${60} render=${row} keyOf=${(subject) => `${subject.kind} ${subject.subject_id}`} label="Items" /></div>
  </${Dialog}>`;
}
