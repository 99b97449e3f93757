// @ts-check
/** Who is primary and who its backup: the badge, and what a manager decides about it. */

import { html } from "../../vendor/preact.js";
import { age, sentence } from "../../shared/words.js";
import { Confirm, Pick } from "../dialogs.js";
import { give } from "./reading.js";

const ROLES = { primary: "Primary", backup: "Backup", none: "" };

/** In the bar at the top: the one thing that changes there at a fail-over. @param {any} props */
export function RoleBadge({ roles }) {
  if (!roles?.words || !ROLES[roles.role]) return null;
  return html`<span class="role-badge" data-testid="role" data-role=${roles.role} title=${roles.words}>${ROLES[roles.role]}</span>`;
}

/** @param {any} props */
export function Roles({ desk, reading }) {
  const { value: view } = reading;
  if (!view || view.registers.length < 2) return null;
  const { now } = view;
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
    <p class="wrap" data-testid="roles" data-primary=${now.primary} data-backup=${now.backup}>Primary is ${now.primary || "not known"}${now.backup ? `, its backup ${now.backup}` : ", without a backup"}${now.absent ? `; ${now.absent} is away` : ""}.${now.role === "primary" && !now.holds ? " It waits before it does what only the primary may." : ""}</p>
    ${now.alarms.map((words) => html`<p class="bad-text wrap" key=${words}>${sentence(words)}</p>`)}
    ${view.registers.map((one) => html`<div class="member" key=${one.register} data-register=${one.register} data-role=${one.role}><span class="strong grow wrap">${one.register}${one.register === view.register ? " (this one)" : ""}</span>
      ${ROLES[one.role] && html`<span class="badge ${one.role === "primary" ? "good" : "info"}">${ROLES[one.role]}</span>`}${one.register === now.absent && html`<span class="badge warn">away</span>`}
      <span class="small muted">${one.register === view.register ? "" : one.reachable ? "heard" : one.heard_s === null ? "never heard" : `silent for ${age(one.heard_s * 1000)}`}</span></div>`)}
    ${view.confirm.map((register) => html`<button type="button" class="danger" key=${register} data-action="away" data-away=${register} onClick=${() => away(register)}>Confirm that ${register} is away…</button>`)}
    <button type="button" data-action="assign" onClick=${assign}>Assign the roles…</button>
  </section>`;
}
