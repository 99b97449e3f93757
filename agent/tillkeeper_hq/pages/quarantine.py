"""Rejected events: why, who sent them, when, and the money in them. They are never deleted; who looked at them is noted."""

from collections.abc import Mapping

from starlette.responses import Response

from tillkeeper.contract.books import TRAINING, postings
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.placing import read_event
from tillkeeper_hq.pages import figures
from tillkeeper_hq.pages.figures import Aside, Look, Wanted
from tillkeeper_hq.pages.frame import page
from tillkeeper_hq.pages.html import Child, Column, Html, badge, el, field, link, table
from tillkeeper_hq.pages.html import facts as pairs
from tillkeeper_hq.pages.visit import PageRefused, Visit, moved_to
from tillkeeper_hq.pages.words import REASONS, Facts, count, money, when
from tillkeeper_hq.sql import Sql
from tillkeeper_hq.users.model import Role

ROWS = 50
MAX_NOTE = 500
MAX_TEXT = 20_000
"""Characters of an event's content on its page."""
NEWEST = 2**62
_COUNTS = {"gross", "net", "tax", "discount", "rounding", "taken", "returned", "refunded", "refunded_tax", "refunded_by"}
"""Accounts whose amount is money; the others count."""
_COLUMNS = (
    Column("Event", lead=True),
    Column("Why"),
    Column("Money in it", numeric=True),
    Column("Received"),
    Column("Looked at"),
)


async def listed(visit: Visit) -> Response:
    wanted = _wanted(visit, visit.request.query_params)
    before = visit.asked_number("before", NEWEST)

    def found(sql: Sql) -> tuple[list[Aside], list[figures.Waiting], dict[str, Facts]]:
        return figures.asides(sql, wanted, before, ROWS + 1), figures.waiting(sql), figures.facts(sql)

    rows, waiting, facts = await visit.look(found)
    waiting = [one for one in waiting if visit.user.may_see(one.store)]
    shown = [_row(one, facts.get(one.store, Facts())) for one in rows[:ROWS]]
    query = _query(wanted)
    more = None
    if len(rows) > ROWS:
        more = el("p", link("Older ones", "/quarantine", **query, before=rows[ROWS - 1].aside_id), class_="more")
    words = "Nothing to look at." if wanted.open_only else "Nothing was ever rejected."
    body = el("p", words, class_="card part empty")
    if shown:
        body = el("div", table("Rejected events", _COLUMNS, shown), class_="card")
    act = None
    if visit.user.may(Role.MANAGER) and wanted.open_only and rows and before == NEWEST:
        act = _note_all_form(visit, wanted, rows[0].aside_id)
    about = "HQ could not take these events into the books. It keeps them for ever; their money is shown beside the sales."
    return page(
        visit, "Quarantine", el("p", about, class_="muted"), _filter(wanted, waiting), body, more, act, place="/quarantine"
    )


def _wanted(visit: Visit, asked: Mapping[str, str]) -> Wanted:
    """Raises PageRefused: another store than those that the user may see."""
    store, register, reason = (asked.get(name, "")[:200] for name in ("store", "register", "reason"))
    if store:
        visit.seen_store(store)
    return Wanted(visit.user.stores, store, register, reason, not asked.get("all", ""))


def _query(wanted: Wanted) -> dict[str, str]:
    return {"store": wanted.store, "register": wanted.register, "reason": wanted.reason, "all": "" if wanted.open_only else "1"}


