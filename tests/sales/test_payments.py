"""Cash, change, coins, foreign money, mixed tenders: by hand."""

import pytest
from tests.sales.world import SWISS, World, config, line

from tillkeeper.contract import commands as cmd
from tillkeeper.contract.events import CheckClosed, LinesFired, TenderRecorded
from tillkeeper.errors import Refused


def owing(*items: str, **changes: object) -> World:
    world = World(config(**changes))
    world.order(*(line(item) for item in items))
    return world


def test_cash_with_change_closes_the_check() -> None:
    world = owing("burger", "beer")
    paid = world.pay("cash", 2000)
    assert (paid.change_minor, paid.closed, paid.opens_drawer) == (667, True, "tender")
    assert paid.totals is not None
    assert (paid.totals.paid_minor, paid.totals.due_minor) == (1333, 0)
    assert world.open_check.closed_totals == paid.totals


def test_exact_when_no_amount_is_named() -> None:
    paid = owing("burger").pay("cash")
    assert (paid.change_minor, paid.closed) == (0, True)


def test_mixed_tenders_leave_what_is_due() -> None:
    world = owing("burger")
    first = world.pay("voucher", 300)
    assert first.totals is not None
    assert (first.totals.due_minor, first.closed, first.opens_drawer) == (700, False, "")
    assert world.pay("cash", 1000).change_minor == 300
    assert [payment.amount_minor for payment in world.open_check.payments] == [300, 700]


def test_an_order_is_paid_in_one_go_and_events_are_in_order() -> None:
    world = World()
    order = world.order(line("burger"), tenders=(cmd.NewTender("voucher", 400), cmd.NewTender("cash", 1000)))
    assert order.closed
    assert order.change_minor == 400
    kinds = [type(event) for event in order.events]
    assert kinds.index(LinesFired) < kinds.index(TenderRecorded) < kinds.index(CheckClosed)


@pytest.mark.parametrize(("pennies", "to_pay"), [(1, 1000), (2, 1000), (3, 1005), (4, 1005), (6, 1005), (8, 1010)])
def test_swiss_cash_goes_to_the_nearest_coin(pennies: int, to_pay: int) -> None:
    world = World(config(**SWISS))
    world.order(line("burger"), line("penny", pennies))
    paid = world.pay("cash", 2000)
    assert paid.change_minor == 2000 - to_pay
    assert paid.totals is not None
    assert (paid.totals.gross_minor, paid.totals.rounding_minor) == (1000 + pennies, to_pay - 1000 - pennies)
    assert paid.totals.due_minor == 0


def test_swiss_vouchers_are_not_rounded_and_only_the_last_cash_is() -> None:
    world = World(config(**SWISS))
    world.order(line("burger"), line("penny", 3))
    assert world.pay("cash", 500).totals is not None
    assert world.open_check.payments[0].rounding_minor == 0
    paid = world.pay("voucher")
    assert paid.totals is not None
    assert (paid.totals.paid_minor, paid.totals.rounding_minor, paid.closed) == (1003, 0, True)


def test_a_rest_below_half_a_coin_is_settled_in_cash_with_nothing() -> None:
    world = World(config(**SWISS))
    world.order(line("burger"), line("penny", 2))
    world.pay("voucher", 1000)
    paid = world.pay("cash")
    assert paid.closed
    assert paid.totals is not None
    assert (paid.totals.paid_minor, paid.totals.rounding_minor) == (1000, -2)


def test_coins_that_do_not_exist_are_refused() -> None:
    world = World(config(**SWISS))
    world.order(line("burger"), line("penny", 2))
    with pytest.raises(Refused) as refused:
        world.pay("cash", 1002)
    assert refused.value.code == "not_payable_in_cash"
    assert refused.value.extra["due_minor"] == 1000


