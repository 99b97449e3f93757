"""What a session's events add up to. Pure: events post amounts to `(session, kind, name)` and postings are only ever added, so
the order of the events does not matter; as the books do it (`contract/books.py`).

What lies in the drawer is notes and coins, not what they are worth here: a foreign note goes in as what it is, and its change
comes out in the store's currency. Cash rounding is in it by itself, for what a guest gives and gets back is whole coins. Change
on a voucher comes out of the drawer although no cash went in.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tillkeeper.contract.base import Event
from tillkeeper.contract.cash import CashMoved, DrawerFigures, DrawerSessionOpened
from tillkeeper.contract.documents import NoSaleRecorded
from tillkeeper.contract.events import CheckClosed, CheckVoided, RefundRecorded, TenderRecorded


class Sum(NamedTuple):
    """`kind` as in `_amounts`; `name` is a tender, a currency, or empty."""

    session: str
    kind: str
    name: str = ""


Sums = dict[Sum, int]
SIGNS = {"paid_in": 1, "paid_out": -1, "safe_drop": -1}


def post(sums: Sums, event: Event, currency: str) -> None:
    """Add what `event` tells about a session; nothing for money that went to no session. `currency`: the store's."""
    session = getattr(event, "drawer_session", "") or getattr(event, "session_id", "")
    if session:
        for kind, name, amount in _amounts(event, currency):
            if amount:
                key = Sum(session, kind, name)
                sums[key] = sums.get(key, 0) + amount


def _amounts(event: Event, currency: str) -> Iterable[tuple[str, str, int]]:
    match event:
        case DrawerSessionOpened():
            yield "float", "", event.float_minor
            yield "cash", currency, event.float_minor
        case CashMoved():
            yield event.kind, "", event.amount_minor
            yield "cash", currency, SIGNS[event.kind] * event.amount_minor
        case TenderRecorded():
            yield "taken", event.tender, event.amount_minor
            home = event.kind == "cash" and not event.foreign_currency
            if home:
                yield "cash", currency, event.tendered_minor
            elif event.kind == "cash":
                yield "cash", event.foreign_currency, event.foreign_minor
            yield "cash", currency, -event.change_minor
            yield "change", "", 0 if home else event.change_minor
        case CheckClosed(totals=totals):
            yield "sales", "", 1
            yield "gross", "", totals.gross_minor
            yield "net", "", totals.net_minor
            yield "tax", "", totals.tax_minor
            yield "discount", "", totals.discount_minor
            yield "rounding", "", totals.rounding_minor
        case CheckVoided():
            yield "voids", "", 1
            for tender, amount in event.returned_minor.items():
                yield "returned", tender, amount
            yield "cash_back", "", event.returned_cash_minor
            yield "cash", currency, -event.returned_cash_minor
        case RefundRecorded():
            yield "refunds", "", 1
            yield "refunded", event.tender, event.amount_minor
            if event.kind == "cash":
                yield "cash_back", "", event.amount_minor
                yield "cash", currency, -event.amount_minor
        case NoSaleRecorded():
            yield "no_sales", "", 1


def figures(sums: Mapping[Sum, int], session: str, currency: str) -> DrawerFigures:
    """The figures of one session, of all that was posted."""
    own = {(key.kind, key.name): amount for key, amount in sums.items() if key.session == session}

    def one(kind: str) -> int:
        return own.get((kind, ""), 0)

    def by_name(kind: str) -> dict[str, int]:
        return {name: amount for (of, name), amount in own.items() if of == kind}

    taken, returned, refunded, cash = (by_name(kind) for kind in ("taken", "returned", "refunded", "cash"))
    tenders = {
        name: taken.get(name, 0) - returned.get(name, 0) - refunded.get(name, 0)
        for name in sorted({*taken, *returned, *refunded})
    }
    return DrawerFigures(
        float_minor=one("float"),
        expected_minor={currency: cash.pop(currency, 0)} | {name: amount for name, amount in sorted(cash.items()) if amount},
        tenders=tenders,
        sales=one("sales"),
        gross_minor=one("gross"),
        net_minor=one("net"),
        tax_minor=one("tax"),
        discount_minor=one("discount"),
        rounding_minor=one("rounding"),
        refunds=one("refunds"),
        refunded_minor=sum(refunded.values()),
        voids=one("voids"),
        returned_minor=sum(returned.values()),
        cash_back_minor=one("cash_back"),
        change_minor=one("change"),
        no_sales=one("no_sales"),
        paid_in_minor=one("paid_in"),
        paid_out_minor=one("paid_out"),
        safe_drop_minor=one("safe_drop"),
    )


def over_short(expected: Mapping[str, int], counted: Mapping[str, int]) -> dict[str, int]:
    """By currency, positive is over. Every currency that was expected or counted is there."""
    return {name: counted.get(name, 0) - expected.get(name, 0) for name in (*expected, *(set(counted) - set(expected)))}
