// @ts-check
/** Who is primary and who its backup: the badge in the bar at the top, and the list of all registers. */

import { html } from "../../vendor/preact.js";
import { age, sentence } from "../words.js";

const ROLES = { primary: "Primary", backup: "Backup", none: "" };

/** The one thing that changes in the bar at a fail-over. @param {any} props */
export function RoleBadge({ roles }) {
  if (!roles?.words || !ROLES[roles.role]) return null;
  return html`<span class="role-badge" data-testid="role" data-role=${roles.role} title=${roles.words}>${ROLES[roles.role]}</span>`;
}

/** @param {{view: any}} props `RolesView` */
export function RoleList({ view }) {
  const { now } = view;
  return html`<p class="wrap" data-testid="roles" data-primary=${now.primary} data-backup=${now.backup}>Primary is ${now.primary || "not known"}${now.backup ? `, its backup ${now.backup}` : ", without a backup"}${now.absent ? `; ${now.absent} is away` : ""}.${now.role === "primary" && !now.holds ? " It waits before it does what only the primary may." : ""}</p>
    ${now.alarms.map((words) => html`<p class="bad-text wrap" key=${words}>${sentence(words)}</p>`)}
    ${view.registers.map((one) => html`<div class="member" key=${one.register} data-register=${one.register} data-role=${one.role}><span class="strong grow wrap">${one.register}${one.register === view.register ? " (this one)" : ""}</span>
      ${ROLES[one.role] && html`<span class="badge ${one.role === "primary" ? "good" : "info"}">${ROLES[one.role]}</span>`}${one.register === now.absent && html`<span class="badge warn">away</span>`}
      <span class="small muted">${one.register === view.register ? "" : one.reachable ? "heard" : one.heard_s === null ? "never heard" : `silent for ${age(one.heard_s * 1000)}`}</span></div>`)}`;
}
