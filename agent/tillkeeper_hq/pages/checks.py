"""From the id or code on a slip of paper to the check's number, for ever."""

from starlette.responses import Response

from tillkeeper_hq.pages import figures
from tillkeeper_hq.pages.frame import page
from tillkeeper_hq.pages.html import Child, Column, badge, choice, el, field, link, table
from tillkeeper_hq.pages.visit import Visit
from tillkeeper_hq.pages.words import Facts, money, when
from tillkeeper_hq.queries import CheckRecord
from tillkeeper_hq.sql import Sql

ROWS = 50
MAX_STORES = 200
"""That are searched at once; of more one has to be chosen."""
_COLUMNS = (
    Column("Number", lead=True),
    Column("Ticket code"),
    Column("State"),
    Column("Store / register"),
    Column("Business day"),
    Column("Total", numeric=True),
    Column("Refunded", numeric=True),
    Column("Long id"),
)
_STATES = {"open": "info", "closed": "good", "voided": "plain"}


async def checks(visit: Visit) -> Response:
    asked, store = visit.asked("q").strip(), visit.asked("store")
    if store:
        visit.seen_store(store)

    def found(sql: Sql) -> tuple[list[str], list[CheckRecord], dict[str, Facts]]:
        stores = [one for one in figures.stores(sql) if visit.user.may_see(one)]
        among = [store] if store else stores[:MAX_STORES]
        return stores, figures.find_checks(sql, among, asked, ROWS) if asked else [], figures.facts(sql)

    stores, records, facts = await visit.look(found)
    form = el(
        "form",
        field("Check number, ticket code or long id", "q", asked, required=True, autocomplete="off", autofocus=not asked),
        choice("Store", "store", [("", "All stores"), *((one, one) for one in stores)], store) if len(stores) > 1 else None,
        el("button", "Find", class_="primary"),
        method="get",
        action="/checks",
        class_="bar",
    )
    body: Child = None
    if asked and not records:
        body = el("p", "No such check: nothing that HQ holds has this number, code or id.", class_="card part empty")
        if len(stores) > MAX_STORES and not store:
            body = el("p", f"Not in the first {MAX_STORES} stores: choose the store.", class_="card part empty")
    elif records:
        rows = [_row(one, facts.get(one.store, Facts())) for one in records]
        body = el("div", table("Checks", _COLUMNS, rows), class_="card")
    return page(visit, "Checks", form, body, place="/checks")


def _state(one: CheckRecord, facts: Facts) -> Child:
    state = badge(one.state, _STATES.get(one.state, "plain"))
    if one.slip is None:
        return state
    at = f", {when(one.slip.slip_at_ms, facts)}" if one.slip.slip_at_ms else ""
    return el("span", state, " ", badge(f"from paper: slip {one.slip.slip}{at}", "info"))


def _row(one: CheckRecord, facts: Facts) -> list[Child]:
    return [
        str(one.number),
        one.ticket_code,
        _state(one, facts),
        el("span", link(one.store, "/store", store=one.store), f" / {one.register}"),
        link(one.business_day, "/day", store=one.store, day=one.business_day),
        money(one.totals.gross_minor, facts) if one.totals else "-",
        money(one.refunded_minor, facts) if one.refunded_minor else "-",
        el("code", one.check_id),
    ]
