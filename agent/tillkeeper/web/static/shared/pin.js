// @ts-check
/** A PIN by fingers or keys, with what the register said about wrong ones. */

import { html, useLayoutEffect, useState } from "../vendor/preact.js";
import { counted } from "./words.js";
import { Keypad, useTick } from "./ui.js";

const SHORTEST = 4;
const LONGEST = 8;

/**
 * @param {{length: number, onPin: (pin: string) => Promise<any>, label: string, lockKey: string, action?: string}} props `onPin` throws a `Problem`;
 *   `lockKey`: a lock-out is remembered under it for as long as the page lives
 */
export function PinPad({ length, onPin, label, lockKey, action = "Sign in" }) {
  const [pin, setPin] = useState("");
  const [busy, setBusy] = useState(false);
  const [words, setWords] = useState("");
  const [until, setUntil] = useState(locks.get(lockKey) ?? 0);
  useTick(500);
  const left_s = Math.ceil((until - performance.now()) / 1000);
  const locked = left_s > 0;

  async function enter(value) {
    if (busy || locked || value.length < SHORTEST) return;
    setBusy(true);
    setWords("");
    try {
      await onPin(value);
    } catch (problem) {
      setWords(wordsOf(problem));
      if (problem.code === "locked_out") {
        const end = performance.now() + (problem.extra.retry_after_s ?? 30) * 1000;
        locks.set(lockKey, end);
        setUntil(end);
      }
    } finally {
      setPin("");
      setBusy(false);
    }
  }

  function key(value) {
    if (busy || locked) return;
    const next = value === "back" ? pin.slice(0, -1) : value === "clear" ? "" : (pin + value).slice(0, LONGEST);
    setPin(next);
    if (next.length === length && next.length > pin.length) enter(next);
  }
  useLayoutEffect(() => setPin(""), [locked]);

  const dots = Array.from({ length: Math.max(length, pin.length) }, (_, index) => html`<span key=${index} class="pin-dot ${index < pin.length ? "on" : ""}"></span>`);
  return html`<div class="pin" data-testid="pin">
    <div class="pin-dots" role="img" aria-label="${label}: ${counted(pin.length, "digit")} entered">${dots}</div>
    <p class="pin-words ${words || locked ? "bad-text" : "muted"}" role=${words || locked ? "alert" : null}>
      ${locked ? `Locked after too many wrong PINs. Try again in ${left_s} s.` : busy ? "Checking…" : words || label}</p>
    <${Keypad} label=${label} extra="clear" onKey=${key} onEnter=${() => enter(pin)} />
    <button type="button" class="primary big" data-key="enter" disabled=${locked || busy || pin.length < SHORTEST} onClick=${() => enter(pin)}>${action}</button>
  </div>`;
}

/** performance.now() at which a lock-out ends: not wall clock, which may be set. */
const locks = new Map();

function wordsOf(problem) {
  const { tries_left: left } = problem.extra ?? {};
  if (problem.code === "pin_wrong") return `This PIN is not known.${left === undefined ? "" : ` ${counted(left, "try", "tries")} left.`}`;
  return problem.message;
}
