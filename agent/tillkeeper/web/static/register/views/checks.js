// @ts-check
/** The list of checks, and one of them in full. */

import { html, useEffect, useMemo, useState } from "../../vendor/preact.js";
import { Choice, WindowedList } from "../../shared/ui.js";
import { CHECK_STATES, ORDER_TYPES, clock } from "../../shared/words.js";
import { matching } from "../../shared/live-state.js";
import { useElsewhere, whereWords } from "../together/elsewhere.js";
import { Detail } from "./detail.js";

const FILTERS = [{ value: "open", label: "Open" }, { value: "closed", label: "Closed" }, { value: "awaiting", label: "Awaiting card" }, { value: "elsewhere", label: "Elsewhere" }, { value: "training", label: "Training" }];
const ROW = 64;
const MOST_PAGES = 6; // of 200: a day of a busy register

/** Closed and voided ones of today; the live messages lay over them what has happened since. */
async function readEnded(desk, day) {
  const rows = [];
  let before = "";
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const found = await desk.api.get(`/v1/checks?day=${day}&limit=200${before ? `&before=${before}` : ""}`);
    rows.push(...found.checks.filter((check) => check.state !== "open"));
    before = found.next_before ?? "";
    if (!before) break;
  }
  return rows;
}

const newest = (a, b) => b.opened_at_ms - a.opened_at_ms || (a.check_id < b.check_id ? 1 : -1);

/** @param {any} props */
export function Checks({ desk, state, view }) {
  const [filter, setFilter] = useState("open");
  const [text, setText] = useState("");
  const [ended, setEnded] = useState({ rows: [], words: "" });
  const { live } = state;
  const day = live.status?.business_day;
  useEffect(() => {
    if (["open", "awaiting", "elsewhere"].includes(filter) || !day) return;
    setEnded({ rows: [], words: "Reading…" });
    readEnded(desk, day).then((rows) => setEnded({ rows, words: "" }), (problem) => setEnded({ rows: [], words: problem.message }));
  }, [filter, day]);
  const elsewhere = useElsewhere(desk, filter === "elsewhere");
  const rows = useMemo(() => {
    const open = Object.values(live.checks);
    const done = Object.values({ ...Object.fromEntries(ended.rows.map((row) => [row.check_id, row])), ...live.ended }).filter((row) => !live.checks[row.check_id]);
    const chosen = { open: open.filter((row) => !row.training && !row.awaiting), closed: done.filter((row) => !row.training), awaiting: open.filter((row) => row.awaiting), elsewhere, training: [...open, ...done].filter((row) => row.training) }[filter];
    return matching(chosen ?? [], text).sort(newest);
  }, [live.checks, live.ended, ended.rows, elsewhere, filter, text]);
  const enter = (event) => {
    if (event.key !== "Enter" || !text.trim()) return;
    const code = text.trim().toUpperCase();
    const hit = rows.find((row) => row.ticket_code === code) ?? (rows.length === 1 ? rows[0] : null);
    desk.act.recall(hit?.check_id ?? code).then((check) => check && setText(""));
  };
  const chosen = view === "check" ? state.route.id : "";
  return html`<div class="checks ${chosen ? "with-detail" : ""}">
    <section class="card check-list" aria-label="Checks">
      <header class="list-head"><${Choice} label="Which checks" value=${filter} onChange=${setFilter} testid="filters" options=${FILTERS.map((one) => ({ value: one.value, label: html`<span data-filter=${one.value}>${one.label}</span>` }))} />
        <input type="search" data-field="code" aria-label="Ticket code, table, name or number" placeholder="Code, table or name" value=${text} autocomplete="off" onInput=${(event) => setText(event.currentTarget.value)} onKeyDown=${enter} /></header>
      <${WindowedList} label="Checks" testid="check-rows" items=${rows} rowHeight=${ROW} keyOf=${(row) => row.check_id} empty=${ended.words || (text ? "No check matches." : "No checks here.")}
        render=${(row) => html`<${Row} desk=${desk} state=${state} row=${row} chosen=${row.check_id === chosen} />`} />
    </section>
    ${chosen && html`<${Detail} key=${chosen} desk=${desk} state=${state} check=${state.checks[chosen] ?? Object.values(state.checks).find((one) => one.ticket_code === chosen)} />`}
  </div>`;
}

function Row({ desk, state, row, chosen }) {
  const open = row.state === "open";
  const about = [ORDER_TYPES[row.order_type], row.table && `table ${row.table}`, row.name].filter(Boolean).join(" · ");
  const mark = open ? (row.awaiting ? "◷" : "○") : row.state === "closed" ? "✓" : "✕";
  return html`<button type="button" class="check-row-button ${chosen ? "chosen" : ""}" data-check=${row.ticket_code} data-check-id=${row.check_id} data-state=${row.state} data-synced=${row.synced ? "yes" : "no"} data-awaiting=${row.awaiting || null}
    onClick=${() => desk.go("check", row.check_id)}>
    <span class="row-code">${row.ticket_code}</span>
    <span class="row-about"><span class="clip">${about}</span><span class="small muted clip">${clock(row.opened_at_ms, state.settings.timezone)} · ${mark} ${row.awaiting ? "Awaiting card" : CHECK_STATES[row.state]}${row.number ? ` · No. ${row.number}` : ""}${row.training ? " · TRAINING" : ""}${row.slip ? ` · slip ${row.slip.slip}` : ""}${row.elsewhere ? ` · ${whereWords(row.elsewhere)}` : ""}</span></span>
    ${state.settings.hq && !row.synced && html`<span class="badge plain" title="HQ does not have it yet">⇡ not synced</span>`}
    <span class="row-money"><span class="strong">${state.money(open ? row.due_minor : row.gross_minor)}</span><span class="small muted">${open ? "due" : row.state === "voided" ? "void" : "paid"}</span></span>
  </button>`;
}
