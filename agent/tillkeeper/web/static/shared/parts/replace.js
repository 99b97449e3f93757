// @ts-check
/** Another printer takes a device's place: what is there, a slip with a number, "is it this one?", and what waits follows. */

import { html, useEffect, useState } from "../../vendor/preact.js";
import { Dialog } from "../ui.js";
import { counted, sentence } from "../words.js";
import { useStore } from "../store.js";
import { give } from "./device-actions.js";

const SEARCH_MS = 20_000;
const AGAIN_MS = 4000;
const TROUBLES = ["no_permission", "held_by", "no_driver"];

/** Those that can be chosen first. @param {any[]} found @param {string} device @returns {{one: any, why: string}[]} `why` one can not be */
export function offered(found, device) {
  const why = (one) => {
    const others = one.devices.filter((name) => name !== device);
    if (others.length) return `in use as ${others.join(", ")}`;
    if (TROUBLES.includes(one.trouble)) return [one.detail, one.hint].filter(Boolean).map(sentence).join(" ");
    return "";
  };
  const rows = found.filter((one) => one.bus !== "display").map((one) => ({ one, why: why(one) }));
  const rank = ({ one, why }) => (why ? 2 : 0) + (one.devices.includes(device) ? 1 : 0);
  return rows.sort((a, b) => rank(a) - rank(b) || a.one.title.localeCompare(b.one.title));
}

/** Where it is, in words. @param {any} one */
export function whereabouts(one) {
  if (one.bus === "network") return `on the network at ${one.address}`;
  const socket = one.port ? ` in socket ${one.port}` : "";
  return one.bus === "usb" ? `plugged in by USB${socket}` : `on a serial adapter${socket}`;
}

/** @param {any} props */
export function Replace({ desk, done, device }) {
  const state = useStore(desk.store);
  const found = useFound(desk);
  const [slip, setSlip] = useState(/** @type {any} */ (null));
  const [doing, setDoing] = useState("");
  const [trouble, setTrouble] = useState("");
  const said = state.live.status?.devices.find((one) => one.device === device)?.trouble ?? "";
  const work = (step, words, run) => desk.once(`replace.${step}.${device}`, async () => {
    setDoing(words);
    setTrouble("");
    const result = await run();
    setDoing("");
    if (!result.ok) setTrouble(result.problem.words);
    return result;
  });
  // A model is named apart from the tap before it, which a guard against bouncing fingers follows for a moment.
  const choose = (one, profile = "") => work(profile ? `model.${profile}` : "choose", `${one.title} prints a slip…`, async () => {
    const result = await give(desk, device, "replacements", { found: one.identity, profile }, "Test slip for", true);
    if (result.ok) setSlip({ ...result.value, one, chosen: Boolean(profile) });
    return result;
  });
  const confirm = () => work("confirm", "One moment…", async () => {
    const result = await give(desk, device, `replacements/${encodeURIComponent(slip.replacement_id)}/confirm`, {}, "Replace", true);
    if (result.ok) {
      desk.toast(`${device} is ${slip.title} now.${slip.waiting ? ` ${counted(slip.waiting, "ticket follows", "tickets follow")}.` : ""}`, "good");
      done(true);
    } else setSlip(null);
    return result;
  });
  const asking = slip && !doing;
  const footer = asking && html`<button type="button" class="big" data-action="another" onClick=${() => setSlip(null)}>No, another</button>
    <button type="button" autofocus class="primary big" data-action="confirm" onClick=${confirm}>Yes, it is this one</button>`;
  return html`<${Dialog} title="Replace ${device}" testid="replace" wide onClose=${() => done()} footer=${footer || null}>
    ${said && html`<p class="wrap muted">${device}: ${said}.</p>`}
    ${trouble && html`<p class="bad-text wrap" role="alert" data-testid="replace-trouble">${trouble}</p>`}
    ${doing && html`<p class="strong" role="status" data-testid="replace-doing">${doing}</p>`}
    ${asking && html`<${Slip} slip=${slip} onModel=${(profile) => choose(slip.one, profile)} />`}
    ${!slip && !doing && html`<${List} found=${found} device=${device} onChoose=${(one) => choose(one)} />`}
  <//>`;
}

/** The list as it is known, asked for again and again while the dialog is open. @param {any} desk */
function useFound(desk) {
  const [found, setFound] = useState(/** @type {any[] | null} */ (null));
  useEffect(() => {
    let open = true;
    let timer = 0;
    async function look(ask) {
      try {
        const answer = await ask();
        if (open) setFound(answer.found);
      } catch {
        // the register does not answer: the next look may
      }
    }
    const search = async () => {
      await look(() => desk.api.post("/v1/devices/search", {}, { timeoutMs: SEARCH_MS }));
      if (open) timer = window.setTimeout(search, AGAIN_MS);
    };
    look(() => desk.api.get("/v1/devices/found"));
    search();
    return () => {
      open = false;
      clearTimeout(timer);
    };
  }, []);
  return found;
}

/** @param {any} props */
function Slip({ slip, onModel }) {
  const unknown = slip.printed === "unknown";
  return html`<div class="slip" data-slip=${slip.number}>
    <p>${unknown ? "A slip with this number may have come out of" : "A slip with this number comes out of"} <span class="strong">${slip.title}</span>:</p>
    <p class="slip-number" aria-label="Slip ${slip.number}">${slip.number}</p>
    <p class="strong">Is it this one?</p>
    ${slip.waiting > 0 && html`<p>${counted(slip.waiting, "ticket waits", "tickets wait")} and will print there.</p>`}
    ${unknown && html`<p class="bad-text wrap">${sentence(slip.detail)} Look for the slip.</p>`}
    ${(slip.chosen || !slip.profile_known) && html`<${Model} slip=${slip} onModel=${onModel} />`}
  </div>`;
}

/** Which model a printer is that does not say so: another one prints the slip again. @param {any} props */
function Model({ slip, onModel }) {
  const title = slip.models.find((one) => one.name === slip.profile)?.title ?? slip.profile;
  return html`<div class="model" data-testid="model">
    <p class="wrap">${slip.chosen ? "" : "It does not say which model it is. "}It has printed as: ${title}. Does the slip look wrong?</p>
    <label class="row"><span>Print it again as</span><select value=${slip.profile} onChange=${(event) => onModel(event.target.value)}>
      ${slip.models.map((one) => html`<option key=${one.name} value=${one.name}>${one.title}</option>`)}</select></label>
  </div>`;
}

/** @param {any} props */
function List({ found, device, onChoose }) {
  if (found === null) return html`<p role="status">Looking for printers…</p>`;
  const rows = offered(found, device);
  return html`<p>Switch the new printer on and plug it in. Which one is it?</p>
    <div class="found" role="list" aria-label="Printers that are there">${rows.map(({ one, why }) => html`<div role="listitem" key=${one.identity}><button type="button" data-found=${one.identity} disabled=${Boolean(why)} onClick=${() => onChoose(one)}>
      <span class="strong wrap">${one.title}</span><span class="small wrap">${whereabouts(one)}${one.devices.includes(device) ? `, ${device} as it is now` : ""}</span>${why && html`<span class="small wrap">${why}</span>`}</button></div>`)}</div>
    ${rows.length === 0 && html`<p class="muted">None yet.</p>`}
    <p class="small muted" role="status">Still looking: what is switched on now appears here by itself.</p>`;
}
