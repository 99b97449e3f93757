// @ts-check
/** The register page's desk: orders that are being rung, checks that are looked at, and all that every page's desk may do. */

import { newKey } from "../shared/api.js";
import { createDesk as createAnyDesk } from "../shared/desk.js";
import { writer } from "../shared/money.js";
import { createAhead } from "./ahead.js";
import { createDrafts } from "./drafts.js";

/**
 * @param {{api: any, storage: Storage | null, locks: LockManager | null, tab: string, terminal: string}} parts
 */
export function createDesk({ api, storage, locks, tab, terminal }) {
  const desk = createAnyDesk({ api, storage, locks, tab, terminal, home: "order", state: { catalogue: null, draft: null, checks: {}, category: "" } });
  const { store } = desk;
  const drafts = createDrafts({ storage, tab, newId: () => newKey().slice(0, 16), onTrouble: () => store.set({ storageTrouble: true }) });
  desk.ahead = createAhead();
  desk.drafts = drafts;

  const { finished, givenUp, heard } = desk;
  /** First the draft goes, then the entry: whatever happens in between, the order is never there twice. */
  desk.finished = (entry) => {
    if (entry.draft) desk.dropDraft(entry.draft);
    finished(entry);
  };

  desk.givenUp = (entry) => {
    const draft = entry.draft && drafts.get(entry.draft);
    if (draft) drafts.keep({ ...draft, sending: "" });
    givenUp(entry);
    desk.showDraft();
  };

  desk.showDraft = () => store.set({ draft: drafts.current });

  desk.dropDraft = (id) => {
    const was = drafts.current?.id === id;
    drafts.drop(id);
    if (was) drafts.start(desk.orderType());
    desk.showDraft();
  };

  /** @returns {any} this page's place */
  desk.place = () => {
    const terminals = store.get().settings?.terminals ?? [];
    return terminals.find((one) => one.terminal === terminal) ?? terminals[0] ?? { view: "counter", order_type: "dine_in", drawer: "", title: "" };
  };
  desk.orderType = () => (desk.place().view === "counter" ? desk.place().order_type : "drive_through");

  /** @param {(draft: any) => any} change of the current draft; while that is being sent, a tap begins the next one */
  desk.edit = (change) => {
    const now = drafts.current;
    const draft = now && !now.sending ? now : drafts.start(desk.orderType());
    try {
      drafts.keep(change(draft));
    } catch (error) {
      desk.toast(error.message, "bad");
    }
    desk.showDraft();
  };

  /** Nothing more can be rung on it: an empty draft for it goes, one with lines stays for the person to decide. */
  function noLongerOpen(id) {
    const draft = drafts.all().find((one) => one.check_id === id && !one.sending && !one.lines.length);
    if (draft) desk.dropDraft(draft.id);
  }

  /** Read a check again. @param {string} id @param {boolean} [asked] by a person, who wants to know why it can not be read now
   * @returns {Promise<{check: any, final: boolean}>} `check` null where it could not be read; `final`: asking again is no use */
  desk.readCheck = async (id, asked = false) => {
    try {
      const check = await api.get(`/v1/checks/${encodeURIComponent(id)}`);
      const kept = Object.entries({ ...store.get().checks, [check.check_id]: check }).slice(-40);
      store.set({ checks: Object.fromEntries(kept) });
      if (check.state !== "open") noLongerOpen(check.check_id);
      return { check, final: true };
    } catch (problem) {
      if (problem.status === 404) desk.toast(`There is no check ${id}.`, "bad");
      else if (asked || !problem.passing) desk.toast(`${id} can not be read now. ${problem.message}`, "bad");
      return { check: null, final: !problem.passing };
    }
  };

  /** Checks on the screen. */
  function shown() {
    const { view, id } = store.get().route;
    return [...new Set([["pay", "check"].includes(view) ? id : "", drafts.current?.check_id ?? ""])].filter(Boolean);
  }

  /** After a time without news: what is on the screen is read again, what else was read is forgotten. */
  function readShown() {
    const { checks } = store.get();
    const keep = shown();
    store.set({ checks: Object.fromEntries(Object.entries(checks).filter(([id]) => keep.includes(id))) });
    for (const id of keep) desk.readCheck(id);
  }

  /** Read what the store is like: settings, and what can be sold and how it can be paid now. Throws `Problem`. */
  desk.load = async () => {
    const [settings, catalogue] = await Promise.all([api.get("/v1/pages"), api.get("/v1/catalogue")]);
    const money = writer({ currency: settings.currency, minor_digits: settings.minor_digits, language: settings.language });
    store.set({ settings, catalogue, money, version: store.get().version || settings.version });
  };

  /** @param {any} message of the live connection */
  desk.heard = (message) => {
    heard(message);
    if (message.type === "snapshot") readShown();
    if (message.type !== "check") return;
    const { check_id, state } = message.check;
    if (state !== "open") noLongerOpen(check_id);
    if (shown().includes(check_id) || store.get().checks[check_id]) desk.readCheck(check_id);
  };

  return desk;
}
