// @ts-check
/** Who is primary and who its backup, and what a manager decides about it. */

import { html } from "../../vendor/preact.js";
import { Confirm, Pick } from "../../shared/dialogs.js";
import { RoleList } from "../../shared/parts/roles.js";
import { give } from "../../shared/reading.js";

/** @param {any} props */
export function Roles({ desk, reading }) {
  const { value: view } = reading;
  if (!view || view.registers.length < 2) return null;
  const others = (name) => view.registers.filter((one) => one.register !== name).map((one) => ({ value: one.register, label: one.register, note: one.reachable || one.register === view.register ? "" : "silent" }));
  async function assign() {
    const primary = await desk.ask(Pick, { title: "Which register is primary?", testid: "assign-primary", options: others("") });
    if (!primary) return;
    const backup = await desk.ask(Pick, { title: `Primary is ${primary}. Which is its backup?`, testid: "assign-backup", options: [...others(primary), { value: "-", label: "None", note: "nobody steps in for it" }] });
    if (!backup) return;
    await give(desk, reading, "/v1/roles/assign", backup === "-" ? { primary } : { primary, backup }, "Roles", `Primary is ${primary} now.`);
  }
  async function away(register) {
    const words = "Only say so after you have looked: it is switched off or broken, and nobody sells on it. Two registers that both think they are primary is what this prevents.";
    const sure = await desk.ask(Confirm, { title: `Is register ${register} out of service?`, words, action: `${register} is away`, danger: true });
    if (sure) await give(desk, reading, "/v1/roles/confirm-away", { register }, `${register} is away`);
  }
  return html`<section class="card part" aria-label="Roles"><h2>Roles</h2>
    <${RoleList} view=${view} />
    ${view.confirm.map((register) => html`<button type="button" class="danger" key=${register} data-action="away" data-away=${register} onClick=${() => away(register)}>Confirm that ${register} is away…</button>`)}
    <button type="button" data-action="assign" onClick=${assign}>Assign the roles…</button>
  </section>`;
}
