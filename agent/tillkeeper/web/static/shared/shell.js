// @ts-check
/** The frame around every view: navigation, dot, person, notices, dialogs, messages. */

import { html, useEffect, useRef } from "../vendor/preact.js";
import { Toasts } from "./ui.js";
import { Connection, Notices } from "./notices.js";
import { RoleBadge } from "./parts/roles.js";

/**
 * @param {any} props `title`: of this place. `views`: those that it offers, in the order of the tabs; a view is `{id, title, icon, component, also?,
 *   action?, count?}`. `component` gets `{desk, state, view}`; `also`: further view names that it shows (`#/<view>/<id>`, the id is
 *   `state.route.id`); `count(desk, state)`: a number beside its name. Without `title` it has no tab.
 */
export function Shell({ desk, state, view, views, title, children = null }) {
  const chosen = views.find((one) => one.id === view || one.also?.includes(view)) ?? views[0];
  const count = (one) => one.count?.(desk, state) ?? 0;
  const Body = chosen.component;
  const route = useRef(state.route);
  useEffect(() => {
    if (route.current !== state.route) desk.forgetTrouble();
    route.current = state.route;
  }, [state.route]);
  return html`<div class="shell">
    <header class="top">
      <div class="who-where"><span class="strong place-name" title=${title}>${title} <${RoleBadge} roles=${state.live.status?.roles} /></span><span class="muted small clip">${state.settings.store_name}</span></div>
      <nav aria-label="Views">${views.filter((one) => one.title).map((one) => html`<a key=${one.id} href="#/${one.id}" data-action=${one.action ?? one.id} aria-current=${one === chosen ? "page" : null}>
        <span class="nav-icon" aria-hidden="true">${one.icon}</span><span>${one.title}</span>${count(one) > 0 && html`<span class="count">${count(one)}</span>`}</a>`)}</nav>
      <${Connection} state=${state} />
      ${state.session && html`<button type="button" class="person clip" data-action="sign-out" aria-label="Sign out ${state.session.name}" onClick=${() => desk.once("sign-out", desk.people.signOut)}>
        <span class="clip">${state.session.name}</span><span class="small muted">sign out</span></button>`}
    </header>
    <${Notices} desk=${desk} state=${state} />
    ${children}
    <main class="view view-${chosen.id}"><${Body} desk=${desk} state=${state} view=${view} key=${chosen.id} /></main>
    <${Dialogs} desk=${desk} state=${state} />
    <${Toasts} toasts=${state.toasts} onClose=${desk.closeToast} />
  </div>`;
}

/** @param {any} props */
const Dialogs = ({ desk, state }) => state.dialogs.map((dialog) => html`<${dialog.component} key=${dialog.id} desk=${desk} done=${dialog.done} ...${dialog.props} />`);
