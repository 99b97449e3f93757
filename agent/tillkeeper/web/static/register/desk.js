// @ts-check
/**
 * The desk: what views may do. One object, made once; state goes to the store, commands to the outbox, and how a command ended
 * comes back as a promise and, where it was refused, in words on the screen.
 */

import { newKey } from "../shared/api.js";
import { writer } from "../shared/money.js";
import { createOutbox } from "../shared/outbox.js";
import { createAhead } from "./ahead.js";
import { createDrafts } from "./drafts.js";
import { NOTHING, heard } from "./live-state.js";
import { outcomeOf } from "./outcome.js";
import { createPeople } from "./people.js";
import { createStore } from "./store.js";

const ASK_AGAIN_MS = 3000;
const HOLD_MS = 600; // a finger that bounces within this time meant one tap

/**
 * @param {{api: any, storage: Storage | null, locks: LockManager | null, tab: string, terminal: string}} parts
 */
export function createDesk({ api, storage, locks, tab, terminal }) {
  const store = createStore({ stage: "starting", settings: null, catalogue: null, session: null, live: NOTHING, link: "connecting",
    route: { view: "", id: "" }, dialogs: [], toasts: [], draft: null, checks: {}, waiting: [], storageTrouble: !storage, update: "", version: "", category: "", loadTrouble: "" });
  const owned = new Set();
  const guards = new Map();
  let toastId = 0;

  const outbox = createOutbox({ storage, locks, tab, send: async (entry, path, approval) => {
    const before = store.get().session;
    const outcome = await outcomeOf(api, entry, path, approval, before);
    if (outcome.session && before?.session === outcome.session) desk.people.ended();
    return outcome;
  } });
  const drafts = createDrafts({ storage, tab, newId: () => newKey().slice(0, 16), onTrouble: () => store.set({ storageTrouble: true }) });

  const desk = { ahead: createAhead(), api, outbox, drafts, store, terminal, people: /** @type {any} */ (null) };
  desk.people = createPeople(desk, storage);

  outbox.subscribe(() => {
    const entries = outbox.entries();
    document.body.toggleAttribute("data-busy", entries.some((entry) => entry.state === "waiting"));
    store.set({ waiting: entries.filter((entry) => !owned.has(entry.id) || entry.state === "waiting"), storageTrouble: store.get().storageTrouble || !outbox.durable });
  });

  /** @param {string} text @param {"info"|"good"|"bad"} [kind] */
  desk.toast = (text, kind = "info") => {
    toastId += 1;
    const id = toastId;
    const others = store.get().toasts.filter((toast) => toast.kind === "bad" && toast.text !== text); // good news replaces good news
    store.set({ toasts: [...others.slice(-1), { id, text, kind }] });
    setTimeout(() => desk.closeToast(id), kind === "bad" ? 12_000 : 2600);
  };
  /** What went wrong before is not said any more: the person has turned to something else, or it went well since. */
  desk.forgetTrouble = () => {
    const { toasts } = store.get();
    if (toasts.some((toast) => toast.kind === "bad")) store.set({ toasts: toasts.filter((toast) => toast.kind !== "bad") });
  };
  desk.closeToast = (id) => store.set({ toasts: store.get().toasts.filter((toast) => toast.id !== id) });

  /**
   * Show a dialog and wait for what it gives back. @param {any} component gets `desk`, `done(value)` and `props`
   * @param {object} [props] @returns {Promise<any>} undefined where it was closed
   */
  desk.ask = (component, props = {}) => new Promise((resolve) => {
    const dialog = { id: newKey(), component, props, done: (value) => {
      if (!store.get().dialogs.includes(dialog)) return;
      store.set({ dialogs: store.get().dialogs.filter((one) => one !== dialog) });
      resolve(value);
    } };
    store.set({ dialogs: [...store.get().dialogs, dialog] });
  });

  desk.closeDialogs = () => [...store.get().dialogs].reverse().forEach((dialog) => dialog.done(undefined));

  /** @param {string} view @param {string} [id] */
  desk.go = (view, id = "") => {
    const hash = `#/${view}${id ? `/${encodeURIComponent(id)}` : ""}`;
    if (location.hash !== hash) location.hash = hash;
  };

  /**
   * At most one run at a time under one name, and none within a bounce of the last.
   * @param {string} name @param {() => Promise<any>} work @returns {Promise<any>} undefined where it was not run
   */
  desk.once = async (name, work) => {
    if ((guards.get(name) ?? 0) > performance.now()) return undefined;
    guards.set(name, Infinity);
    try {
      return await work();
    } finally {
      guards.set(name, performance.now() + HOLD_MS);
      setTimeout(() => (guards.get(name) ?? 0) <= performance.now() && guards.delete(name), HOLD_MS + 50);
    }
  };

  /**
   * Give a command to the register and wait for its final answer, however long that takes.
   * @param {{lane: string, path: string, body?: object, label: string, draft?: string, quiet?: boolean}} command
   * @returns {Promise<{ok: true, value: any} | {ok: false, problem: any}>} a refusal was shown unless `quiet`
   */
  desk.command = async ({ quiet = false, ...command }) => {
    const { session } = store.get();
    let entry;
    try {
      entry = outbox.add({ body: {}, ...command, terminal, session: session?.session ?? "", employee: session?.employee ?? "" });
    } catch (error) {
      desk.toast(error.message, "bad");
      return { ok: false, problem: { code: "outbox_full", words: error.message, extra: {} } };
    }
    return desk.follow(entry, quiet);
  };

  /** Wait for an entry's end and deal with it. @param {any} entry @param {boolean} [quiet] */
  desk.follow = async (entry, quiet = false) => {
    owned.add(entry.id);
    for (;;) {
      const ended = await outbox.settled(entry.id);
      if (!ended || ended.state === "done") {
        desk.finished(ended ?? entry);
        return { ok: true, value: ended?.value ?? {} };
      }
      const approval = ended.problem.code === "approval_needed" ? await desk.people.approve(ended.problem) : null;
      if (approval) {
        outbox.retry(ended.id, { approval });
        continue;
      }
      desk.givenUp(ended);
      if (!quiet) desk.toast(ended.problem.words, "bad");
      return { ok: false, problem: ended.problem };
    }
  };

  /** Somebody says that a refused entry is to be tried again, now in his own name. @param {any} entry */
  desk.again = (entry) => {
    const { session } = store.get();
    outbox.retry(entry.id, session ? { session: session.session, employee: session.employee } : {});
    return desk.follow(entry);
  };

  /** First the draft goes, then the entry: whatever happens in between, the order is never there twice. */
  desk.finished = (entry) => {
    if (entry.draft) desk.dropDraft(entry.draft);
    outbox.ack(entry.id);
    owned.delete(entry.id);
  };

  desk.givenUp = (entry) => {
    const draft = entry.draft && drafts.get(entry.draft);
    if (draft) drafts.keep({ ...draft, sending: "" });
    outbox.ack(entry.id);
    owned.delete(entry.id);
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

  let asking = 0;
  async function reload() {
    try {
      await desk.load();
    } catch (problem) {
      if (problem.code === "unauthorized") store.set({ stage: "unpaired", loadTrouble: problem.message });
      else if (!problem.passing) desk.toast(problem.message, "bad"); // else the next connection reads it
    }
    clearTimeout(asking); // a browser does not say why a WebSocket was refused: this page may be unpaired at any moment
    if (store.get().link === "lost" && store.get().stage === "ready") asking = setTimeout(reload, ASK_AGAIN_MS);
  }

  /** @param {any} message of the live connection */
  desk.heard = (message) => {
    const state = store.get();
    const live = heard(state.live, message);
    const { status } = message;
    const update = status && status.version !== state.version ? status.version : state.update;
    store.set({ live, update });
    const before = state.live.status;
    if (status && before && (status.mode !== before.mode || status.catalogue_version !== before.catalogue_version || status.uptime_s < before.uptime_s)) reload();
    if (message.type === "snapshot") {
      outbox.poke();
      readShown();
    }
    if (message.type === "check" && message.check.state !== "open") noLongerOpen(message.check.check_id);
    const stale = message.type === "check" ? message.check.check_id : "";
    if (stale && (shown().includes(stale) || state.checks[stale])) desk.readCheck(stale);
  };

  desk.linkChanged = (link) => {
    store.set({ link });
    if (link === "live") outbox.poke();
    else if (link === "lost") reload();
  };

  return desk;
}
