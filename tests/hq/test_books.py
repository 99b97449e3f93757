"""The books' rules in figures that a person can add up, and that no order of events changes."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hq.world import DAY, REGISTERS, Log

from tillkeeper.contract.base import Event
from tillkeeper.contract.books import Account, Books, TaxBooks, TenderBooks, day_books, days, post, postings
from tillkeeper.contract.documents import NoSaleRecorded
from tillkeeper.contract.events import CheckClosed, CheckVoided, RefundRecorded, TenderRecorded, decode_body
from tillkeeper.contract.people import TimeEntryRecorded
from tillkeeper.contract.values import Tax, TaxTotal, Totals


def tendered(check_id: str, tender: str, amount: int) -> TenderRecorded:
    return TenderRecorded(
        check_id=check_id,
        tender_id=f"{check_id}-{tender}",
        tender=tender,
        kind="cash",
        amount_minor=amount,
        tendered_minor=amount,
    )


def a_day() -> Log:
    """10.02 with 1.60 tax, rounded to 10.00 in cash; 5.00 by two tenders; a void with 3.00 returned; a refund of 2.00."""
    log = Log()
    vat, food = Tax("vat", 190_000, True), Tax("food", 70_000, True)
    log.open("a")
    log.add(tendered("a", "cash", 1000))
    log.add(
        CheckClosed(
            check_id="a",
            totals=Totals(1102, 100, 842, 160, 1002, -2, 1000, 0, (TaxTotal(vat, 742, 140), TaxTotal(food, 100, 20))),
        )
    )
    log.open("b")
    log.add(tendered("b", "cash", 200))
    log.add(tendered("b", "voucher", 300))
    log.add(CheckClosed(check_id="b", totals=Totals(500, 0, 467, 33, 500, 0, 500, 0, (TaxTotal(food, 467, 33),))))
    log.open("c")
    log.add(tendered("c", "cash", 300))
    log.add(CheckVoided(check_id="c", reason="left", returned_minor={"cash": 300}))
    log.open("d")
    refund = RefundRecorded(
        check_id="a",
        refund_id="r",
        tender="cash",
        kind="cash",
        amount_minor=200,
        tax_minor=32,
        reason="cold",
        rounding_minor=-1,
    )
    log.add(refund)
    log.add(NoSaleRecorded(no_sale_id="n", drawer="front", reason="change", by="Mia"))
    log.add(TimeEntryRecorded(entry_id="t", employee="Mia", kind="clock_in", entered_at_ms=0))
    return log


def test_a_day_adds_up() -> None:
    day = a_day().day_books()
    assert (day.sales, day.gross_minor, day.net_minor, day.tax_minor) == (2, 1502, 1309, 193)
    assert (day.discount_minor, day.rounding_minor) == (100, -2)
    assert day.taxes == {"vat": TaxBooks(742, 140), "food": TaxBooks(567, 53)}
    assert day.tenders == {"cash": TenderBooks(1500, 300, 200), "voucher": TenderBooks(300, 0, 0)}
    assert day.tenders["cash"].kept_minor == 1000
    assert (day.refunds, day.refunded_minor, day.refunded_tax_minor) == (1, 200, 32)
    assert (day.voids, day.no_sales, day.opened, day.open_checks) == (1, 1, 4, 1)
    kept = sum(t.taken_minor - t.returned_minor for t in day.tenders.values())
    assert kept == day.gross_minor + day.rounding_minor


def test_a_check_open_over_midnight_is_open_on_its_day_and_sold_on_the_next() -> None:
    log = Log()
    log.open("late", "2026-11-20")
    log.add(CheckVoided(check_id="late", reason="left"), DAY)
    assert log.day_books("2026-11-20").open_checks == 1
    assert (log.day_books().open_checks, log.day_books().voids) == (0, 1)
    assert days(log.books) == ["2026-11-20", DAY]


@given(seed=st.integers(0, 2**32))
def test_the_order_of_events_does_not_matter(seed: int) -> None:
    chance = random.Random(seed)
    logs = [Log(register) for register in REGISTERS[:3]]
    for log in logs:
        log.day_at(chance, 8)
    events: list[tuple[Event, str]] = []
    for log in logs:
        for one in log.events:
            event = decode_body(one.type, one.body.encode())
            assert event is not None
            events.append((event, one.business_day))
    chance.shuffle(events)
    shuffled: Books = {}
    for event, day in events:
        post(shuffled, event, day)
    whole: dict[Account, int] = {}
    for log in logs:
        for account, amount in log.books.items():
            whole[account] = whole.get(account, 0) + amount
    assert shuffled == whole
    assert day_books(shuffled, DAY).open_checks >= 0


@pytest.mark.parametrize("day", ["", "someday", "2026-13-01", "20261121", "2026-11-21T00", "2026-W47-6"])
def test_a_day_that_is_none_posts_nothing(day: str) -> None:
    with pytest.raises(ValueError, match=r"day|format|month"):
        postings(CheckVoided(check_id="c", reason="x"), day)


def test_absurd_amounts_post_nothing() -> None:
    books: Books = {}
    with pytest.raises(ValueError, match="beyond"):
        post(books, tendered("c", "cash", 10**13), DAY)
    assert books == {}


def test_the_books_travel_as_json() -> None:
    day = a_day().day_books()
    assert msgspec.json.decode(msgspec.json.encode(day), type=type(day)) == day