def _filter(wanted: Wanted, waiting: list[figures.Waiting]) -> Html:
    """Shortcuts to what waits, by store and reason."""
    groups: dict[tuple[str, str], int] = {}
    for one in waiting:
        groups[one.store, one.reason] = groups.get((one.store, one.reason), 0) + one.events
    links = [
        link(
            (f"{store}: {reason} ", el("span", f"{events:,}", class_="count")),
            "/quarantine",
            class_="button",
            store=store,
            reason=reason,
        )
        for (store, reason), events in list(groups.items())[:30]
    ]
    state = " / ".join(one for one in (wanted.store, wanted.register, wanted.reason) if one)
    switch = link("Also those looked at", "/quarantine", class_="button", **{**_query(wanted), "all": "1"})
    if not wanted.open_only:
        switch = link("Only those to look at", "/quarantine", class_="button", **{**_query(wanted), "all": ""})
    all_of_them = link(f"× {state}", "/quarantine", class_="button on", all="" if wanted.open_only else "1") if state else None
    return el("div", all_of_them, switch, *(() if state else links), class_="bar")


def _row(one: Aside, facts: Facts) -> list[Child]:
    kind = one.envelope.type if one.envelope else "too large to show"
    place = f"{one.store} / {one.register}, event {one.seq:,}"
    return [
        el(
            "div",
            link(kind[:80] or "(no type)", "/aside", id=one.aside_id),
            el("span", place, class_="small muted"),
            class_="state",
        ),
        el("div", badge(one.reason, "bad"), el("span", one.detail[:160], class_="small muted wrap"), class_="state"),
        _gist(one.envelope, facts),
        when(one.received_ms, facts),
        badge("looked at", "good") if one.looks else badge("not yet", "warn"),
    ]


def amounts(envelope: Envelope | None, facts: Facts) -> list[tuple[str, str]]:
    """What the event would add to the books: (account, amount in words). Nothing where it can not be read."""
    if envelope is None:
        return []
    try:
        event = read_event(envelope)
        posted = postings(event, envelope.business_day) if event is not None else ()
    except (ValueError, RecursionError):
        return []
    found = []
    for account, amount in posted:
        kind = account.kind.removeprefix(TRAINING)
        words = f"{account.kind} {account.name}".strip().replace("_", " ")
        found.append((words, money(amount, facts) if kind in _COUNTS or kind.startswith("tax") else str(amount)))
    return found


def _gist(envelope: Envelope | None, facts: Facts) -> str:
    """The one amount that tells most."""
    found = dict(amounts(envelope, facts))
    for name, amount in found.items():
        if name.startswith(("gross", "taken", "refunded by")):
            return amount
    return "-"


def _note_all_form(visit: Visit, wanted: Wanted, up_to: int) -> Html:
    words = "Note all of them as looked at" if not any(wanted[1:4]) else "Note all of this choice as looked at"
    return el(
        "details",
        el("summary", words),
        visit.form_to(
            "/quarantine",
            *(el("input", type="hidden", name=name, value=value) for name, value in _query(wanted).items()),
            el("input", type="hidden", name="up_to", value=up_to),
            field("What was found", "note", required=True, maxlength=MAX_NOTE),
            el("button", "Note them all"),
        ),
        class_="card part narrow",
    )


async def note_all(visit: Visit) -> Response:
    wanted, note, up_to = _wanted(visit, visit.form), _note(visit), visit.sent_number("up_to")
    look = Look(visit.now_ms, visit.user.name, note)

    def act(sql: Sql) -> None:
        events = figures.note_all(sql, wanted, up_to, look)
        subject = " / ".join(one for one in (wanted.store, wanted.register, wanted.reason) if one) or "all"
        visit.write_act(sql, "quarantine_looked_at", subject, f"{count(events, 'event')}: {note}")

    await visit.change(act)
    return moved_to("/quarantine", **_query(wanted), done="looked")


def _note(visit: Visit) -> str:
    """Raises PageRefused."""
    note = visit.form.get("note", "").strip()
    if not 0 < len(note) <= MAX_NOTE:
        raise PageRefused(422, "What was found?", f"A note has 1 to {MAX_NOTE} characters.")
    return note


