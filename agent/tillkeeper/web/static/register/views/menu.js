// @ts-check
/** The catalogue as tiles: categories, search, what is sold out or counted down. */

import { html, useLayoutEffect, useMemo, useRef, useState } from "../../vendor/preact.js";
import { newKey } from "../../shared/api.js";
import { supply } from "../../shared/live-state.js";
import { Modifiers } from "../modifiers.js";
import { changed, searched, withItem, without } from "../order.js";

const MOST_TILES = 120; // of a search; more is no help to anybody

/** @param {any} catalogue @returns {{id: string, name: string}[]} in the order of the catalogue */
export function categoriesOf(catalogue) {
  if (catalogue.categories?.length) return catalogue.categories.map((one) => ({ id: one.category_id, name: one.name }));
  const named = (id) => id.charAt(0).toUpperCase() + id.slice(1).replaceAll(/[_-]/g, " ");
  return [...new Set(catalogue.items.map((item) => item.category))].map((id) => ({ id, name: id ? named(id) : "Other" }));
}

const groupsOf = (desk, item) => {
  const { modifier_groups: all } = desk.store.get().catalogue;
  return (item?.modifier_groups ?? []).map((id) => all.find((group) => group.group_id === id)).filter(Boolean);
};

/**
 * One more of an item. Its modifiers are asked for where it needs some, or where `always` (a long press).
 * @param {any} desk @param {any} item @param {boolean} [always] @returns {Promise<void>}
 */
export async function ring(desk, item, always = false) {
  const groups = groupsOf(desk, item);
  const asks = always || groups.some((group) => group.minimum > 0);
  const picked = asks ? await desk.ask(Modifiers, { item, groups }) : { modifiers: [] };
  if (picked) desk.edit((now) => withItem(now, item, picked.modifiers, newKey().slice(0, 12), picked));
}

/** Everything about a line that is not sent yet. @param {any} desk @param {any} line @returns {Promise<void>} */
export async function changeLine(desk, line) {
  const item = desk.store.get().catalogue.items.find((one) => one.item_id === line.item_id) ?? line;
  const given = await desk.ask(Modifiers, { item, groups: groupsOf(desk, item), line });
  if (given) desk.edit((draft) => (given === "remove" ? without(draft, line.uid) : changed(draft, line.uid, given)));
}

/** @param {any} props */
export function Menu({ desk, state, draft }) {
  const { catalogue, live } = state;
  const categories = useMemo(() => categoriesOf(catalogue), [catalogue]);
  const [wanted, setCategory] = useState(state.category);
  const category = categories.some((one) => one.id === wanted) ? wanted : categories[0]?.id ?? "";
  const [text, setText] = useState("");
  const field = useRef(null);
  useLayoutEffect(() => {
    const pressed = (event) => {
      if (event.key !== "/" || /^(INPUT|TEXTAREA)$/.test(event.target?.tagName ?? "") || event.target?.closest?.("dialog")) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
  const type = draft?.order_type;
  const sold = (item) => !item.order_types.length || item.order_types.includes(type);
  const items = useMemo(() => {
    const here = catalogue.items.filter(sold);
    return text.trim() ? searched(here, text).slice(0, MOST_TILES) : here.filter((item) => item.category === category);
  }, [catalogue, category, text, type]);
  const hue = (id) => categories.findIndex((one) => one.id === id) % 8;
  const enter = (event) => {
    if (event.key === "Escape") setText("");
    const first = items.find((item) => !supply(live.availability, "item", item.item_id).sold);
    if (event.key !== "Enter" || !text.trim() || !first) return;
    setText("");
    ring(desk, first);
  };
  return html`<section class="menu" aria-label="Menu">
    <div class="categories" role="group" aria-label="Categories">
      <input ref=${field} type="search" class="search" data-field="search" aria-label="Search the menu" placeholder="Search  /" value=${text} onInput=${(event) => setText(event.currentTarget.value)} onKeyDown=${enter} />
      ${categories.map((one) => html`<button type="button" key=${one.id} class="category hue-${hue(one.id)}" data-category=${one.id} aria-pressed=${!text.trim() && one.id === category ? "true" : "false"}
        onClick=${() => { setText(""); setCategory(one.id); desk.store.set({ category: one.id }); }}>${one.name}</button>`)}
    </div>
    <div class="tiles" role="group" aria-label="Items">
      ${items.map((item) => html`<${Tile} key=${item.item_id} desk=${desk} item=${item} hue=${hue(item.category)} money=${state.money} stock=${supply(live.availability, "item", item.item_id)} />`)}
      ${items.length === 0 && html`<p class="muted empty-tiles">${text.trim() ? `Nothing on the menu is called "${text.trim()}".` : "Nothing is sold here for this order type."}</p>`}
    </div>
  </section>`;
}

function Tile({ desk, item, hue, money, stock }) {
  const state = stock.sold ? "sold-out" : stock.left !== null ? "counting" : "available";
  return html`<button type="button" class="tile hue-${hue}" data-item=${item.item_id} data-state=${state} disabled=${stock.sold} onClick=${() => ring(desk, item)} onContextMenu=${(event) => { event.preventDefault(); ring(desk, item, true); }}>
    <span class="tile-name">${item.name}</span>
    <span class="tile-foot"><span class="tile-price">${money(item.price_minor)}</span>
      ${stock.sold ? html`<span class="badge bad">86 sold out</span>` : stock.left !== null ? html`<span class="badge warn">${stock.left} left</span>` : item.modifier_groups.length ? html`<span class="muted" aria-hidden="true">⋯</span>` : null}</span>
  </button>`;
}
