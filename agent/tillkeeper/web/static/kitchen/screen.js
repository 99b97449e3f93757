// @ts-check
/** The kitchen screen: signs, top bar, tickets in columns, and what keys and taps do. */

import { counted } from "../shared/words.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { Card } from "./card.js";
import { cardsOf, lateness, wanted } from "./cards.js";
import { actionOf, keyMap } from "./keys.js";
import { paginate } from "./pages.js";
import { AllDay, Recall, Settings } from "./panels.js";
import { loadPrefs, savePrefs } from "./prefs.js";
import { signsOf } from "./signs.js";
import { SoldOut } from "./soldout.js";
import { useColumns } from "./use-columns.js";
import { Signs, Top } from "./top.js";

const UNDO_MS = 8000;
const NEW_MS = 8000;
const STOP_AGAIN_MS = 10_000; // a STOP that nobody has seen is heard again

/**
 * @param {{kitchen: ReturnType<typeof import("./kitchen.js").createKitchen>, view: import("./kitchen.js").View, settings: any, device: string,
 *   clocks: ReturnType<typeof import("./clocks.js").createClocks>, steady: () => number, sound: ReturnType<typeof import("./sound.js").createSound>,
 *   soldOut: ReturnType<typeof import("./soldout.js").createSoldOut>, storage: Storage | null, unpaired: string, survives: boolean, network: any, late: any[]}} props
 */
