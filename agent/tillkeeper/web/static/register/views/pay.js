// @ts-check
/** Taking money: what is due, by which tender, in how many parts; then the change, large. */

import { html, useLayoutEffect, useState } from "../../vendor/preact.js";
import { digitsOf, plain, quickCash, typed } from "../../shared/money.js";
import { Keypad } from "../../shared/ui.js";
import { Confirm } from "../../shared/dialogs.js";
import { lineMinor, unlikely } from "../order.js";
import { piecesOf } from "../shift/cash.js";
import { Split } from "../split.js";
import { Elsewhere } from "../together/elsewhere.js";
import { Frozen, isFrozen } from "../together/frozen.js";
import { Paid } from "./paid.js";
import { Totals } from "./lines.js";

/** @param {any} props */
export function Pay({ desk, state }) {
  const check = state.checks[state.route.id];
  useLayoutEffect(() => desk.ahead.end, []);
  if (!check) return html`<section class="card wait"><p role="status">Reading the check…</p><button type="button" data-action="back" onClick=${() => desk.go("checks")}>Back</button></section>`;
  if (check.state !== "open") return html`<${Paid} desk=${desk} state=${state} check=${check} />`;
  return html`<${Taking} key=${check.check_id} desk=${desk} state=${state} check=${check} />`;
}

function Taking({ desk, state, check }) {
  const { catalogue, settings, money } = state;
  const [entry, setEntry] = useState(() => desk.ahead.take());
  const [foreign, setForeign] = useState("");
  const [part, setPart] = useState(null); // {minor, words} of a split bill
  const [busy, setBusy] = useState("");
  const due = check.totals.due_minor;
  const tenders = catalogue.tenders;
  const shut = isFrozen(check) || Boolean(check.elsewhere);
  const currency = foreign || settings.currency;
  const digits = foreign ? digitsOf(foreign) : settings.minor_digits;
  const asked = foreign ? 0 : Math.min(part?.minor ?? due, due);

  async function take(tender, minor) {
    if (busy) return;
    if (tender.kind === "cash" && !foreign && minor && unlikely(minor, due, piecesOf(currency)[0] ?? 100 * 10 ** digits)) {
      const meant = await desk.ask(Confirm, { title: `Given ${money(minor)}?`, words: `${money(due)} is due. The change would be ${money(minor - due)}.`, action: `Yes, ${money(minor)}` });
      if (!meant) return;
    }
    setBusy(tender.tender);
    const result = await desk.act.tender(check, tender.tender, minor);
    setBusy("");
    if (!result?.ok) return;
    setEntry(0);
    setForeign("");
    setPart(null);
    if (result.value.state === "open") desk.toast(`${tender.title}: booked. ${result.value.change_minor ? `Change ${money(result.value.change_minor)}.` : ""}`, "good");
  }

  function press(tender) {
    const abroad = tender.currency && tender.currency !== settings.currency;
    if (abroad && foreign !== tender.currency) {
      setForeign(tender.currency);
      setEntry(0);
      return;
    }
    if (!abroad && foreign) return;
    take(tender, entry || (abroad ? null : part ? asked : null));
  }

  async function split() {
    const chosen = await desk.ask(Split, { check });
    if (chosen) setPart(chosen);
  }

  const cash = tenders.find((one) => one.kind === "cash" && (!one.currency || one.currency === settings.currency));
  const why = new Map();
  for (const tender of tenders) if (!tender.available) why.set(tender.unavailable_words, [...(why.get(tender.unavailable_words) ?? []), tender.title]);
  const offered = (tender) => !foreign || tender.currency === foreign;
  return html`<div class="pay" data-code=${check.ticket_code}>
    <section class="card pay-check"><header class="row"><button type="button" class="ghost" data-action="back" onClick=${() => desk.act.recall(check.check_id)}>‹ Order</button><h1 class="code">${check.ticket_code}</h1><span class="muted clip">${[check.table, check.name].filter(Boolean).join(" · ")}</span></header>
      <div class="pay-lines">${check.lines.filter((line) => line.quantity).map((line) => html`<div class="pay-line" key=${line.line_id}><span>${line.quantity}</span><span class="wrap">${line.name}</span><span>${money(lineMinor(line))}</span></div>`)}</div>
      ${check.payments.map((one) => html`<div class="pay-line settled" key=${one.tender_id}><span aria-hidden="true">✓</span><span>${tenders.find((tender) => tender.tender === one.tender)?.title ?? one.tender}</span><span>${money(one.amount_minor)}</span></div>`)}
      <${Totals} check=${check} money=${money} />
      <div class="row wrap-row"><button type="button" data-action="split" onClick=${split}>Split…</button><button type="button" data-action="discount" onClick=${() => desk.act.discount(check)}>Discount…</button></div>
    </section>
    <section class="card pay-take" aria-label="Payment">
      <${Elsewhere} desk=${desk} check=${check} /><${Frozen} desk=${desk} state=${state} check=${check} />
      <div class="due-large"><span class="muted">${part ? `${part.words} of ${money(due)}` : foreign ? `Given in ${foreign}` : "Due"}</span>
        <output class="due-amount" data-due=${due}>${entry ? plain(entry, digits) + (foreign ? ` ${foreign}` : "") : foreign ? money(0, foreign) : money(asked)}</output>
        ${(part || entry > 0 || foreign) && html`<button type="button" class="link" data-action="clear" onClick=${() => { setPart(null); setEntry(0); setForeign(""); }}>${entry || foreign ? "Clear the entry" : "The whole bill instead"}</button>`}</div>
      ${cash && !foreign && html`<div class="quick" role="group" aria-label="Cash amounts">${quickCash(asked, settings.minor_digits).map((amount, index) => html`<button type="button" key=${amount} data-amount=${amount} disabled=${Boolean(busy) || shut} onClick=${() => take(cash, amount)}>
        <span class="small muted">${index ? "cash" : "exact cash"}</span><span class="strong">${money(amount)}</span></button>`)}</div>`}
      <div class="pay-lower"><${Keypad} label="Amount" onKey=${(key) => setEntry((now) => typed(now, key))} />
        <div class="tenders" role="group" aria-label="Tenders">${tenders.filter(offered).map((tender) => html`<button type="button" key=${tender.tender} class="tender ${tender === cash ? "primary" : ""}" data-tender=${tender.tender} disabled=${!tender.available || Boolean(busy) || shut} onClick=${() => press(tender)}>
          <span class="strong">${busy === tender.tender ? (["cash", "custom"].includes(tender.kind) ? "Booking…" : "Asking the terminal…") : tender.title}</span>
          ${!tender.available ? html`<span class="small">not now</span>` : foreign && !entry ? html`<span class="small">least that covers it</span>` : null}</button>`)}
          ${[...why].map(([words, titles]) => html`<p class="small muted wrap tender-why" key=${words}><b>${titles.join(", ")}</b>: ${words}.</p>`)}</div></div>
    </section>
  </div>`;
}

