// @ts-check
/**
 * The views of the page, as data: what a view is says `../shared/shell.js`. `shown(desk, state)`: whether it is offered here.
 * Views of shifts, drawers, hours and 86 come from `shift/views.js`.
 */

import { cars } from "../shared/live-state.js";
import { shiftViews } from "./shift/views.js";
import { Together } from "./together/page.js";
import { Checks } from "./views/checks.js";
import { Order } from "./views/order.js";
import { Pay } from "./views/pay.js";
import { Status } from "./views/status.js";
import { Window } from "./views/window.js";

const openCars = (_desk, state) => cars(Object.values(state.live.checks)).length;

const OWN = [
  { id: "order", title: "Order", icon: "✚", component: Order, action: "menu" },
  { id: "window", title: "Cars", icon: "⛟", component: Window, count: openCars, shown: (desk) => desk.place().view === "window" },
  { id: "checks", title: "Checks", icon: "☰", component: Checks, also: ["check"], count: (_desk, state) => Object.keys(state.live.checks).length },
  { id: "pay", title: "", icon: "", component: Pay },
  ...shiftViews,
  { id: "store", title: "Store", icon: "⌂", component: Together },
  { id: "status", title: "Register", icon: "⚙", component: Status, count: (_desk, state) => state.live.status?.jobs_held ?? 0 },
];

/** @param {any} desk @param {any} state @returns {any[]} in the order of the tabs */
export const viewsFor = (desk, state) => OWN.filter((one) => !one.shown || one.shown(desk, state));
