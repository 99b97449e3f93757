// @ts-check
/** The store, seen from this register: is all well, what is left to do, who is what, the mode, the end of the day. */

import { html } from "../../vendor/preact.js";
import { After } from "./after.js";
import { Day } from "./day.js";
import { Green } from "../../shared/parts/green.js";
import { Mode } from "./mode.js";
import { Paper } from "./paper.js";
import { useRead } from "../../shared/reading.js";
import { Roles } from "./roles.js";

/** @param {any} props */
export function Together({ desk, state }) {
  const green = useRead(desk, "/v1/green");
  const after = useRead(desk, "/v1/after");
  const roles = useRead(desk, "/v1/roles");
  const mode = useRead(desk, "/v1/mode");
  const day = useRead(desk, "/v1/day");
  return html`<div class="status together">
    <${Green} reading=${green} register=${state.settings.register} />
    <${Mode} desk=${desk} state=${state} reading=${mode} />
    <${Roles} desk=${desk} reading=${roles} />
    <${After} desk=${desk} state=${state} reading=${after} />
    <${Day} desk=${desk} reading=${day} />
    <${Paper} desk=${desk} state=${state} reading=${after} />
  </div>`;
}
