// @ts-check
/** Views of a shift: the drawer, hours and tips, what is sold out. See `../../shared/shell.js` for what a view is. */

import { Drawer } from "./drawer.js";
import { Hours } from "./hours.js";
import { SoldOut } from "./sold-out.js";

const waitingForZ = (_desk, state) => state.live.drawers.reduce((sum, drawer) => sum + drawer.waiting.length, 0);

export const shiftViews = [
  { id: "drawer", title: "Drawer", icon: "▤", component: Drawer, action: "drawer", count: waitingForZ, shown: (_desk, state) => state.live.drawers.length > 0 },
  { id: "staff", title: "Hours", icon: "◷", component: Hours, action: "clock", shown: (_desk, state) => Boolean(state.session?.employee) },
  { id: "sold-out", title: "86", icon: "⊘", component: SoldOut, action: "sold-out", count: (_desk, state) => state.live.availability.entries.length },
];
