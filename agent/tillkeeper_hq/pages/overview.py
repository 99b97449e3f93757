"""Stores, who is behind, and what needs a person."""

from collections.abc import Sequence
from itertools import groupby

from starlette.responses import Response

from tillkeeper.contract.placing import FORKED
from tillkeeper_hq.pages import figures, sales
from tillkeeper_hq.pages.figures import Waiting
from tillkeeper_hq.pages.frame import page
from tillkeeper_hq.pages.html import Child, Column, Html, badge, banner, el, link, table
from tillkeeper_hq.pages.standing import BADGES, Kind, Standing, by_register
from tillkeeper_hq.pages.visit import Visit
from tillkeeper_hq.pages.words import Facts, ago, count, when
from tillkeeper_hq.queries import RegisterLog
from tillkeeper_hq.sql import Sql

STORES = 50
"""On one page, those in trouble first."""
LOG_ROWS = 300
_REGISTERS = (
    Column("Register", lead=True),
    Column("State"),
    Column("HQ holds", numeric=True),
    Column("It has", numeric=True),
    Column("Behind", numeric=True),
    Column("Last heard"),
    Column("Set aside", numeric=True),
)
_LOGS = (
    Column("Register", lead=True),
    Column("Log"),
    Column("HQ holds", numeric=True),
    Column("It has", numeric=True),
    Column("Rejected", numeric=True),
    Column("Last heard"),
)


class _Seen:
    """What one look at the database found, as far as the user may see it."""

    def __init__(self, visit: Visit, logs: Sequence[RegisterLog], waiting: Sequence[Waiting], facts: dict[str, Facts]) -> None:
        may_see = visit.user.may_see
        self.logs = [visit.site.with_beat(log) for log in logs if may_see(log.store)]
        known = [one for one in visit.site.credentials.registers if may_see(one[0])]
        self.standings = by_register(self.logs, known, visit.now_ms)
        self.waiting = [one for one in waiting if may_see(one.store)]
        self.facts = facts

    @classmethod
    async def of(cls, visit: Visit, store: str = "") -> "_Seen":
        def found(sql: Sql) -> tuple[list[RegisterLog], list[Waiting], dict[str, Facts]]:
            return figures.logs(sql, store), figures.waiting(sql, store), figures.facts(sql)

        return cls(visit, *await visit.look(found))


async def overview(visit: Visit) -> Response:
    seen = await _Seen.of(visit)
    stores = [(store, list(of_one)) for store, of_one in groupby(seen.standings, key=lambda one: one.store)]
    ranked = sorted((min(one.kind for one in of_one), store, of_one) for store, of_one in stores)
    after = (visit.asked_number("rank", 0), visit.asked("store"))
    shown = [one for one in ranked if (int(one[0]), one[1]) > after]
    more = None
    if len(shown) > STORES:
        last = shown[STORES - 1]
        more = el("p", link("More stores", "/", rank=int(last[0]), store=last[1]), class_="more")
    cards = [_store_card(visit, seen, store, of_one) for _, store, of_one in shown[:STORES]]
    if not ranked:
        cards = [
            el("p", "No register has a token yet: [[registers]] in the credentials gives it one.", class_="card part empty")
        ]
    return page(visit, "Overview", _summary(seen), *cards, more, place="/")


async def store(visit: Visit) -> Response:
    name = visit.seen_store(visit.asked("store"))
    seen = await _Seen.of(visit, name)
    standings = [one for one in seen.standings if one.store == name]
    visit.seen_store(name if standings else "")
    facts = seen.facts.get(name, Facts())
    days = await sales.newest_days(visit, name, facts)
    rows = [_log_row(log, facts) for log in sorted(seen.logs, key=lambda one: (one.register, -one.last_seen_ms))]
    cut = el("p", f"{len(rows) - LOG_ROWS:,} older logs are not shown.", class_="muted") if len(rows) > LOG_ROWS else None
    listed = el("div", table("Logs", _LOGS, rows[:LOG_ROWS]), class_="card")
    logs = el("section", el("h2", "Logs"), _OF_LOGS, listed, cut, class_="block")
    return page(visit, name, _alarms(seen.waiting), _registers(visit, standings), days, logs, place="/")


