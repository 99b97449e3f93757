// @ts-check
/**
 * Orders that the register does not have yet, kept in the browser's storage at every change. Each tab has its own; a draft whose
 * tab is gone (a browser that crashed) is taken over by the next page that starts. A draft stays until its command is accepted.
 */

import { isEmpty, newDraft } from "./order.js";

const PREFIX = "tk.draft.";
const MAX_DRAFTS = 60;

/**
 * @param {{storage: Storage | null, tab: string, newId: () => string, onTrouble: () => void}} options
 */
export function createDrafts({ storage, tab, newId, onTrouble }) {
  const drafts = new Map();
  let currentId = "";

  const name = (id) => `${PREFIX}${tab}.${id}`;

  function keep(draft) {
    drafts.set(draft.id, draft);
    try {
      if (isEmpty(draft) && !draft.sending && !draft.check_id) storage?.removeItem(name(draft.id));
      else if (storage) storage.setItem(name(draft.id), JSON.stringify(draft));
      else onTrouble();
    } catch {
      onTrouble();
    }
    return draft;
  }

  return {
    /** Take over the drafts of tabs that are gone. @param {Set<string>} living tabs that are open @returns {any[]} the drafts found */
    adopt(living) {
      const found = [];
      const keys = Array.from({ length: storage?.length ?? 0 }, (_, index) => storage?.key(index) ?? "");
      for (const key of keys.filter((one) => one.startsWith(PREFIX))) {
        const owner = key.slice(PREFIX.length).split(".")[0];
        if (owner !== tab && living.has(owner)) continue;
        try {
          const draft = { ...newDraft("", "dine_in"), ...JSON.parse(storage?.getItem(key) ?? "") };
          if (owner !== tab) storage?.removeItem(key);
          if (draft.id && Array.isArray(draft.lines)) found.push(keep(draft));
        } catch {
          storage?.removeItem(key); // cut off in the middle of a write: never anything that was sent
        }
      }
      return found;
    },

    /** @returns {any[]} all, oldest first */
    all: () => [...drafts.values()],

    /** @param {string} id */
    get: (id) => drafts.get(id) ?? null,

    get current() {
      return drafts.get(currentId) ?? null;
    },

    /** A fresh draft, which becomes the current one. @param {string} orderType */
    start(orderType) {
      for (const draft of drafts.values()) if (isEmpty(draft) && !draft.sending) this.drop(draft.id);
      const draft = keep(newDraft(`new.${newId()}`, orderType));
      currentId = draft.id;
      return draft;
    },

    /** More lines for a check that the register has. @param {any} check */
    forCheck(check) {
      const there = [...drafts.values()].find((draft) => draft.check_id === check.check_id && !draft.sending);
      const fresh = { ...newDraft(`more.${newId()}`, check.order_type), check_id: check.check_id, ticket_code: check.ticket_code };
      const draft = there ?? keep(fresh);
      currentId = draft.id;
      return draft;
    },

    /** @param {string} id */
    use(id) {
      if (drafts.has(id)) currentId = id;
    },

    /** @param {any} draft @returns {any} */
    keep(draft) {
      if (!drafts.has(draft.id) && drafts.size >= MAX_DRAFTS) throw new Error("too many drafts are open: send or clear some first");
      return keep(draft);
    },

    /** @param {string} id */
    drop(id) {
      drafts.delete(id);
      try {
        storage?.removeItem(name(id));
      } catch {
        onTrouble();
      }
    },
  };
}
