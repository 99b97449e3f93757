"""The books: what a store took per business day. The one set of rules, folded by the register and by HQ.

Every event posts amounts to accounts `(business_day, kind, name)` and accounts are only ever added to. So the order in which
events arrive does not matter, and HQ can post each event once in the transaction that stores it.
"""

import datetime
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import NoSaleRecorded
from tillkeeper.contract.events import (
    CheckClosed,
    CheckOpened,
    CheckVoided,
    RefundRecorded,
    TenderRecorded,
)
from tillkeeper.contract.figures import DayBooks as DayBooks
from tillkeeper.contract.figures import TaxBooks as TaxBooks
from tillkeeper.contract.figures import TenderBooks as TenderBooks
from tillkeeper.contract.together import CheckForked, CheckHandedOver, CheckMerged, CheckTaken, CheckYielded
from tillkeeper.contract.values import MAX_NAME, Totals

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
            yield from _sale(totals, 1)
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
        case CheckHandedOver(state="open") | CheckYielded(state="open"):
            yield "moved", "", -1
        case CheckTaken(state="open") | CheckForked(state="open"):
            yield "moved", "", 1
        case CheckMerged():
            yield from _merged(event)
        case _:
            return


def _sale(totals: Totals, times: int) -> Iterable[tuple[str, str, int]]:
    yield "sales", "", times
    yield "gross", "", times * totals.gross_minor
    yield "net", "", times * totals.net_minor
    yield "tax", "", times * totals.tax_minor
    yield "discount", "", times * totals.discount_minor
    yield "rounding", "", times * totals.rounding_minor
    for part in totals.taxes:
        yield "tax_net", part.tax.code, times * part.net_minor
        yield "tax_tax", part.tax.code, times * part.tax_minor


def _merged(event: CheckMerged) -> Iterable[tuple[str, str, int]]:
    """Whatever the two sides have counted, the check counts once in the end."""
    now = () if event.totals is None else (event.totals,)
    counted = [(totals, -1) for totals in event.taken_back] + [(totals, 1) for totals in (*event.put_back, *now)]
    sums: dict[tuple[str, str], int] = {("voids", ""): event.voids}
    for totals, times in counted:
        for kind, name, amount in _sale(totals, times):
            sums[kind, name] = sums.get((kind, name), 0) + amount
    before, after = event.was == "open", event.state == "open"
    sums["moved", ""] = after - before + sums.get(("sales", ""), 0) + event.voids
    for one in event.twice:
        if not one.refund:
            sums["taken", one.tender] = sums.get(("taken", one.tender), 0) - one.amount_minor
            continue
        parts = ("refunds", "", 1), ("refunded", "", one.amount_minor), ("refunded_tax", "", one.tax_minor)
        for kind, name, amount in (*parts, ("refunded_by", one.tender, one.amount_minor)):
            sums[kind, name] = sums.get((kind, name), 0) - amount
    for (kind, name), amount in sums.items():
        yield kind, name, amount


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


def day_books(books: Mapping[Account, int], business_day: str, *, of_register: bool = False) -> DayBooks:
    """The figures of one day. `books` must hold the day and, for `open_checks`, all days before it. `of_register`: they are
    those of one register, whose open checks also come from others and go to them."""

    def total(kind: str) -> int:
        return books.get(Account(business_day, kind), 0)

    def names(*kinds: str) -> list[str]:
        return sorted({a.name for a in books if a.business_day == business_day and a.kind in kinds})

    def of(kind: str, name: str) -> int:
        return books.get(Account(business_day, kind, name), 0)

    signs = {"opened": 1, "sales": -1, "voids": -1} | ({"moved": 1} if of_register else {})
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