_OF_LOGS = el(
    "p",
    "A register begins a new log when it was set up anew, restored or cloned. What is missing of an older one counts too.",
    class_="muted small",
)


def _summary(seen: _Seen) -> Child:
    kinds = [one.kind for one in seen.standings]
    fine, behind = kinds.count(Kind.FINE), kinds.count(Kind.BEHIND)
    silent, unknown = kinds.count(Kind.SILENT) + kinds.count(Kind.GONE), kinds.count(Kind.UNKNOWN) + kinds.count(Kind.NEVER)
    missing = sum(one.behind or 0 for one in seen.standings)
    tiles = (
        _tile(f"{fine} of {len(kinds)}", "registers up to date", "good" if kinds and fine == len(kinds) else "plain"),
        _tile(str(behind), "behind", "warn" if behind else "plain"),
        _tile(str(silent), "silent", "bad" if silent else "plain"),
        _tile(str(unknown), "not known", "plain"),
        _tile(f"{missing:,}", "events that HQ lacks, as far as it is known", "warn" if missing else "plain"),
    )
    return el("div", *tiles, class_="tiles"), _alarms(seen.waiting)


def _tile(figure: str, words: str, kind: str) -> Html:
    return el("div", el("span", figure, class_="figure"), el("span", words, class_="muted small"), class_=f"card tile {kind}")


def _alarms(waiting: Sequence[Waiting]) -> list[Html]:
    """Forks one by one; all else in one line."""
    forks = [one for one in waiting if one.reason == FORKED]
    found = [
        banner(
            "bad",
            el("span", f"Forked log: {one.store} / {one.register}. "),
            link(
                f"{count(one.events, 'event')} to look at", "/quarantine", store=one.store, register=one.register, reason=FORKED
            ),
        )
        for one in forks[:10]
    ]
    if len(forks) > 10:
        found.append(banner("bad", link(f"{len(forks) - 10} more registers with forked logs", "/quarantine", reason=FORKED)))
    if rest := sum(one.events for one in waiting) - sum(one.events for one in forks):
        found.append(banner("warn", link(f"{count(rest, 'rejected event')} in quarantine to look at", "/quarantine")))
    return found


def _store_card(visit: Visit, seen: _Seen, store: str, standings: Sequence[Standing]) -> Html:
    aside = sum(one.events for one in seen.waiting if one.store == store)
    head = el(
        "header",
        el("h2", link(store, "/store", store=store)),
        badge(link(f"{aside:,} to look at", "/quarantine", store=store), "bad") if aside else None,
        class_="store-head",
    )
    return el("section", head, _registers(visit, standings), class_="store")


def _registers(visit: Visit, standings: Sequence[Standing]) -> Html:
    return el("div", table("Registers", _REGISTERS, [_register_row(visit, one) for one in standings]), class_="card")


def _register_row(visit: Visit, one: Standing) -> list[Child]:
    words, kind = BADGES[one.kind]
    is_bound = one.kind in (Kind.SILENT, Kind.GONE) and one.behind
    behind = "?" if one.behind is None else f"{'≥ ' if is_bound else ''}{one.behind:,}"
    if one.kind in (Kind.SILENT, Kind.GONE, Kind.UNKNOWN) and not one.behind:
        behind = "?"
    aside = link(f"{one.rejected:,}", "/quarantine", store=one.store, register=one.register, all=1) if one.rejected else "0"
    return [
        one.register,
        el("div", badge(words, kind), el("span", one.words, class_="small muted"), class_="state"),
        f"{one.held:,}" if one.logs else "-",
        "?" if one.claimed is None else f"{one.claimed:,}",
        behind if one.kind is not Kind.NEVER else "?",
        ago(one.heard_ms, visit.now_ms) if one.heard_ms else "never",
        aside,
    ]


def _log_row(log: RegisterLog, facts: Facts) -> list[Child]:
    return [
        log.register,
        el("code", log.incarnation),
        f"{log.held_seq:,}",
        "?" if log.claimed_seq is None else f"{log.claimed_seq:,}",
        f"{log.rejected:,}",
        when(log.last_seen_ms, facts) if log.last_seen_ms else "never",
    ]
