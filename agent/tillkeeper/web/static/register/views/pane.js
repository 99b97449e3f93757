// @ts-check
/** The order: what the register has of it, what is new, and what to do with it. */

import { html, useLayoutEffect, useRef } from "../../vendor/preact.js";
import { Choice } from "../../shared/ui.js";
import { CHECK_STATES, ORDER_TYPES } from "../../shared/words.js";
import { Text } from "../../shared/dialogs.js";
import { beforeTax, coursesLeft, draftMinor, isEmpty, pieceMinor } from "../order.js";
import { CheckMenu, LineMenu } from "../line-menus.js";
import { CheckLine, Totals } from "./lines.js";
import { changeLine } from "./menu.js";

const COURSES = [1, 2, 3, 4];
const SEATS = [null, 1, 2, 3, 4, 5, 6, 7, 8];

/** @param {any} props */
export function Pane({ desk, state, draft, check }) {
  const box = useRef(null);
  const newest = draft?.lines.at(-1);
  useLayoutEffect(() => {
    if (box.current && newest) box.current.scrollTop = box.current.scrollHeight;
  }, [draft?.id, newest?.uid, newest?.quantity]);
  if (!draft) return html`<section class="pane"></section>`;
  const sending = Boolean(draft.sending);
  const lane = desk.place().view === "lane";
  const fresh = draftMinor(draft);
  const open = check?.state === "open";
  const nothing = isEmpty(draft) && !check;
  const type = check?.order_type ?? draft.order_type;
  const setType = (value) => (check ? desk.act.orderType(check, value) : desk.edit((now) => ({ ...now, order_type: value })));
  const ask = async (field, title, more = {}) => {
    const text = await desk.ask(Text, { title, label: title, value: draft[field], field, ...more });
    if (text !== undefined) desk.edit((now) => ({ ...now, [field]: text }));
  };
  const later = open ? coursesLeft(check.lines).filter((course) => course > 1 || check.lines.some((line) => line.course === course && line.state === "held")) : [];
  const others = desk.drafts.all().filter((one) => one.id !== draft.id && !isEmpty(one));
  return html`<section class="pane card" aria-label="Order" data-code=${check?.ticket_code ?? ""} data-sending=${sending ? "yes" : null}>
    <header class="pane-head">
      <div class="pane-title"><h1 class="code clip ${check ? "" : "fresh"}">${check ? check.ticket_code : "New order"}</h1>
        <span class="muted small clip grow">${check ? [check.table && `Table ${check.table}`, check.name].filter(Boolean).join(" · ") : ""}</span>
        <button type="button" class="ghost" data-action="new" disabled=${nothing} onClick=${desk.act.fresh}>New</button>
        ${!check && html`<div class="row about">
          <button type="button" class="about-button clip" data-action="table" disabled=${sending} onClick=${() => ask("table", "Table")}>${draft.table ? `Table ${draft.table}` : "Table"}</button>
          <button type="button" class="about-button clip" data-action="name" disabled=${sending} onClick=${() => ask("name", "Name")}>${draft.name || "Name"}</button>
          <button type="button" class="about-button clip" data-action="note" disabled=${sending} onClick=${() => ask("note", "Note", { lines: true, limit: 500 })}>${draft.note || "Note"}</button></div>`}</div>
      <${Choice} label="Order type" testid="order-type" value=${type} options=${state.settings.order_types.map((value) => ({ value, label: html`<span data-order-type=${value}>${ORDER_TYPES[value]}</span>`, disabled: sending || (check && !open) }))} onChange=${setType} />
    </header>
    ${others.length > 0 && html`<div class="drafts" role="group" aria-label="Orders not sent yet">${others.map((one) => html`<button type="button" key=${one.id} class="small" data-draft=${one.id} onClick=${() => { desk.drafts.use(one.id); desk.showDraft(); }}>
      ${one.sending ? "◷ being sent" : "✎"} ${one.ticket_code || one.name || one.table || "order"} · ${state.money(draftMinor(one))}</button>`)}</div>`}
    <div ref=${box} class="lines" data-testid="lines" role=${nothing ? null : "list"} aria-label="Lines">
      ${check?.lines.map((line) => html`<${CheckLine} key=${line.line_id} line=${line} discounts=${check.discounts.filter((one) => one.line_id === line.line_id)} money=${state.money} zone=${state.settings.timezone} onPick=${open ? () => desk.ask(LineMenu, { check, line }) : null} />`)}
      ${check && draft.lines.length > 0 && html`<p role="listitem" class="lines-new small muted">New, not sent yet</p>`}
      ${draft.lines.map((line) => html`<div role="listitem" key=${line.uid}><button type="button" class="line new" data-draft-line=${line.uid} data-item-line=${line.item_id} data-state="new" disabled=${sending} onClick=${() => changeLine(desk, line)}>
        <span class="line-mark" aria-label=${line.held ? "on hold" : "new"}>${line.held ? "Ⅱ" : "+"}</span><span class="line-quantity">${line.quantity}</span>
        <span class="line-name"><span class="wrap">${line.name}</span>${line.modifiers.map((pick) => html`<span class="line-modifier" key=${pick.modifier_id}>${pick.name}</span>`)}
          ${(line.note || line.seat || line.course > 1) && html`<span class="line-modifier">${[line.seat && `seat ${line.seat}`, line.course > 1 && `course ${line.course}`, line.note].filter(Boolean).join(" · ")}</span>`}</span>
        <span class="line-price">${state.money(line.quantity * pieceMinor(line))}</span></button></div>`)}
      ${nothing && html`<p class="muted empty-lines">Tap an item to begin.<br /><span class="small">/ search · F9 send · F8 pay</span></p>`}
    </div>
    ${check && !open && draft.lines.length > 0 && html`<div class="banner warn" role="alert"><span class="grow">${check.ticket_code} is ${CHECK_STATES[check.state].toLowerCase()} meanwhile.</span>
      <button type="button" data-action="as-new" onClick=${() => desk.edit((now) => ({ ...now, check_id: "", ticket_code: "" }))}>Make it a new order</button></div>`}
    <footer class="pane-foot">
      <div class="row places"><label class="compact"><span class="visually-hidden">Seat</span><select data-field="seat" value=${draft.seat ?? ""} disabled=${sending} onChange=${(event) => desk.edit((now) => ({ ...now, seat: Number(event.target.value) || null }))}>
          ${SEATS.map((seat) => html`<option value=${seat ?? ""} selected=${draft.seat === seat}>${seat ? `Seat ${seat}` : "Seat –"}</option>`)}</select></label>
        <div class="choice courses" role="group" aria-label="Course">${COURSES.map((course) => html`<button type="button" key=${course} data-course=${course} aria-pressed=${draft.course === course ? "true" : "false"} aria-label="Course ${course}" title="Course ${course}" disabled=${sending} onClick=${() => desk.edit((now) => ({ ...now, course }))}><span class="course-word">Course</span>${course}</button>`)}</div></div>
      ${open && later.length > 0 && html`<div class="row wrap-row fires">${later.map((course) => html`<button type="button" class="grow" key=${course} data-action="fire" data-fire-course=${course} onClick=${() => desk.act.fire(check, { course }, `Course ${course} of`)}>Fire course ${course}</button>`)}</div>`}
      <${Totals} check=${check} fresh=${fresh} before=${beforeTax(state.settings)} money=${state.money} />
      <div class="pane-actions">
        ${check ? html`<button type="button" data-action="more" onClick=${() => desk.ask(CheckMenu, { check })}>More…</button>` : html`<button type="button" data-action="park" disabled=${sending || isEmpty(draft)} onClick=${() => desk.act.send(false)}>Park</button>`}
        <button type="button" class=${lane ? "primary" : ""} data-action="send" disabled=${sending || (check && !open) || (!draft.lines.length && !(open && coursesLeft(check.lines).includes(1)))} onClick=${() => desk.act.send(true)}>${sending ? "Sending…" : "Send"}</button>
        <button type="button" class=${lane ? "" : "primary"} data-action="pay" disabled=${sending || (check && !open) || (!draft.lines.length && !(open && check.lines.some((line) => line.quantity)))} onClick=${desk.act.pay}>Pay</button>
      </div>
    </footer>
  </section>`;
}
