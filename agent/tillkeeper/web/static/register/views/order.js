// @ts-check
/** Ringing: the menu beside the order. On a phone one of both at a time. */

import { html, useEffect, useLayoutEffect, useState } from "../../vendor/preact.js";
import { counted } from "../../shared/words.js";
import { draftMinor } from "../order.js";
import { Cars } from "./cars.js";
import { Menu } from "./menu.js";
import { Pane } from "./pane.js";

/** @param {any} props */
export function Order({ desk, state }) {
  const [side, setSide] = useState("menu");
  const { draft } = state;
  const check = draft?.check_id ? state.checks[draft.check_id] : null;
  useEffect(() => {
    if (draft?.check_id && !check) desk.readCheck(draft.check_id);
  }, [draft?.id]);
  useLayoutEffect(() => setSide(draft?.check_id ? "pane" : "menu"), [draft?.id]); // before it is painted: no side flips under a finger
  useLayoutEffect(() => {
    const pressed = (event) => {
      if (event.target?.closest?.("dialog")) return;
      if (event.key === "F8") desk.act.pay();
      else if (event.key === "F9" || (event.key === "Enter" && event.ctrlKey)) desk.act.send(true);
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
  const pieces = draft?.lines.reduce((sum, line) => sum + line.quantity, 0) ?? 0;
  const lane = desk.place().view === "lane";
  return html`<div class="order side-${side}">
    ${lane && html`<${Cars} desk=${desk} state=${state} />`}
    <${Pane} desk=${desk} state=${state} draft=${draft} check=${check} />
    <${Menu} desk=${desk} state=${state} draft=${draft} check=${check} />
    <div class="sides" role="group" aria-label="Menu or order">
      <button type="button" aria-pressed=${side === "menu" ? "true" : "false"} onClick=${() => setSide("menu")}>Menu</button>
      <button type="button" aria-pressed=${side === "pane" ? "true" : "false"} onClick=${() => setSide("pane")}>${check?.ticket_code ?? "Order"} · ${counted(pieces, check ? "new piece" : "piece")} · ${state.money((check?.totals.due_minor ?? 0) + (draft ? draftMinor(draft) : 0))}</button>
    </div>
  </div>`;
}
