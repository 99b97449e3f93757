// @ts-check
/** What goes with an item: modifiers by group with their bounds, pieces, note, hold. */

import { html, useState } from "../vendor/preact.js";
import { Dialog, Stepper } from "../shared/ui.js";
import { clipped } from "../shared/words.js";
import { supply } from "../shared/live-state.js";
import { pickProblems, picksOf, pieceMinor, toggled } from "./order.js";

/** Gives {modifiers, quantity, note, held, seat, course}, or "remove". @param {any} props `line`: a draft line that is changed */
export function Modifiers({ desk, done, item, groups, line = null }) {
  const [modifiers, setModifiers] = useState(line?.modifiers ?? []);
  const [quantity, setQuantity] = useState(line?.quantity ?? 1);
  const [note, setNote] = useState(line?.note ?? "");
  const [held, setHeld] = useState(line?.held ?? false);
  const [seat, setSeat] = useState(line?.seat ?? 0);
  const [course, setCourse] = useState(line?.course ?? 1);
  const { money, live } = desk.store.get();
  const problems = pickProblems(groups, modifiers);
  const open = Object.keys(problems).length > 0;
  const sum = quantity * pieceMinor({ price_minor: item.price_minor, modifiers });
  const give = () => !open && done({ modifiers, quantity, note: clipped(note.trim(), 500), held, ...(line ? { seat: seat || null, course } : {}) });
  const onKeyDown = (event) => event.key === "Enter" && event.target.tagName === "INPUT" && give();
  return html`<${Dialog} title=${item.name} wide testid="modifiers" onClose=${() => done()}
    footer=${html`${line && html`<button type="button" class="danger" data-action="remove" onClick=${() => done("remove")}>Remove</button>`}<${Stepper} label="Pieces" value=${quantity} onChange=${setQuantity} />
      <button type="button" class="primary big" data-action="add" disabled=${open} onClick=${give}>${open ? `${groups.find((group) => problems[group.group_id]).name}: ${Object.values(problems)[0]}` : `${line ? "Change" : "Add"} · ${money(sum)}`}</button>`}>
    ${groups.map((group) => html`<fieldset class="group" key=${group.group_id} data-group=${group.group_id}>
      <legend><span class="strong">${group.name}</span> <span class="small ${problems[group.group_id] ? "bad-text" : "muted"}">${problems[group.group_id] ?? bounds(group)}</span></legend>
      <div class="offers">${group.modifiers.map((offer) => {
        const on = modifiers.some((pick) => pick.modifier_id === offer.modifier_id);
        const stock = supply(live.availability, "modifier", offer.modifier_id);
        const full = !on && group.maximum !== null && group.maximum > 1 && picksOf(group, modifiers) >= group.maximum;
        return html`<button type="button" class="offer" key=${offer.modifier_id} data-modifier=${offer.modifier_id} aria-pressed=${on ? "true" : "false"} disabled=${(stock.sold || full) && !on}
          onClick=${() => setModifiers(toggled(group, offer, modifiers))}><span class="grow wrap">${offer.name}</span>
          <span class="small">${stock.sold ? "86" : stock.left !== null ? `${stock.left} left` : offer.price_minor ? (offer.price_minor > 0 ? "+" : "") + money(offer.price_minor) : ""}</span></button>`;
      })}</div></fieldset>`)}
    <div class="row wrap-row"><label class="field grow">Note for the kitchen<input data-field="note" value=${note} onInput=${(event) => setNote(event.currentTarget.value)} onKeyDown=${onKeyDown} /></label>
      <label class="check-row"><input type="checkbox" data-field="held" checked=${held} onChange=${(event) => setHeld(event.currentTarget.checked)} /><span>Hold (do not fire yet)</span></label></div>
    ${line && html`<div class="row wrap-row"><span class="muted">Course</span><${Stepper} label="Course" value=${course} max=${20} onChange=${setCourse} /><span class="muted">Seat</span><${Stepper} label="Seat" value=${seat} min=${0} max=${99} onChange=${setSeat} /></div>`}
  <//>`;
}

function bounds(group) {
  if (group.minimum && group.maximum === group.minimum) return `choose ${group.minimum}`;
  if (group.minimum) return `at least ${group.minimum}${group.maximum ? `, at most ${group.maximum}` : ""}`;
  return group.maximum ? `up to ${group.maximum}` : "any number";
}
