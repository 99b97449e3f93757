"""A day's report as rows for a spreadsheet. Pure."""

import csv
import io
from collections.abc import Iterator

from tillkeeper.contract.day import DayReport
from tillkeeper.contract.figures import DayBooks
from tillkeeper.sales.money import minor_digits, to_text

COLUMNS = ("business_day", "z", "section", "of_day", "register", "name", "count", "amount", "currency")
"""`of_day`: the day that the events are stamped with, where it is not `business_day`. `amount`: in the currency's own unit."""

Row = tuple[str, str, str, str, int | None, int | None, str]
"""section, of_day, register, name, count, amount in minor units, currency."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins so for a formula."""


def to_csv(report: DayReport) -> str:
    """RFC 4180, with a heading. Lines end in CR LF."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    z = str(report.closed.z) if report.closed is not None else ""
    for section, of_day, register, name, count, amount, currency in _rows(report):
        money = "" if amount is None else to_text(amount, minor_digits(currency))
        number = "" if count is None else str(count)
        shown = _plain(currency) if amount is not None else ""
        writer.writerow((report.day, z, section, of_day, _plain(register), _plain(name), number, money, shown))
    return written.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _rows(report: DayReport) -> Iterator[Row]:
    figures, home = report.figures, report.currency
    yield from _books("day", "", figures.books, home)
    for adjustment in figures.adjustments:
        yield from _books("adjustment", adjustment.of, adjustment.figures, home)
    for one in figures.drawers:
        number = f"Z {one.number}" if one.number is not None else one.state
        name = f"{one.drawer} {number}"
        yield "drawer", "", one.register, f"{name} float", None, one.float_minor, home
        for currency in one.over_short_minor:
            yield "drawer", "", one.register, f"{name} expected", None, one.expected_minor.get(currency, 0), currency
            yield "drawer", "", one.register, f"{name} counted", None, one.counted_minor.get(currency, 0), currency
            yield "drawer", "", one.register, f"{name} over or short", None, one.over_short_minor[currency], currency
    yield "open_checks", "", "", "all", figures.open_checks_count, None, home
    for check in figures.open_checks:
        yield "open_checks", check.opened_day, check.register, check.ticket_code, None, check.due_minor, home
    yield "frozen_sales", "", "", "all", figures.frozen_count, None, home
    for sale in figures.frozen:
        yield "frozen_sales", "", sale.register, sale.ticket_code, None, sale.amount_minor, home
    if figures.quarantine is not None:
        yield "quarantine", "", "", "at HQ", figures.quarantine, None, home
    for gap in report.gaps:
        yield "gap", "", gap.register, _signed(gap.reason, gap.by), None, None, home
    for parked in report.parked:
        yield "parked", "", parked.register, _signed(parked.reason, parked.by), None, None, home
    for day, books in report.late.items():
        for _, _, register, name, count, amount, currency in _books("", "", books, home):
            yield "booked_later", day, register, name, count, amount, currency


def _books(section: str, of_day: str, books: DayBooks, home: str) -> Iterator[Row]:
    for name in ("sales", "refunds", "voids", "no_sales", "opened"):
        yield section, of_day, "", name, getattr(books, name), None, home
    for name in ("gross", "net", "tax", "discount", "rounding", "refunded", "refunded_tax"):
        yield section, of_day, "", name, None, getattr(books, f"{name}_minor"), home
    for code, tax in books.taxes.items():
        yield section, of_day, "", f"tax {code} net", None, tax.net_minor, home
        yield section, of_day, "", f"tax {code} tax", None, tax.tax_minor, home
    for name, tender in books.tenders.items():
        yield section, of_day, "", f"tender {name} taken", None, tender.taken_minor, home
        yield section, of_day, "", f"tender {name} returned", None, tender.returned_minor, home
        yield section, of_day, "", f"tender {name} refunded", None, tender.refunded_minor, home


def _signed(reason: str, by: str) -> str:
    return f"{reason} ({by})" if by else reason
