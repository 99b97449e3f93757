// @ts-check
/** What an answer means for an entry of the outbox: done, refused for good, or to be sent again. */

import { Problem } from "./api.js";

/**
 * @param {any} api @param {any} entry @param {string} path @param {string} approval @param {any} session who is signed in now
 * @returns {Promise<any>} an `Outcome` of shared/outbox.js
 */
export async function outcomeOf(api, entry, path, approval, session) {
  try {
    return { kind: "done", ...(await send(api, entry, path, approval, session)) };
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.session) return { kind: "later", words: "Waits until whoever entered it signs in again.", session: session?.employee === entry.employee ? session?.session : entry.session };
    if (problem.code === "unauthorized") return { kind: "later", words: problem.message };
    if (!problem.passing) return { kind: "refused", problem };
    return { kind: "later", words: problem.message, fault: problem.status === 500, problem };
  }
}

/** A session that has ended is replaced by the present one of the same person, never by somebody else's. */
async function send(api, entry, path, approval, session) {
  const how = { body: entry.body, key: entry.id, approval, terminal: entry.terminal, training: entry.training };
  try {
    return await api.call("POST", path, { ...how, session: entry.session });
  } catch (problem) {
    const same = session?.session && session.session !== entry.session && session.employee === entry.employee;
    if (!(problem instanceof Problem) || !problem.session || !same) throw problem;
    return api.call("POST", path, { ...how, session: session.session });
  }
}
