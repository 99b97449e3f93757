// @ts-check
/** Words about what is left. */

/** More was sold than there was: two registers that could not hear each other sold the same pieces. @param {any} entry `AvailabilityEntry` @returns {string} */
export const tooMany = (entry) => (entry.remaining < 0 ? `, ${-entry.remaining} too many` : "");
