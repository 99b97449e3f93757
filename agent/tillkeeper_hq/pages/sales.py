"""What stores took: a business day of all stores, the days of one, and one day in full."""

import datetime
from collections.abc import Iterable

from starlette.responses import Response

from tillkeeper.contract.books import DayBooks
from tillkeeper_hq.pages import figures
from tillkeeper_hq.pages.frame import page
from tillkeeper_hq.pages.html import Child, Column, Html, badge, banner, el, field, join, link, table
from tillkeeper_hq.pages.html import facts as pairs
from tillkeeper_hq.pages.visit import PageRefused, Visit
from tillkeeper_hq.pages.words import Facts, count, money
from tillkeeper_hq.queries import StoreDay
from tillkeeper_hq.sql import Sql

DAYS = 14
STORES = 100
_FIGURES = (
    Column("Checks", numeric=True),
    Column("Gross", numeric=True),
    Column("Net", numeric=True),
    Column("Tax", numeric=True),
    Column("Refunds", numeric=True),
    Column("Kept", numeric=True),
    Column("Voids", numeric=True),
    Column("Open", numeric=True),
    Column("Set aside", numeric=True),
    Column("Day"),
)


async def sales(visit: Visit) -> Response:
    """One business day, every store."""
    today = datetime.datetime.fromtimestamp(visit.now_ms / 1000, datetime.UTC).date()
    asked, own = _day(visit.asked("day")), visit.user.stores

    def found(sql: Sql) -> tuple[str, tuple[str, str], dict[str, StoreDay], dict[str, Facts]]:
        # A store may be a day ahead of UTC.
        day = asked or figures.newest_day(sql, (today + datetime.timedelta(days=1)).isoformat(), own)
        return day, figures.beside(sql, day, own), figures.day_of_all(sql, day), figures.facts(sql)

    day, (before, after), books, facts = await visit.look(found)
    seen = {store: books[store] for store in sorted(books) if visit.user.may_see(store)}
    names = [store for store in seen if store > visit.asked("store")]
    rows = [[link(name, "/day", store=name, day=day), *_row(seen[name], facts.get(name, Facts()))] for name in names[:STORES]]
    more = None
    if len(names) > STORES:
        more = el("p", link("More stores", "/sales", day=day, store=names[STORES - 1]), class_="more")
    body = el("p", "No sales on this day.", class_="card part empty")
    if rows:
        body = el(
            "div", table(f"Sales on {day}", (Column("Store", lead=True), *_FIGURES), rows, _sums(seen, facts)), class_="card"
        )
    return page(visit, f"Sales {day}".strip(), _days_form(day, before, after), body, more, place="/sales")


def _days_form(day: str, before: str, after: str) -> Html:
    """A plain form: which day."""
    return el(
        "form",
        link("← " + before, "/sales", class_="button", day=before) if before else None,
        field("Business day", "day", day, type="date", required=True),
        el("button", "Show"),
        link(after + " →", "/sales", class_="button", day=after) if after else None,
        method="get",
        action="/sales",
        class_="bar",
    )


def _row(day: StoreDay, facts: Facts) -> list[Child]:
    books = day.books
    aside = money(day.quarantined.gross_minor - day.quarantined.refunded_minor, facts) if day.quarantined else "-"
    return [
        f"{books.sales:,}",
        money(books.gross_minor, facts),
        money(books.net_minor, facts),
        money(books.tax_minor, facts),
        money(-books.refunded_minor, facts),
        money(_kept(books), facts),
        f"{books.voids:,}",
        f"{books.open_checks:,}",
        aside,
        _standing(day),
    ]


def _standing(day: StoreDay) -> Child:
    """Whether the day is closed, and what of it is of other days."""
    parts: list[Child] = [badge("open", "plain")] if day.closed is None else [badge(f"Z {day.closed.z}", "good")]
    for one in day.adjustments:
        parts += [" ", badge(f"of {one.of}", "info")]
    return el("span", *parts)


def _kept(books: DayBooks) -> int:
    return sum(tender.kept_minor for tender in books.tenders.values())


def _sums(seen: dict[str, StoreDay], facts: dict[str, Facts]) -> list[list[Child]]:
    """One line for each currency, over all stores of the user, not only of this page."""
    by_currency: dict[Facts, list[StoreDay]] = {}
    for store, day in seen.items():
        by_currency.setdefault(facts.get(store, Facts())._replace(timezone=""), []).append(day)
    found: list[list[Child]] = []
    for how, days in sorted(by_currency.items()):
        books, aside = [day.books for day in days], [day.quarantined for day in days if day.quarantined]
        name = f"{count(len(days), 'store')}, {how.currency or 'currency not known'}"
        found.append(
            [
                name,
                f"{sum(one.sales for one in books):,}",
                money(sum(one.gross_minor for one in books), how),
                money(sum(one.net_minor for one in books), how),
                money(sum(one.tax_minor for one in books), how),
                money(-sum(one.refunded_minor for one in books), how),
                money(sum(_kept(one) for one in books), how),
                f"{sum(one.voids for one in books):,}",
                f"{sum(one.open_checks for one in books):,}",
                money(sum(one.gross_minor - one.refunded_minor for one in aside), how) if aside else "-",
                f"{count(sum(day.closed is not None for day in days), 'day')} closed",
            ]
        )
    return found