export function Screen({ kitchen, view, settings, device, clocks, steady, sound, soldOut, storage, unpaired, survives, network, late }) {
  const [prefs, setPrefs] = useState(() => loadPrefs(storage, device, settings));
  const [panel, setPanel] = useState("");
  const [allDayOpen, setAllDayOpen] = useState(false);
  const [page, setPage] = useState(0);
  const [chosen, setChosen] = useState({ key: "", line: "" });
  const [undo, setUndo] = useState({ text: "", at: -Infinity });
  const [, tick] = useState(0);
  const { board } = view;

  const own = settings.displays.find((display) => display.device === device)?.stations ?? {};
  const all = useMemo(() => cardsOf(board), [board]);
  const cards = useMemo(() => all.filter((card) => wanted(card.station, prefs.stations, Object.keys(own))), [all, prefs.stations]);
  const { keys, unknown } = useMemo(() => keyMap(settings.bump_keys ?? {}), [settings]);
  const { box, screen } = useColumns([prefs.size, allDayOpen], board);
  const pages = useMemo(() => paginate(cards, screen), [cards, screen]);
  const at = Math.min(page, pages.length - 1);
  const shown = pages[at];
  const parts = shown.flat();
  const firsts = parts.filter((part) => part.first);
  const selected = parts.find((part) => part.card.key === chosen.key)?.card ?? null;
  const ageOf = (card) => clocks.now(card.register) - card.firedAt;
  const titles = Object.keys(own).length > 1 || all.some((card) => !(card.station in own));

  // After this drawing is in the document, not before: what it shows is acknowledged.
  useLayoutEffect(() => kitchen.committed(board), [view]);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (board.news.kind && !prefs.muted) sound.play(board.news.kind);
  }, [board.news]);
  const stopped = all.some((card) => card.stops.length);
  useEffect(() => {
    if (!stopped || prefs.muted) return undefined;
    const again = setInterval(() => sound.play("void"), STOP_AGAIN_MS);
    return () => clearInterval(again);
  }, [stopped, prefs.muted]);
  const missing = late.map((one) => one.subject).sort().join();
  const heard = useRef("");
  useEffect(() => {
    // Once for each station that it begins for: an alarm that always rings is ignored.
    const begun = late.some((one) => !heard.current.split(",").includes(one.subject));
    heard.current = missing;
    if (begun && !prefs.muted) sound.play("late");
  }, [missing]);
  useLateAlarm(cards, ageOf, prefs, () => !prefs.muted && sound.play("late"));
  useLayoutEffect(() => {
    document.documentElement.dataset.size = prefs.size;
  }, [prefs.size]);

  const onPrefs = (changes) => {
    const after = { ...prefs, ...changes };
    setPrefs(after);
    savePrefs(storage, device, after);
  };
  const bump = (card) => {
    if (card.stops.length) return;
    const index = cards.findIndex((other) => other.key === card.key);
    const next = cards[index + 1] ?? cards[index - 1];
    kitchen.bump(card);
    setUndo({ text: `${card.orderType} ${card.code} bumped`, at: steady() });
    setChosen({ key: chosen.key === card.key && next ? next.key : chosen.key === card.key ? "" : chosen.key, line: "" });
  };
  const unbump = () => {
    kitchen.recall();
    setUndo({ text: "", at: -Infinity });
  };
  const show = (key) => setPage(Math.max(0, pages.findIndex((columns) => columns.flat().some((part) => part.card.key === key))));
  const choose = (key, line = "") => {
    setChosen({ key, line });
    show(key);
  };

  const acts = {
    bump: () => selected && (selected.stops.length ? kitchen.seen(selected) : bump(selected)),
    seen: () => selected?.stops.length && kitchen.seen(selected),
    unbump,
    tick: () => {
      const line = selected?.lines.find((other) => other.id === chosen.line);
      if (selected && line && line.state !== "void" && !selected.stops.length) kitchen.tick(selected, line.id, !line.done);
    },
    next: () => step(1),
    previous: () => step(-1),
    up: () => stepLine(-1),
    down: () => stepLine(1),
    page_next: () => setPage(Math.min(pages.length - 1, at + 1)),
    page_previous: () => setPage(Math.max(0, at - 1)),
    first: () => cards[0] && choose(cards[0].key),
    recall: () => setPanel(panel === "recall" ? "" : "recall"),
    all_day: () => setAllDayOpen(!allDayOpen),
    sold_out: () => setPanel(panel === "sold_out" ? "" : "sold_out"),
    stations: () => onPrefs({ stations: nextStation(prefs.stations, Object.keys(own)) }),
    sound: () => onPrefs({ muted: !prefs.muted }),
    close: () => {
      setPanel("");
      setChosen({ key: "", line: "" });
    },
  };
  function step(by) {
    const index = cards.findIndex((card) => card.key === chosen.key);
    const card = index < 0 ? (firsts[0]?.card ?? cards[0]) : cards[Math.min(cards.length - 1, Math.max(0, index + by))];
    if (card) choose(card.key);
  }
  function stepLine(by) {
    if (!selected) return step(0);
    const lines = selected.lines.filter((line) => line.state !== "void");
    const index = lines.findIndex((line) => line.id === chosen.line);
    const line = lines[index < 0 ? (by > 0 ? 0 : lines.length - 1) : Math.min(lines.length - 1, Math.max(0, index + by))];
    if (line) setChosen({ key: selected.key, line: line.id });
  }

  const press = useRef(/** @type {(event: KeyboardEvent) => void} */ (() => {}));
  const tabbing = useRef(false);
  press.current = (event) => {
    if (event.key === "Tab") tabbing.current = true;
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (document.querySelector("dialog[open]") || (target && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))) return;
    // Enter and Space belong to a button that was reached with the Tab key; after a tap they are the bump bar's.
    if ((event.key === "Enter" || event.key === " ") && tabbing.current && target?.matches("button")) return;
    const found = actionOf(keys, event);
    if (!found || event.repeat) return;
    tabbing.current = false;
    event.preventDefault();
    const slot = parts.find((part) => part.slot === found.slot)?.card;
    if (found.action === "slot" || found.action === "bump_slot") {
      if (slot) choose(slot.key);
      if (slot && found.action === "bump_slot") slot.stops.length ? kitchen.seen(slot) : bump(slot);
    } else acts[found.action]?.();
  };
  useLayoutEffect(() => {
    const pressed = (event) => press.current(event);
    const tapped = () => (tabbing.current = false);
    document.addEventListener("keydown", pressed);
    document.addEventListener("pointerdown", tapped);
    return () => {
      document.removeEventListener("keydown", pressed);
      document.removeEventListener("pointerdown", tapped);
    };
  }, []);

  const elsewhere = all.filter((card) => card.stops.length && !parts.some((part) => part.card.key === card.key));
  const signs = signsOf({ registers: view.registers, unsent: view.unsent, dropped: board.dropped, sound: sound.state, muted: prefs.muted,
    zone: settings.timezone, unpaired, survives, elsewhere: elsewhere.map((card) => card.code), network, late });
  const onSign = {
    replaced: () => kitchen.again(),
    stop: () => {
      if (!cards.includes(elsewhere[0])) onPrefs({ stations: null });
      choose(elsewhere[0].key);
    },
    "sound-off": () => {
      sound.open();
      onPrefs({ muted: false });
    },
  };
  const undoing = undo.text && steady() - undo.at < UNDO_MS && board.past.length > 0;
  return html`<div class="kitchen">
    <${Signs} signs=${signs} onSign=${(id) => onSign[id]?.()} />
    <${Top} settings=${settings} device=${device} own=${own} prefs=${prefs} onPrefs=${onPrefs} open=${cards.length} hidden=${all.length - cards.length}
      page=${at} pages=${pages.length} onPage=${setPage} past=${board.past.length} soldOut=${soldOut.view().entries.size} allDayOpen=${allDayOpen}
      unsent=${view.unsent} registers=${view.registers} acts=${acts} onSettings=${() => setPanel("settings")} />
    <div class="floor">
      <main class="columns" ref=${box} aria-label="Tickets, page ${at + 1} of ${pages.length}" data-testid="tickets" data-open=${all.length}>
        ${cards.length === 0 && html`<p class="nothing">No tickets${all.length ? html` at this station<br />${counted(all.length, "ticket")} at others` : ""}</p>`}
        ${Array.from({ length: screen.columns }, (_, index) => html`<div class="column" key=${index}>${(shown[index] ?? []).map((part) => html`<${Card} key=${part.card.key + (part.first ? "" : part.lines[0]?.id)}
          part=${part} ageMs=${ageOf(part.card)} limits=${prefs} selected=${part.card.key === chosen.key} pointed=${part.card.key === chosen.key ? chosen.line : ""}
          isNew=${steady() - part.card.seenAt < NEW_MS} stationTitle=${titles ? (own[part.card.station] ?? part.card.station) : ""}
          onBump=${() => bump(part.card)} onSeen=${() => kitchen.seen(part.card)} onTick=${(line, done) => kitchen.tick(part.card, line, done)} />`)}</div>`)}
      </main>
      ${allDayOpen && html`<${AllDay} cards=${cards} byModifiers=${prefs.byModifiers} onByModifiers=${(byModifiers) => onPrefs({ byModifiers })} onClose=${() => setAllDayOpen(false)} />`}
    </div>
    <div class="undo" role="status">${undoing && html`<span class="grow clip">${undo.text}</span><button type="button" data-testid="undo" onClick=${unbump}>↶ Undo</button>`}</div>
    ${panel === "recall" && html`<${Recall} past=${board.past} now=${clocks.now} onRecall=${(index) => { kitchen.recall(index); setPanel(""); }} onClose=${() => setPanel("")} />`}
    ${panel === "sold_out" && html`<${SoldOut} soldOut=${soldOut} onClose=${() => setPanel("")} />`}
    ${panel === "settings" && html`<${Settings} prefs=${prefs} onPrefs=${onPrefs} keys=${keys} unknownKeys=${unknown} registers=${view.registers} device=${device} onClose=${() => setPanel("")} />`}
  </div>`;
}

/** All, then each station by itself. */
function nextStation(chosen, own) {
  if (own.length < 2) return null;
  const at = chosen ? own.indexOf(chosen[0]) : -1;
  return at + 1 < own.length ? [own[at + 1]] : null;
}

/** Calls `alarm` once for each card that becomes late while it is looked after. */
function useLateAlarm(cards, ageOf, limits, alarm) {
  const told = useRef(/** @type {Set<string> | null} */ (null));
  useEffect(() => {
    const late = new Set(cards.filter((card) => lateness(ageOf(card), limits) === "late").map((card) => card.key));
    if (told.current && [...late].some((key) => !told.current?.has(key))) alarm();
    told.current = late;
  });
}
