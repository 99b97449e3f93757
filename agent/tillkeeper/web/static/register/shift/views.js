// @ts-check
/** Views of a shift: drawer, hours, 86. See ../views.js for what a view is. */

/** @type {any[]} */
export const shiftViews = [];
