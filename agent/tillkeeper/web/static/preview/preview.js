// @ts-check
/** Shows how a document comes out of a printer: the register encodes it as it would print it, and draws the paper. */

import { html, render, useEffect, useState } from "../vendor/preact.js";
import { createApi, Problem } from "../shared/api.js";
import { openStorage, pair } from "../shared/pairing.js";
import { DOCUMENTS, firstChoice, hasCopies, hasStation, inWords, languageTitle, paperTitle, picturePath, query } from "./choice.js";

const { token, params } = pair({ location, history, storage: openStorage() });
const api = createApi({ token: () => token, terminal: () => "", session: () => "" });
const PICTURE_MS = 25_000;

/** @param {string} path @returns {Promise<string>} the address of the picture in this browser; throws `Problem` */
async function picture(path) {
  const headers = { authorization: `Bearer ${token}`, accept: "image/png" };
  let answer;
  try {
    answer = await fetch(path, { headers, cache: "no-store", signal: AbortSignal.timeout(PICTURE_MS) });
  } catch {
    throw new Problem({ code: "no_answer", status: 0 });
  }
  if (answer.ok) return URL.createObjectURL(await answer.blob());
  const { type = "", cause = "", hint = "" } = await answer.json().catch(() => ({}));
  throw new Problem({ code: String(type).split(":").pop() || `http_${answer.status}`, status: answer.status, cause, hint });
}

/** @param {{label: string, name: string, value: string, options: [string, string][], onChange: (value: string) => void}} given */
function Select({ label, name, value, options, onChange }) {
  return html`<label class="field">${label}
    <select name=${name} value=${value} onChange=${(event) => onChange(event.currentTarget.value)}>
      ${options.map(([key, title]) => html`<option key=${key} value=${key} selected=${key === value}>${title}</option>`)}
    </select></label>`;
}

/** @param {{label: string, name: string, checked: boolean, onChange: (checked: boolean) => void}} given */
function Tick({ label, name, checked, onChange }) {
  return html`<label class="tick"><input type="checkbox" name=${name} checked=${checked}
    onChange=${(event) => onChange(event.currentTarget.checked)} /><span>${label}</span></label>`;
}

/** @param {{options: import("./choice.js").Options}} given */
function Preview({ options }) {
  const [choice, setChoice] = useState(() => firstChoice(options, params));
  const [shown, setShown] = useState({ url: "", words: "", problem: "", busy: true });
  const path = picturePath(choice);

  useEffect(() => {
    let wanted = true;
    setShown((before) => ({ ...before, busy: true }));
    picture(path).then(
      (url) => (wanted ? setShown({ url, words: inWords(choice, options), problem: "", busy: false }) : URL.revokeObjectURL(url)),
      (error) => wanted && setShown({ url: "", words: "", problem: error.message, busy: false }),
    );
    const asked = query(choice);
    asked.set("document", choice.document);
    history.replaceState(null, "", `${location.pathname}?${asked}`);
    return () => { wanted = false; };
  }, [path]);
  useEffect(() => () => { if (shown.url) URL.revokeObjectURL(shown.url); }, [shown.url]);
  useEffect(() => {
    document.body.dataset.view = shown.problem ? "problem" : "picture";
    document.body.toggleAttribute("data-ready", !shown.busy);
  }, [shown]);

  const put = (/** @type {Partial<import("./choice.js").Choice>} */ change) => setChoice((before) => ({ ...before, ...change }));
  const stations = /** @type {[string, string][]} */ (Object.entries(options.stations));
  return html`<div class="preview">
    <header class="head"><h1>Paper preview</h1>
      <p class="muted small">What the printer would print, with made-up content. Nothing is printed and nothing is booked.</p></header>
    <form class="controls card" onSubmit=${(event) => event.preventDefault()}>
      <${Select} label="Document" name="document" value=${choice.document} onChange=${(value) => put({ document: value })}
        options=${options.documents.map((name) => [name, DOCUMENTS[name] ?? name])} />
      ${hasStation(choice.document) && html`<${Select} label="Station" name="station" value=${choice.station}
        onChange=${(value) => put({ station: value })} options=${[["", "The first one"], ...stations]} />`}
      <${Select} label="Language" name="language" value=${choice.language} onChange=${(value) => put({ language: value })}
        options=${[["", "As configured"], ...options.languages.map((tag) => [tag, languageTitle(tag)])]} />
      <${Select} label="Paper" name="columns" value=${choice.columns} onChange=${(value) => put({ columns: value })}
        options=${[["", "As the printer"], ...options.columns.map((columns) => [String(columns), paperTitle(columns)])]} />
      <${Tick} label="Training mode" name="training" checked=${choice.training} onChange=${(on) => put({ training: on })} />
      ${hasCopies(choice.document) && html`<${Tick} label="As a copy" name="copy" checked=${choice.copy} onChange=${(on) => put({ copy: on })} />`}
    </form>
    <section class="sheet" aria-label="The paper" aria-busy=${shown.busy}>
      <p class="visually-hidden" role="status">${shown.busy ? "Drawing…" : shown.words}</p>
      ${shown.problem && html`<p class="problem" role="alert">${shown.problem}</p>`}
      ${shown.url && html`<img src=${shown.url} alt=${shown.words} class=${shown.busy ? "old" : ""} />`}
    </section>
  </div>`;
}

const app = /** @type {HTMLElement} */ (document.getElementById("app"));
api.get("/v1/preview").then(
  (options) => render(html`<${Preview} options=${options} />`, app),
  (error) => {
    document.body.dataset.view = "problem";
    document.body.toggleAttribute("data-ready", true);
    render(html`<p class="starting problem" role="alert">${error.message}</p>`, app);
  },
);
