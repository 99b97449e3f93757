// @ts-check
/** Parts of pages: dialog, keypad, toasts, windowed list, and the dot. Preact components, styled by base.css. */

import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact.js";

/**
 * A modal dialog. The browser's own <dialog> traps the focus, makes the rest inert and closes on Escape.
 * @param {{title: string, onClose: () => void, children?: any, footer?: any, wide?: boolean, testid?: string, alarm?: boolean, name?: string}} props `name`: as `data-dialog`, for tests
 */
export function Dialog({ title, onClose, children, footer = null, wide = false, testid = "dialog", alarm = false, name = testid }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    if (!box.current.open) box.current.showModal();
    (box.current.querySelector("[autofocus]") ?? box.current).focus(); // never the ✕, which a late Enter would press
    return () => before instanceof HTMLElement && before.isConnected && before.focus();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${box} tabindex="-1" class="dialog ${wide ? "wide" : ""} ${alarm ? "alarm" : ""}" aria-label=${title} data-testid=${testid} data-dialog=${name} onCancel=${cancel}>
    <header><h2>${title}</h2><button class="icon" type="button" aria-label="Close" onClick=${onClose}>✕</button></header>
    <div class="body">${children}</div>
    ${footer && html`<footer>${footer}</footer>`}
  </dialog>`;
}

/** The dialog that has the floor, or null: keys are for what it holds and for nothing behind it. @returns {Element | null} */
export const topDialog = () => [...document.querySelectorAll("dialog[open]")].pop() ?? null;

const DIGITS = ["7", "8", "9", "4", "5", "6", "1", "2", "3"];

/**
 * What a physical key means to a keypad: "0".."9", "back", "clear" or "enter"; empty where it is for something else.
 * @param {KeyboardEvent} event @param {Element | null} dialog the keypad's own @returns {string}
 */
export function keyFor(event, dialog) {
  const on = event.target instanceof Element ? event.target : null;
  if (dialog !== topDialog() || event.ctrlKey || event.altKey || event.metaKey || on?.matches("input:not([type=checkbox]), textarea, select")) return "";
  if (/^[0-9]$/.test(event.key)) return event.key;
  if (event.key === "Enter") return on?.tagName === "BUTTON" ? "" : "enter";
  return { Backspace: "back", Delete: "clear" }[event.key] ?? "";
}

/**
 * Keys 0-9 for fingers; physical keys work too while it is shown.
 * @param {{onKey: (key: string) => void, onEnter?: () => void, extra?: "00" | "clear", label?: string}} props `onKey` gets "0".."9", "00", "back", "clear"
 */
export function Keypad({ onKey, onEnter, extra = "00", label = "Keypad" }) {
  const latest = useRef({ onKey, onEnter });
  const pad = useRef(/** @type {any} */ (null));
  latest.current = { onKey, onEnter };
  // With the keypad itself, not after it is painted: digits that were lost meanwhile would make another amount.
  useLayoutEffect(() => {
    const pressed = (event) => {
      const key = keyFor(event, pad.current?.closest("dialog") ?? null);
      if (key === "enter") latest.current.onEnter?.();
      else if (key) latest.current.onKey(key);
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
  const key = (value, face = value, name = face) =>
    html`<button type="button" class="key" data-key=${value === "back" ? "delete" : value} aria-label=${name} onClick=${() => onKey(value)}>${face}</button>`;
  return html`<div ref=${pad} class="keypad" role="group" aria-label=${label}>
    ${DIGITS.map((digit) => key(digit))}
    ${extra === "00" ? key("00") : key("clear", "C", "Clear")}${key("0")}${key("back", "⌫", "Delete the last digit")}
  </div>`;
}

/**
 * A list of which only the visible part is in the document: 500 rows cost what 20 cost.
 * @param {{items: any[], rowHeight: number, render: (item: any, index: number) => any, keyOf: (item: any) => string, label: string, empty?: string, testid?: string}} props
 */
export function WindowedList({ items, rowHeight, render, keyOf, label, empty = "Nothing here.", testid = "list" }) {
  const box = useRef(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  useLayoutEffect(() => {
    const measure = () => box.current && setView({ top: box.current.scrollTop, height: box.current.clientHeight || 800 });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const first = Math.max(0, Math.floor(view.top / rowHeight) - 4);
  const last = Math.min(items.length, Math.ceil((view.top + view.height) / rowHeight) + 4);
  const onScroll = (event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight });
  if (!items.length) return html`<div ref=${box} class="windowed empty" data-testid=${testid}><p>${empty}</p></div>`;
  return html`<div ref=${box} class="windowed" role="list" aria-label=${label} tabindex="0" data-testid=${testid} data-count=${items.length} onScroll=${onScroll}>
    <div class="windowed-all" role="presentation" style=${{ height: `${items.length * rowHeight}px` }}>
      ${items.slice(first, last).map((item, index) => html`<div role="listitem" class="windowed-row" key=${keyOf(item)}
        aria-setsize=${items.length} aria-posinset=${first + index + 1}
        style=${{ height: `${rowHeight}px`, transform: `translateY(${(first + index) * rowHeight}px)` }}>${render(item, first + index)}</div>`)}
    </div>
  </div>`;
}

const SHAPES = { green: "●", red: "✕", grey: "○" };

/** The connection in one look: colour, shape and words. @param {{colour: "green"|"red"|"grey", words: string}} props */
export const Dot = ({ colour, words }) => html`<span class="dot ${colour}" data-testid="dot" data-dot=${colour} title=${words}>
  <span class="shape" aria-hidden="true">${SHAPES[colour] ?? "○"}</span><span class="words">${words}</span></span>`;

/**
 * Messages that come and go; errors stay until they are closed. A reader hears them.
 * @param {{toasts: {id: number, text: string, kind: "info"|"good"|"bad"}[], onClose: (id: number) => void}} props
 */
export const Toasts = ({ toasts, onClose }) => html`<div class="toasts" role="status" aria-live="polite" data-testid="toasts">
  ${toasts.map((toast) => html`<div key=${toast.id} class="toast ${toast.kind}" role=${toast.kind === "bad" ? "alert" : null} data-testid="toast" data-kind=${toast.kind}>
    <span class="mark" aria-hidden="true">${{ info: "i", good: "✓", bad: "!" }[toast.kind]}</span><span>${toast.text}</span>
    <button class="icon" type="button" aria-label="Close message" onClick=${() => onClose(toast.id)}>✕</button></div>`)}
</div>`;

/**
 * Buttons of which one is chosen. @param {{options: {value: any, label: any, disabled?: boolean}[], value: any, onChange: (value: any) => void, label: string, testid?: string}} props
 */
export const Choice = ({ options, value, onChange, label, testid = "choice" }) => html`<div class="choice" role="group" aria-label=${label} data-testid=${testid}>
  ${options.map((option) => html`<button type="button" key=${String(option.value)} disabled=${option.disabled} aria-pressed=${option.value === value ? "true" : "false"}
    data-value=${String(option.value)} onClick=${() => onChange(option.value)}>${option.label}</button>`)}</div>`;

/** Plus and minus. @param {{value: number, min?: number, max?: number, onChange: (value: number) => void, label: string}} props */
export const Stepper = ({ value, min = 1, max = 999, onChange, label }) => html`<div class="stepper" role="group" aria-label=${label}>
  <button type="button" aria-label="${label}: one less" disabled=${value <= min} onClick=${() => onChange(value - 1)}>−</button>
  <output aria-live="polite">${value}</output>
  <button type="button" aria-label="${label}: one more" disabled=${value >= max} onClick=${() => onChange(value + 1)}>+</button></div>`;

/** Draws again every `ms`, for ages and countdowns. @param {number} ms */
export function useTick(ms) {
  const [, setCount] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setCount((count) => count + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
}
