// @ts-check
/**
 * The desk: what views may do. One object, made once; state goes to the store, commands to the outbox, and how a command ended
 * comes back as a promise and, where it was refused, in words on the screen. A page adds what only it can do.
 */

import { newKey } from "./api.js";
import { NOTHING, heard } from "./live-state.js";
import { createOutbox } from "./outbox.js";
import { outcomeOf } from "./outcome.js";
import { createPeople } from "./people.js";
import { createStore } from "./store.js";

const ASK_AGAIN_MS = 3000;
const HOLD_MS = 600; // a finger that bounces within this time meant one tap

/**
 * @param {{api: any, storage: Storage | null, locks: LockManager | null, tab: string, terminal: string, home: string, outbox?: Storage | null, state?: object}} parts `home`:
 *   the view after a sign-out; `outbox`: where commands are kept, where that is not `storage` as a whole; `state`: what the page keeps in the store besides
 */
export function createDesk({ api, storage, locks, tab, terminal, home, outbox: kept = storage, state = {} }) {
  const store = createStore({ stage: "starting", settings: null, session: null, live: NOTHING, link: "connecting", heardAt: 0,
    route: { view: "", id: "" }, dialogs: [], toasts: [], waiting: [], storageTrouble: !storage, update: "", version: "", loadTrouble: "", ...state });
  const owned = new Set();
  const guards = new Map();
  let toastId = 0;

  const outbox = createOutbox({ storage: kept, locks, tab, send: async (entry, path, approval) => {
    const before = store.get().session;
    const outcome = await outcomeOf(api, entry, path, approval, before);
    if (outcome.session && before?.session === outcome.session) desk.people.ended();
    return outcome;
  } });

  const desk = /** @type {any} */ ({ api, home, outbox, store, terminal });
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

  /** What a command carries of who enters it now: that it stays, whoever is here and however once it goes out. */
  desk.entering = () => {
    const { session } = store.get();
    return { terminal, session: session?.session ?? "", employee: session?.employee ?? "", training: Boolean(session?.training) };
  };

  /**
   * Give a command to the register and wait for its final answer, however long that takes.
   * @param {{lane: string, path: string, body?: object, label: string, draft?: string, quiet?: boolean}} command
   * @returns {Promise<{ok: true, value: any} | {ok: false, problem: any}>} a refusal was shown unless `quiet`
   */
  desk.command = async ({ quiet = false, ...command }) => {
    let entry;
    try {
      entry = outbox.add({ body: {}, ...command, ...desk.entering() });
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

  /** It is done, or a person has given it up: it is forgotten. */
  desk.finished = desk.givenUp = (entry) => {
    outbox.ack(entry.id);
    owned.delete(entry.id);
  };

  /** Read what the store is like. Throws `Problem`. */
  desk.load = async () => {
    const settings = await api.get("/v1/pages");
    store.set({ settings, version: store.get().version || settings.version });
  };

  let asking = 0;
  desk.reload = async () => {
    try {
      await desk.load();
    } catch (problem) {
      if (problem.code === "unauthorized") store.set({ stage: "unpaired", loadTrouble: problem.message });
      else if (!problem.passing) desk.toast(problem.message, "bad"); // else the next connection reads it
    }
    clearTimeout(asking); // a browser does not say why a WebSocket was refused: this page may be unpaired at any moment
    if (store.get().link === "lost" && store.get().stage === "ready") asking = setTimeout(desk.reload, ASK_AGAIN_MS);
  };

  /** @param {any} message of the live connection */
  desk.heard = (message) => {
    const before = store.get();
    const { status } = message;
    const update = status && status.version !== before.version ? status.version : before.update;
    store.set({ live: heard(before.live, message), update, heardAt: Date.now() });
    const was = before.live.status;
    if (status && was && (status.mode !== was.mode || status.catalogue_version !== was.catalogue_version || status.uptime_s < was.uptime_s)) desk.reload();
    if (message.type === "snapshot") outbox.poke();
  };

  desk.linkChanged = (link) => {
    store.set({ link });
    if (link === "live") outbox.poke();
    else if (link === "lost") desk.reload();
  };

  return desk;
}