async def newest_days(visit: Visit, store: str, facts: Facts) -> Html:
    """A store's business days, newest first, from before the one that is asked for on."""
    before = _day(visit.asked("before"))
    days = await visit.look(figures.days_of, store, before, DAYS)
    rows = [
        [link(one.books.business_day, "/day", store=store, day=one.books.business_day), *_row(one, facts)]
        for one in days[:DAYS]
    ]
    more = None
    if len(days) > DAYS:
        more = el("p", link("Older days", "/store", store=store, before=days[DAYS - 1].books.business_day), class_="more")
    made = el("p", "No sales yet.", class_="card part empty")
    if rows:
        made = el("div", table("Business days", (Column("Business day", lead=True), *_FIGURES), rows), class_="card")
    return el("section", el("h2", "Business days"), made, more, class_="block")


async def day(visit: Visit) -> Response:
    """One business day of one store, to the cent."""
    store, wanted = visit.seen_store(visit.asked("store")), _day(visit.asked("day"))
    if not wanted:
        raise PageRefused(404, "There is no such day")

    def found(sql: Sql) -> tuple[StoreDay | None, Facts]:
        return figures.day_of_all(sql, wanted, store).get(store), figures.facts(sql).get(store, Facts())

    one, facts = await visit.look(found)
    head = el("p", link(store, "/store", store=store), f", {_currency(facts)}", class_="muted about")
    if one is None:
        body: Child = el("p", "No sales on this day.", class_="card part empty")
    else:
        body = (
            _set_aside(one.quarantined, store, facts),
            _end_of_day(one, store, facts),
            *_in_full(one.books, facts),
        )
    return page(visit, f"{wanted}, {store}", head, body, place="/sales")


def _end_of_day(day: StoreDay, store: str, facts: Facts) -> Html:
    """Who closed the day, and what it books for other days."""
    closed = day.closed
    words = "This day is open: its figures may still change."
    if closed is not None:
        words = f"Closed by register {closed.register}, Z {closed.z}, under roles {closed.epoch}."
        if closed.others:
            words += f" {count(closed.others, 'other close')} of this day came too and does not count: its roles are older."
    rows: list[list[Child]] = [
        [
            link(one.of, "/day", store=store, day=one.of),
            f"{one.books.sales:,}",
            money(one.books.gross_minor, facts),
            money(-one.books.refunded_minor, facts),
            money(_kept(one.books), facts),
        ]
        for one in day.adjustments
    ]
    columns = (Column("Of", lead=True), *(Column(name, numeric=True) for name in ("Checks", "Gross", "Refunds", "Kept")))
    adjusted = el("div", table("Adjustments: of days that were closed before it came", columns, rows)) if rows else None
    return el("section", el("h2", "End of day"), el("p", words), adjusted, class_="card part")


def _currency(facts: Facts) -> str:
    return (
        f"amounts in {facts.currency}"
        if facts.currency
        else "its registers did not say which currency; two decimals are assumed"
    )


def _in_full(books: DayBooks, facts: Facts) -> Iterable[Html]:
    def shown(minor: int) -> str:
        return money(minor, facts)

    yield el(
        "section",
        el("h2", "Sales"),
        pairs(
            ("Closed checks", f"{books.sales:,}"),
            ("Gross", el("strong", shown(books.gross_minor))),
            ("Net", shown(books.net_minor)),
            ("Tax", shown(books.tax_minor)),
            ("Discounts given", shown(books.discount_minor)),
            ("Cash rounding", shown(books.rounding_minor)),
            ("Refunds", f"{shown(books.refunded_minor)} in {books.refunds:,}"),
            ("Tax in refunds", shown(books.refunded_tax_minor)),
            ("Voided checks", f"{books.voids:,}"),
            ("No-sales", f"{books.no_sales:,}"),
            ("Opened", f"{books.opened:,}"),
            ("Open at the end", f"{books.open_checks:,}"),
            narrow=True,
        ),
        class_="card part",
    )
    columns = (
        Column("Tender", lead=True),
        *(Column(words, numeric=True) for words in ("Taken", "Returned on voids", "Refunded", "Kept")),
    )
    tenders = [
        [name or "-", shown(one.taken_minor), shown(one.returned_minor), shown(one.refunded_minor), shown(one.kept_minor)]
        for name, one in books.tenders.items()
    ]
    of_all = books.tenders.values()
    kept = [
        ["All", shown(sum(one.taken_minor for one in of_all)), shown(sum(one.returned_minor for one in of_all)),
         shown(sum(one.refunded_minor for one in of_all)), shown(_kept(books))]
    ]  # fmt: skip
    yield el("section", el("h2", "Tenders"), el("div", table("Tenders", columns, tenders, kept), class_="card"), class_="block")
    columns = (
        Column("Tax code", lead=True),
        Column("Net", numeric=True),
        Column("Tax", numeric=True),
        Column("Gross", numeric=True),
    )
    taxes = [
        [code, shown(one.net_minor), shown(one.tax_minor), shown(one.net_minor + one.tax_minor)]
        for code, one in books.taxes.items()
    ]
    yield el("section", el("h2", "Taxes"), el("div", table("Taxes", columns, taxes), class_="card"), class_="block")


def _set_aside(books: DayBooks | None, store: str, facts: Facts) -> Html:
    """What rejected events of the day would add: shown beside, never mixed in."""
    if books is None:
        return join(())
    would = (
        f"Rejected events of this day are not in these figures. They would add {count(books.sales, 'check')},"
        f" {money(books.gross_minor, facts)} gross, {money(books.refunded_minor, facts)} refunded,"
        f" {money(_kept(books), facts)} kept. "
    )
    return banner("warn", el("span", would), link("See them", "/quarantine", store=store, all=1))


def _day(text: str) -> str:
    """A business day, empty for anything else."""
    try:
        return text if datetime.date.fromisoformat(text).isoformat() == text else ""
    except ValueError:
        return ""
