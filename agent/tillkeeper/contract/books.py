"""The books: what a store took per business day. The one set of rules, folded by the register and by HQ.

Every event posts amounts to accounts `(business_day, kind, name)` and accounts are only ever added to. So the order in which
events arrive does not matter, and HQ can post each event once in the transaction that stores it.
"""

import datetime
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import NoSaleRecorded
from tillkeeper.contract.events import (
    CheckClosed,
    CheckOpened,
    CheckVoided,
    RefundRecorded,
    TenderRecorded,
)
from tillkeeper.contract.values import MAX_NAME

MAX_POSTING = 1_000_000_000_000
"""A posting beyond this (in minor units) is a mistake, never a sale: `postings` refuses it."""


TRAINING = "training_"
"""Begins the kinds of the accounts of practice."""


class Account(NamedTuple):
    """`kind` is one of the names used in `postings`; `name` is a tender, a tax code, or empty."""

    business_day: str
    kind: str
    name: str = ""


Books = dict[Account, int]
"""Account -> sum in minor units, or a count. An account that is missing holds 0."""


class TaxBooks(msgspec.Struct, frozen=True):
    """Sales under one tax code: `net_minor` + `tax_minor` = gross."""

    net_minor: int = 0
    tax_minor: int = 0


class TenderBooks(msgspec.Struct, frozen=True):
    """One tender's money. `taken_minor` was paid by guests (change already taken off), `returned_minor` went back when an
    unfinished check was voided, `refunded_minor` went back on closed checks."""

    taken_minor: int = 0
    returned_minor: int = 0
    refunded_minor: int = 0

    @property
    def kept_minor(self) -> int:
        return self.taken_minor - self.returned_minor - self.refunded_minor


class DayBooks(msgspec.Struct, frozen=True, kw_only=True):
    """One business day of a store or register. Sales are closed checks, on the day they closed, before refunds; a voided
    check is no sale. `refunded_minor` is the money handed back, cash rounding included. `open_checks` were opened on this day
    or before and were neither closed nor voided by its end."""

    business_day: str
    sales: int = 0
    gross_minor: int = 0
    net_minor: int = 0
    tax_minor: int = 0
    discount_minor: int = 0
    rounding_minor: int = 0
    taxes: dict[str, TaxBooks] = {}
    tenders: dict[str, TenderBooks] = {}
    refunds: int = 0
    refunded_minor: int = 0
    refunded_tax_minor: int = 0
    voids: int = 0
    no_sales: int = 0
    opened: int = 0
    open_checks: int = 0


def postings(event: Event, business_day: str) -> tuple[tuple[Account, int], ...]:
    """What `event` adds to which accounts; nothing for events without a part in the books.

    Raises:
        ValueError: `business_day` is not YYYY-MM-DD, an amount is beyond `MAX_POSTING`, or a name is longer than `MAX_NAME`.
    """
    found = tuple((Account(business_day, kind, name), amount) for kind, name, amount in _postings(event) if amount)
    # Python also reads other forms of ISO 8601; here only one counts, for days are compared as text.
    if found and datetime.date.fromisoformat(business_day).isoformat() != business_day:
        raise ValueError(f"business day {business_day!r} is not YYYY-MM-DD")
    for account, amount in found:
        if abs(amount) > MAX_POSTING:
            raise ValueError(f"{account.kind} {amount} is beyond {MAX_POSTING}")
        if len(account.name) > MAX_NAME:
            raise ValueError(f"{account.kind}: a name of {len(account.name)} characters")
    return found


def _postings(event: Event) -> Iterable[tuple[str, str, int]]:
    """Practice has accounts of its own, which no figure of the business reads."""
    if getattr(event, "training", False):
        return ((TRAINING + kind, name, amount) for kind, name, amount in _amounts(event))
    return _amounts(event)


def _amounts(event: Event) -> Iterable[tuple[str, str, int]]:
    match event:
        case CheckOpened():
            yield "opened", "", 1
        case CheckClosed(totals=totals):
            yield "sales", "", 1
            yield "gross", "", totals.gross_minor
            yield "net", "", totals.net_minor
            yield "tax", "", totals.tax_minor
            yield "discount", "", totals.discount_minor
            yield "rounding", "", totals.rounding_minor
            for part in totals.taxes:
                yield "tax_net", part.tax.code, part.net_minor
                yield "tax_tax", part.tax.code, part.tax_minor
        case TenderRecorded():
            yield "taken", event.tender, event.amount_minor
        case CheckVoided():
            yield "voids", "", 1
            for tender, amount in event.returned_minor.items():
                yield "returned", tender, amount
        case RefundRecorded():
            yield "refunds", "", 1
            yield "refunded", "", event.amount_minor
            yield "refunded_tax", "", event.tax_minor
            yield "refunded_by", event.tender, event.amount_minor
        case NoSaleRecorded():
            yield "no_sales", "", 1
        case _:
            return


def post(books: Books, event: Event, business_day: str) -> None:
    """Add `event` to `books`, once: posting the same event twice counts it twice.

    Raises:
        ValueError: as `postings`; nothing was added.
    """
    for account, amount in postings(event, business_day):
        books[account] = books.get(account, 0) + amount


def days(books: Mapping[Account, int]) -> list[str]:
    """The business days that appear, oldest first; not those of practice alone."""
    return sorted({account.business_day for account in books if not account.kind.startswith(TRAINING)})


def day_books(books: Mapping[Account, int], business_day: str) -> DayBooks:
    """The figures of one day. `books` must hold the day and, for `open_checks`, all days before it."""

    def total(kind: str) -> int:
        return books.get(Account(business_day, kind), 0)

    def names(*kinds: str) -> list[str]:
        return sorted({a.name for a in books if a.business_day == business_day and a.kind in kinds})

    def of(kind: str, name: str) -> int:
        return books.get(Account(business_day, kind, name), 0)

    signs = {"opened": 1, "sales": -1, "voids": -1}
    open_checks = sum(signs.get(a.kind, 0) * amount for a, amount in books.items() if a.business_day <= business_day)
    return DayBooks(
        business_day=business_day,
        sales=total("sales"),
        gross_minor=total("gross"),
        net_minor=total("net"),
        tax_minor=total("tax"),
        discount_minor=total("discount"),
        rounding_minor=total("rounding"),
        taxes={n: TaxBooks(of("tax_net", n), of("tax_tax", n)) for n in names("tax_net", "tax_tax")},
        tenders={
            n: TenderBooks(of("taken", n), of("returned", n), of("refunded_by", n))
            for n in names("taken", "returned", "refunded_by")
        },
        refunds=total("refunds"),
        refunded_minor=total("refunded"),
        refunded_tax_minor=total("refunded_tax"),
        voids=total("voids"),
        no_sales=total("no_sales"),
        opened=total("opened"),
        open_checks=open_checks,
    )
