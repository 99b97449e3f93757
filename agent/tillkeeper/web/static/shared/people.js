// @ts-check
/** Who is signed in here: sign-in, sign-out, training, and the approval of somebody who may do more. */

import { Approval } from "./dialogs.js";

/** @param {any} desk @param {Storage | null} storage */
export function createPeople(desk, storage) {
  const name = `tk.session.${desk.terminal}`;

  function keep(session) {
    try {
      if (session) storage?.setItem(name, JSON.stringify(session));
      else storage?.removeItem(name);
    } catch {
      desk.store.set({ storageTrouble: true });
    }
    desk.store.set({ session });
  }

  function stored() {
    try {
      return JSON.parse(storage?.getItem(name) ?? "null");
    } catch {
      return null;
    }
  }

  /** Everything but reading needs a session; what waits for one may go now. */
  function welcome(session) {
    keep(session);
    desk.outbox.poke();
    return session;
  }

  return {
    /** Take up the session of before a reload. Throws `Problem` where the register does not answer. */
    async resume() {
      const before = stored();
      if (!before?.session) return null;
      desk.store.set({ session: before });
      try {
        const now = await desk.api.get("/v1/session");
        return welcome({ ...now, session: before.session });
      } catch (problem) {
        if (problem.passing) throw problem;
        keep(null);
        return null;
      }
    },

    /** @param {string} pin @param {boolean} training @returns {Promise<any>} throws `Problem` with `tries_left` or `retry_after_s` */
    async signIn(pin, training) {
      return welcome(await desk.api.post("/v1/sign-in", { pin, training }, { session: "" }));
    },

    async signOut() {
      try {
        await desk.api.post("/v1/sign-out");
      } catch (problem) {
        if (problem.passing) desk.toast("The register does not answer: it ends the session by itself later.", "bad");
      }
      keep(null);
      desk.go(desk.home);
    },

    /** The register no longer knows the session. */
    ended() {
      if (!desk.store.get().session) return;
      keep(null);
      desk.toast("The sign-in has ended. Please sign in again.", "info");
    },

    /** @param {boolean} on @param {string} [approval] */
    async training(on, approval = "") {
      try {
        const now = await desk.api.post("/v1/session/training", { on }, { approval });
        keep({ ...now, session: now.session || desk.store.get().session.session });
        desk.toast(on ? "Training: nothing counts from now on." : "Training has ended: everything counts again.", "info");
      } catch (problem) {
        const given = problem.code === "approval_needed" && !approval ? await this.approve(problem.toJSON()) : "";
        if (given) await this.training(on, given);
        else desk.toast(problem.message, "bad");
      }
    },

    /** A second tab signed in or out, or switched training. */
    reread() {
      const now = stored();
      const { session } = desk.store.get();
      if (now?.session !== session?.session || now?.training !== session?.training) desk.store.set({ session: now });
    },

    /** @param {string} permission */
    may: (permission) => {
      const { session, settings } = desk.store.get();
      return !settings?.staff || Boolean(session?.permissions.includes(permission));
    },

    /** @param {any} problem `approval_needed` @returns {Promise<string | null>} an approval, null where nobody gave it */
    approve: async (problem) => (await desk.ask(Approval, { permission: problem.extra.permission ?? "", words: problem.words })) ?? null,

    storageKey: name,
  };
}
