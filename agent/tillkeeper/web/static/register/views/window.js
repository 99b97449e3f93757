// @ts-check
/** The drive-through window: cars in order; the first one is paid with one tap. */

import { html, useEffect, useState } from "../../vendor/preact.js";
import { quickCash } from "../../shared/money.js";
import { age } from "../../shared/words.js";
import { useTick } from "../../shared/ui.js";
import { cars } from "../../shared/live-state.js";

/** @param {any} props */
export function Window({ desk, state }) {
  const queue = cars(Object.values(state.live.checks)).filter((car) => car.due_minor > 0);
  const [chosen, setChosen] = useState("");
  useTick(5000);
  const now = queue.find((car) => car.check_id === chosen) ?? queue[0];
  const view = now && state.checks[now.check_id];
  useEffect(() => {
    if (now && !view) desk.readCheck(now.check_id);
  }, [now?.check_id, Boolean(view)]);
  if (!now) return html`<section class="card window-empty"><h1>No car at the window</h1><p class="muted">Cars appear here as soon as their order is rung.</p></section>`;
  const since = (car) => age((state.live.status?.at_ms ?? car.opened_at_ms) - car.opened_at_ms);
  const cash = state.catalogue.tenders.find((one) => one.kind === "cash" && (!one.currency || one.currency === state.settings.currency));
  const take = async (minor) => {
    const result = await desk.act.tender(now, cash.tender, minor);
    if (result?.ok) desk.go("pay", now.check_id);
  };
  return html`<div class="window">
    <section class="card window-car" data-car=${now.car} data-code=${now.ticket_code} aria-label="Car ${now.car || now.ticket_code}">
      <header class="row"><span class="car-number large">${now.car || "·"}</span><div class="col"><h1 class="code">${now.ticket_code}</h1><span class="muted">${[now.name, since(now)].filter(Boolean).join(" · ")}</span></div><span class="grow"></span>
        <output class="due-amount" data-total=${now.due_minor}>${state.money(now.due_minor)}</output></header>
      <div class="pay-lines">${(view?.lines ?? []).filter((line) => line.quantity).map((line) => html`<div class="pay-line" key=${line.line_id}><span class="strong">${line.quantity}</span><span class="wrap">${line.name}${line.modifiers.length ? html`<span class="line-modifier">${line.modifiers.map((pick) => pick.name).join(", ")}</span>` : null}</span></div>`)}
        ${!view && html`<p class="muted">${now.lines} lines…</p>`}</div>
      ${cash && html`<div class="quick" role="group" aria-label="Cash amounts">${quickCash(now.due_minor, state.settings.minor_digits).map((amount, index) => html`<button type="button" key=${amount} data-amount=${amount} onClick=${() => take(amount)}><span class="small muted">${index ? "cash" : "exact cash"}</span><span class="strong">${state.money(amount)}</span></button>`)}</div>`}
      <footer class="row"><button type="button" class="grow" data-action="recall" onClick=${() => desk.act.recall(now.check_id)}>Change the order</button><button type="button" class="primary big grow" data-action="pay" onClick=${() => desk.go("pay", now.check_id)}>Other ways to pay…</button></footer>
    </section>
    <section class="window-queue" aria-label="Cars behind"><h2>Next</h2>${queue.filter((car) => car !== now).map((car) => html`<button type="button" class="car" key=${car.check_id} data-car=${car.car} data-check=${car.ticket_code} onClick=${() => setChosen(car.check_id)}>
      <span class="car-number">${car.car || "·"}</span><span class="strong">${car.ticket_code}</span><span class="grow"></span><span>${state.money(car.due_minor)}</span><span class="muted small">${since(car)}</span></button>`)}
      ${queue.length === 1 && html`<p class="muted">Nobody behind.</p>`}</section>
  </div>`;
}