async def one(visit: Visit) -> Response:
    aside_id = visit.asked_number("id", 0)

    def found(sql: Sql) -> tuple[Aside | None, list[Look], dict[str, Facts]]:
        return figures.aside(sql, aside_id), figures.looks(sql, aside_id), figures.facts(sql)

    aside, looks, all_facts = await visit.look(found)
    if aside is None or not visit.user.may_see(aside.store):
        raise PageRefused(404, "There is no such event here")
    facts = all_facts.get(aside.store, Facts())
    return page(visit, "Rejected event", *_in_full(visit, aside, looks, facts), place="/quarantine")


def _in_full(visit: Visit, aside: Aside, looks: list[Look], facts: Facts) -> list[Child]:
    envelope = aside.envelope
    sender = aside.sent_by or "not kept"
    if aside.sent_by and aside.sent_by != aside.register:
        sender += ", which relayed it"
    about = pairs(
        ("Why", el("div", badge(aside.reason, "bad"), " ", REASONS.get(aside.reason, ""))),
        ("In detail", aside.detail or "-"),
        ("Store / register", f"{aside.store} / {aside.register}"),
        ("Log", el("code", aside.incarnation)),
        ("Place in the log", f"{aside.seq:,}"),
        ("Sent by", sender),
        ("Received", when(aside.received_ms, facts)),
        ("Type", f"{envelope.type[:200]}, version {envelope.version}" if envelope else "-"),
        ("Business day", envelope.business_day[:40] if envelope else "-"),
        ("Written", when(envelope.at_ms, facts) if envelope else "-"),
        ("Hash", el("code", envelope.hash[:128]) if envelope else "-"),
        ("Hash before", el("code", envelope.prev_hash[:128]) if envelope else "-"),
    )
    found = amounts(envelope, facts)
    added = pairs(*found) if found else el("p", "No amounts that can be read.", class_="muted")
    beside = "It is not in the sales; the books show it beside them." if found else None
    money_part = el("section", el("h2", "What it would add"), added, el("p", beside, class_="muted small"), class_="card part")
    body = envelope.body if envelope else ""
    cut = f"… and {len(body) - MAX_TEXT:,} characters more: GET /v1/quarantine has all." if len(body) > MAX_TEXT else None
    content: Child = (
        el("pre", body[:MAX_TEXT], tabindex="0") if envelope else el("p", "Too large for a page: GET /v1/quarantine has it.")
    )
    payload = el("section", el("h2", "Content, as it came"), content, el("p", cut, class_="muted small"), class_="card part")
    return [el("section", about, class_="card part"), _looks_part(visit, aside, looks, facts), money_part, payload]


def _looks_part(visit: Visit, aside: Aside, looks: list[Look], facts: Facts) -> Html:
    notes = [
        el(
            "li",
            el("span", look.note, class_="wrap"),
            el("span", f"{look.who}, {when(look.at_ms, facts)}", class_="small muted"),
        )
        for look in looks
    ]
    form = None
    if visit.user.may(Role.MANAGER):
        form = visit.form_to(
            "/aside",
            field("What was found", "note", required=True, maxlength=MAX_NOTE),
            el("button", "Note it as looked at"),
            id=aside.aside_id,
        )
    said = el("ul", *notes, class_="plain-list notes") if notes else el("p", "Nobody yet.", class_="muted")
    return el("section", el("h2", "Looked at"), said, form, class_="card part")


async def note_one(visit: Visit) -> Response:
    aside_id, note = visit.asked_number("id", 0), _note(visit)
    aside = await visit.look(figures.aside, aside_id)
    if aside is None or not visit.user.may_see(aside.store):
        raise PageRefused(404, "There is no such event here")

    def act(sql: Sql) -> None:
        figures.note_look(sql, aside_id, visit.now_ms, visit.user.name, note)
        visit.write_act(sql, "quarantine_looked_at", f"{aside.store} / {aside.register} / {aside.seq}", note)

    await visit.change(act)
    return moved_to("/aside", id=aside_id, done="looked")
