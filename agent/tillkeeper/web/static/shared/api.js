// @ts-check
/** Requests to a register: headers, time limits, and problem documents as errors with words. */

import { problemWords } from "./words.js";

/** A final or passing "no" of the register, or no answer at all (`status` 0, `code` "no_answer"). */
export class Problem extends Error {
  /** @param {{code: string, status: number, cause?: string, hint?: string, extra?: Record<string, any>}} facts */
  constructor({ code, status, cause = "", hint = "", extra = {} }) {
    super(problemWords({ code, status, cause, hint }));
    this.code = code;
    this.status = status;
    this.cause_words = cause;
    this.hint = hint;
    this.extra = extra;
  }

  /** Whether the same request may be answered otherwise later without anybody changing it. */
  get passing() {
    return [0, 408, 425, 429, 500, 502, 503, 504, 507].includes(this.status);
  }

  /** Whether it is the signed-in person's session that was not accepted. */
  get session() {
    return this.status === 401 && this.code !== "unauthorized" && !this.code.startsWith("pin");
  }

  /** @returns {{code: string, status: number, words: string, extra: Record<string, any>}} to be kept as JSON */
  toJSON() {
    return { code: this.code, status: this.status, words: this.message, extra: this.extra };
  }
}

/**
 * @param {Response} answer
 * @returns {Promise<Problem>}
 */
async function problemOf(answer) {
  let said = {};
  try {
    said = await answer.json();
  } catch {
    // not a problem document: a proxy, or bytes that were cut off
  }
  const { type = "", cause = "", hint = "", title = "", status: _status, detail: _detail, ...extra } = said;
  const code = String(type).split(":").pop() || `http_${answer.status}`;
  const after = Number(answer.headers.get("retry-after"));
  return new Problem({ code, status: answer.status, cause: cause || title, hint, extra: after ? { retry_after_s: after, ...extra } : extra });
}

/**
 * @param {{base?: string, token: () => string, terminal: () => string, session: () => string,
 *   fetch?: typeof fetch, timeoutMs?: number}} options
 */
export function createApi({ base = "", token, terminal, session, fetch: fetching = globalThis.fetch, timeoutMs = 8000 }) {
  /**
   * @param {string} method @param {string} path
   * @param {{body?: object, key?: string, approval?: string, session?: string, terminal?: string, training?: boolean, timeoutMs?: number}} [how]
   * @returns {Promise<{value: any, replayed: boolean}>}
   */
  async function call(method, path, how = {}) {
    const headers = { authorization: `Bearer ${token()}`, accept: "application/json" };
    const person = how.session ?? session();
    const place = how.terminal ?? terminal();
    if (person) headers["tillkeeper-session"] = person;
    if (place) headers["tillkeeper-terminal"] = place;
    if (how.approval) headers["tillkeeper-approval"] = how.approval;
    if (how.training !== undefined) headers["tillkeeper-training"] = how.training ? "on" : "off";
    if (how.key) headers["idempotency-key"] = how.key;
    if (how.body) headers["content-type"] = "application/json";
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), how.timeoutMs ?? timeoutMs);
    try {
      const body = how.body ? JSON.stringify(how.body) : undefined;
      const answer = await fetching(base + path, { method, headers, body, signal: giveUp.signal, cache: "no-store" });
      if (!answer.ok) throw await problemOf(answer);
      return { value: await answer.json(), replayed: answer.headers.get("idempotent-replayed") === "true" };
    } catch (error) {
      if (error instanceof Problem) throw error;
      const cause = giveUp.signal.aborted ? "it took too long" : "no connection";
      throw new Problem({ code: "no_answer", status: 0, cause });
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    call,
    /** @param {string} path @param {object} [how] @returns {Promise<any>} the answer's value; throws `Problem` */
    get: async (path, how) => (await call("GET", path, how)).value,
    /** @param {string} path @param {object} [body] @param {object} [how] @returns {Promise<any>} as `get`; not for commands: those go through the outbox */
    post: async (path, body = {}, how = {}) => (await call("POST", path, { ...how, body })).value,
  };
}

/** @returns {string} 128 random bits in hex; works where `crypto.randomUUID` is not offered (plain http on another host) */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
