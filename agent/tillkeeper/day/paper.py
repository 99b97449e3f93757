"""The Z of a day as it is printed: the rows of its report. Pure."""

from collections.abc import Iterator

from tillkeeper.config.model import Config
from tillkeeper.contract.day import DayClosed, DayFigures, DrawerLine
from tillkeeper.contract.figures import DayBooks
from tillkeeper.spool.model import ReportData, ReportLine

MOST_CHECKS = 20
"""Open checks that are named on paper; how many there are in all is said."""


def day_paper(closed: DayClosed, config: Config, *, closed_at_ms: int, at_ms: int, by: str, copy: int = 0) -> ReportData:
    """`at_ms`: when it is printed."""
    return ReportData(
        kind="z",
        drawer="",
        printed_at_ms=at_ms,
        lines=tuple(_lines(closed, config)),
        number=closed.z,
        business_day=closed.day,
        closed_at_ms=closed_at_ms,
        closed_by=closed.by,
        printed_by=by,
        copy=copy,
        whole_store=True,
    )


def _lines(closed: DayClosed, config: Config) -> Iterator[ReportLine]:
    figures = closed.figures
    yield from _sales(figures.books)
    yield from _taxes(figures.books)
    yield from _tenders(figures.books, config)
    yield from _drawers(figures.drawers, config.store.currency)
    for adjustment in figures.adjustments:
        yield ReportLine(label="")
        yield ReportLine("adjustment_of", label=adjustment.of)
        yield from _adjusted(adjustment.figures)
    yield from _carried(figures)
    yield from _left_out(closed)


def _sales(books: DayBooks) -> Iterator[ReportLine]:
    yield ReportLine("sales_count", count=books.sales)
    if books.discount_minor:
        yield ReportLine("discounts", amount_minor=-books.discount_minor)
    yield ReportLine("net", amount_minor=books.net_minor)
    yield ReportLine("tax", amount_minor=books.tax_minor)
    yield ReportLine("gross", amount_minor=books.gross_minor, strong=True)
    if books.rounding_minor:
        yield ReportLine("rounding", amount_minor=books.rounding_minor)
    if books.refunds:
        yield ReportLine("refund_count", count=books.refunds)
        yield ReportLine("refunds", amount_minor=-books.refunded_minor)
    yield ReportLine("checks_voided", count=books.voids)
    yield ReportLine("no_sales", count=books.no_sales)


def _taxes(books: DayBooks) -> Iterator[ReportLine]:
    if books.taxes:
        yield ReportLine("tax")
    for code, tax in books.taxes.items():
        yield ReportLine("net", label=code, amount_minor=tax.net_minor, depth=1)
        yield ReportLine("tax", label=code, amount_minor=tax.tax_minor, depth=1)


def _tenders(books: DayBooks, config: Config) -> Iterator[ReportLine]:
    if books.tenders:
        yield ReportLine("tenders")
    for name, tender in books.tenders.items():
        known = config.tenders.get(name)
        yield ReportLine(label=known.title if known else name, amount_minor=tender.kept_minor, depth=1)


def _drawers(drawers: tuple[DrawerLine, ...], home: str) -> Iterator[ReportLine]:
    """Cash, session by session."""
    if drawers:
        yield ReportLine(label="")
        yield ReportLine("drawer_sessions")
    for one in drawers:
        number = f" Z {one.number}" if one.number is not None else ""
        yield ReportLine(label=f"{one.register} {one.drawer}{number} {one.by}".rstrip(), depth=1)
        yield ReportLine("opening_float", amount_minor=one.float_minor, depth=2)
        if one.state != "closed":
            yield ReportLine("not_closed_yet", text=" ", depth=2)
            continue
        for currency, difference in one.over_short_minor.items():
            word = "over" if difference > 0 else "short" if difference < 0 else "over_short"
            named = "" if currency == home else currency
            yield ReportLine("expected", amount_minor=one.expected_minor.get(currency, 0), currency=named, depth=2)
            yield ReportLine("counted", amount_minor=one.counted_minor.get(currency, 0), currency=named, depth=2)
            yield ReportLine(word, amount_minor=difference, currency=named, depth=2)


def _adjusted(books: DayBooks) -> Iterator[ReportLine]:
    yield ReportLine("sales_count", count=books.sales, depth=1)
    yield ReportLine("gross", amount_minor=books.gross_minor, depth=1)
    if books.refunds:
        yield ReportLine("refunds", amount_minor=-books.refunded_minor, depth=1)
    if books.voids:
        yield ReportLine("checks_voided", count=books.voids, depth=1)


def _carried(figures: DayFigures) -> Iterator[ReportLine]:
    if figures.open_checks_count or figures.frozen_count or figures.quarantine:
        yield ReportLine(label="")
    if figures.open_checks_count:
        yield ReportLine("open_checks", count=figures.open_checks_count)
    for one in figures.open_checks[:MOST_CHECKS]:
        yield ReportLine(label=f"{one.ticket_code} {one.opened_day}", amount_minor=one.due_minor, text=" ", depth=1)
    if figures.frozen_count:
        yield ReportLine("frozen_sales", count=figures.frozen_count)
    for sale in figures.frozen[:MOST_CHECKS]:
        yield ReportLine(label=sale.ticket_code, amount_minor=sale.amount_minor, depth=1)
    if figures.quarantine:
        yield ReportLine("quarantine", count=figures.quarantine)


def _left_out(closed: DayClosed) -> Iterator[ReportLine]:
    """What a manager signed for."""
    if closed.gaps or closed.parked:
        yield ReportLine(label="")
    for gap in closed.gaps:
        yield ReportLine("left_out", label=gap.register)
        yield ReportLine(label=_signed(gap.reason, gap.by), text=" ", depth=1)
    for parked in closed.parked:
        yield ReportLine("parked", label=parked.register)
        yield ReportLine(label=_signed(parked.reason, parked.by), text=" ", depth=1)


def _signed(reason: str, by: str) -> str:
    return f"{reason} ({by})" if by else reason
