// @ts-check
/**
 * Digits that a cashier types between "Pay" and the keypad that they are for: the order is on its way to the register then, and nobody
 * waits for that. Without the first of them another amount would stand there, or none, which books exact cash.
 */

import { typed } from "../shared/money.js";
import { keyFor } from "../shared/ui.js";

const LONGEST_MS = 10_000; // whoever types later sees that there is no keypad

/** One for a page. Keys count in the views between which the payment begins, and nowhere else. */
export function createAhead() {
  let entry = 0;
  let until = 0;

  const pressed = (event) => {
    if (performance.now() > until || !["order", "pay"].includes(document.body.dataset.view ?? "")) {
      end();
      return;
    }
    const key = keyFor(event, null);
    if (!key || key === "enter") return;
    entry = typed(entry, key);
    event.preventDefault();
  };

  function end() {
    document.removeEventListener("keydown", pressed);
    entry = 0;
    until = 0;
  }

  return {
    /** Somebody asked to pay. */
    begin() {
      end();
      until = performance.now() + LONGEST_MS;
      document.addEventListener("keydown", pressed);
    },
    /** @returns {number} the amount typed since then, in minor units; from here on the keypad listens itself */
    take() {
      const found = performance.now() > until ? 0 : entry;
      end();
      return found;
    },
    /** It did not come to a payment. */
    end,
  };
}