def test_change_of_a_cheque_is_cash_and_so_rounded() -> None:
    world = World(config(**SWISS))
    world.order(line("burger"), line("penny", 2))
    paid = world.pay("cheque", 2000)
    assert (paid.change_minor, paid.opens_drawer, paid.closed) == (1000, "change", True)
    assert paid.totals is not None
    assert paid.totals.rounding_minor == -2


def test_a_voucher_gives_no_change_and_says_what_is_due() -> None:
    world = owing("burger")
    with pytest.raises(Refused) as refused:
        world.pay("voucher", 1001)
    assert (refused.value.code, refused.value.extra["due_minor"]) == ("overpayment", 1000)
    with pytest.raises(Refused, match="no change"):
        world.pay("exact", 1001)


def test_foreign_cash_counts_at_its_rate_and_change_is_our_own() -> None:
    world = owing("burger")
    paid = world.pay("usd", 2000)  # 20 USD x 0.90 = 18.00 EUR
    assert paid.change_minor == 800
    payment = world.open_check.payments[0]
    assert (payment.tendered_minor, payment.foreign_currency, payment.foreign_minor) == (1800, "USD", 2000)


def test_foreign_cash_without_an_amount_is_the_least_that_pays() -> None:
    world = owing("burger")
    world.pay("usd")
    payment = world.open_check.payments[0]
    assert payment.foreign_minor == 1112  # 11.11 USD are 9.999 EUR, rounded 10.00; the least sure one is 11.12
    assert world.open_check.state == "closed"


def test_yen_have_no_cents() -> None:
    tenders = {"yen": {"kind": "cash", "title": "Yen", "currency": "JPY", "rate": "0.0061"}}
    world = World(config(tenders=tenders))
    world.order(line("burger"))
    paid = world.pay("yen", 2000)  # 2000 JPY = 12.20 EUR
    assert paid.change_minor == 220


def test_an_order_on_the_house_is_closed_without_a_tender() -> None:
    world = World()
    world.order(line("burger"), discounts=(cmd.NewDiscount("gone"),))
    with pytest.raises(Refused) as refused:
        world.pay("cash", 100)
    assert refused.value.code == "nothing_due"
    assert world.do(cmd.CloseCheck(check_id="c")).closed


def test_voiding_gives_back_what_was_paid_by_tender() -> None:
    world = owing("burger")
    world.pay("voucher", 200)
    world.pay("cash", 300)
    world.pay("cash", 100)
    void = world.do(cmd.VoidCheck(check_id="c", reason="guest left"))
    assert void.refund_minor == 600
    assert void.opens_drawer == "refund"
    assert void.events[-1].returned_minor == {"voucher": 200, "cash": 400}  # type: ignore[attr-defined]
    assert world.open_check.state == "voided"


def test_lines_may_be_added_to_a_partly_paid_check_but_not_taken_below_what_is_paid() -> None:
    world = owing("burger", "burger")
    world.pay("cash", 1500)
    first = world.open_check.lines[0].line_id
    with pytest.raises(Refused) as refused:
        world.do(cmd.VoidLine(check_id="c", line_id=first, reason="wrong"))
    assert refused.value.code == "below_paid"
    added = world.do(cmd.AddLines(check_id="c", lines=(line("beer"),)))
    assert added.totals is not None
    assert added.totals.due_minor == 833


def test_where_a_session_is_required_no_cash_moves_without_one() -> None:
    world = owing("burger", cash={"session_required": True})
    for tender, given in (("cash", 1000), ("usd", 5000), ("cheque", 1500)):
        with pytest.raises(Refused) as refused:
            world.pay(tender, given)
        assert refused.value.code == "no_drawer_session"
        assert refused.value.extra["drawer"] == "till"
        assert not {"cash", "usd", "exact"} & set(refused.value.extra["allowed"])
    assert world.pay("cheque", 400).change_minor == 0
    assert world.pay("voucher").closed
    with pytest.raises(Refused) as refused:
        world.refund("cash")
    assert refused.value.code == "no_drawer_session"
    assert world.refund("voucher").refund_minor == 1000
