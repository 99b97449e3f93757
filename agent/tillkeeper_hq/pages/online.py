"""The last orders of web shops: where each is, and which became two checks."""

from starlette.responses import Response

from tillkeeper.contract.online import OnlineOrderState
from tillkeeper_hq import online_tables
from tillkeeper_hq.pages import figures
from tillkeeper_hq.pages.frame import page
from tillkeeper_hq.pages.html import Child, Column, badge, choice, el, link, table
from tillkeeper_hq.pages.visit import Visit
from tillkeeper_hq.pages.words import Facts, when
from tillkeeper_hq.sql import Sql

ROWS = 100
_COLUMNS = (
    Column("Order", lead=True),
    Column("State"),
    Column("Store"),
    Column("Register"),
    Column("Ticket code"),
    Column("Came"),
    Column("Why"),
)
_STATES = {"waiting": "info", "handed_out": "info", "accepted": "good", "refused": "warn", "expired": "bad"}
_WORDS = {"handed_out": "handed out"}


async def online(visit: Visit) -> Response:
    store = visit.asked("store")
    if store:
        visit.seen_store(store)

    def found(sql: Sql) -> tuple[list[str], list[tuple[str, OnlineOrderState]], dict[str, Facts]]:
        stores = [one for one in online_tables.stores(sql) if visit.user.may_see(one)]
        among = [store] if store else stores
        rows = [(one, order) for one in among for order in online_tables.newest(sql, one, visit.now_ms)]
        return stores, sorted(rows, key=lambda row: -row[1].received_ms)[:ROWS], figures.facts(sql)

    stores, rows, facts = await visit.look(found)
    form = el(
        "form",
        choice("Store", "store", [("", "All stores"), *((one, one) for one in stores)], store),
        el("button", "Show", class_="primary"),
        method="get",
        action="/online",
        class_="bar",
    )
    body = el("p", "No order of a web shop in the last 30 days.", class_="card part empty")
    if rows:
        cells = [_row(one, order, facts.get(one, Facts())) for one, order in rows]
        body = el("div", table("Online orders", _COLUMNS, cells), class_="card")
    return page(visit, "Online orders", form if len(stores) > 1 else None, body, place="/online")


def _row(store: str, one: OnlineOrderState, facts: Facts) -> list[Child]:
    also = ", ".join(f"{other.ticket_code} at {other.register}" for other in one.also_placed)
    twice = el("span", " ", badge(f"also placed: {also}", "bad")) if also else None
    marked = " may be doubled" if one.may_be_doubled and not also else ""
    return [
        one.id,
        el("span", badge(_WORDS.get(one.state, one.state), _STATES[one.state]), marked, twice),
        link(store, "/store", store=store),
        one.register,
        link(one.ticket_code, "/checks", q=one.check_id, store=store) if one.check_id else "",
        when(one.received_ms, facts),
        one.reason,
    ]
