"""Money back: never more than was paid, taxes exact to the last piece."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sales.world import SWISS, US, World, config, line

from tillkeeper.contract import commands as cmd
from tillkeeper.errors import Refused
from tillkeeper.sales.refunds import value_of


def sold(*lines: cmd.NewLine, tender: str = "cash", **changes: object) -> World:
    world = World(config(**changes))
    world.order(*lines, tenders=(cmd.NewTender(tender),))
    return world


def test_pieces_and_their_tax_by_hand() -> None:
    world = sold(line("burger", 3), **US)
    line_id = world.open_check.lines[0].line_id
    # 30.00 + 8.875 % = 2.6625 -> 2.66 tax, 32.66 gross; a third: 10.8867 and 0.8867
    parts = []
    for _ in range(3):
        decision = world.refund(quantities={line_id: 1})
        parts.append((decision.refund_minor, world.open_check.refunds[-1].tax_minor))
    assert parts == [(1089, 89), (1088, 88), (1089, 89)]
    assert (decision.opens_drawer, decision.entity_id) == ("refund", world.open_check.refunds[-1].refund_id)


def test_all_that_is_left_after_an_amount() -> None:
    world = sold(line("burger", 2))
    world.refund(amount_minor=700)
    assert world.refund().refund_minor == 1300
    taxes = sum(refund.tax_minor for refund in world.open_check.refunds)
    assert world.open_check.closed_totals is not None
    assert taxes == world.open_check.closed_totals.tax_minor
    assert world.open_check.lines[0].refunded_quantity == 2


def test_swiss_cash_paid_is_given_back_to_the_coin() -> None:
    world = sold(line("burger"), line("penny", 2), **SWISS)
    assert world.open_check.payments[0].amount_minor == 1000
    assert world.refund().refund_minor == 1000
    assert value_of(world.open_check.refunds[0]) == 1002


def test_swiss_pieces_do_not_add_up_to_more_than_was_paid() -> None:
    world = sold(line("beer", 3), line("penny", 3), **SWISS)  # 10.02, paid 10.00
    beer = world.open_check.lines[0].line_id
    given_back = [world.refund(quantities={beer: 1}).refund_minor for _ in range(2)]
    given_back.append(world.refund().refund_minor)
    assert given_back == [335, 335, 330]


def test_when_coins_use_up_the_money_nothing_of_the_tax_is_left_behind() -> None:
    world = sold(line("penny", 12), **SWISS)  # 0.12, paid 0.10
    sweets = world.open_check.lines[0].line_id
    assert [world.refund(quantities={sweets: 3}).refund_minor for _ in range(2)] == [5, 5]
    assert world.open_check.closed_totals is not None
    assert sum(refund.tax_minor for refund in world.open_check.refunds) == world.open_check.closed_totals.tax_minor
    assert sum(map(value_of, world.open_check.refunds)) == 12
    with pytest.raises(Refused) as refused:
        world.refund(quantities={sweets: 3})
    assert refused.value.code == "nothing_to_refund"


def test_cash_back_for_a_voucher_is_never_rounded_above_what_was_paid() -> None:
    world = sold(line("burger"), line("penny", 3), tender="voucher", **SWISS)
    assert world.refund("cash").refund_minor == 1000


def test_a_pieces_tax_is_no_more_than_is_left_of_it() -> None:
    world = sold(line("burger", order_type="takeout"), line("beer"))  # 10.00 with 0.65, 3.33 with 0.53
    world.refund(amount_minor=999)  # 1.18 x 9.99 / 13.33 = 0.884
    world.refund(quantities={world.open_check.lines[1].line_id: 1})
    world.refund()
    assert [refund.tax_minor for refund in world.open_check.refunds] == [88, 30, 0]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"amount_minor": 1001}, "refund_too_much"),
        ({"quantities": {"nope": 1}}, "unknown_line"),
        ({"tender": "nope"}, "unknown_tender"),
        ({"tender": "usd"}, "refund_in_store_currency"),
    ],
)
def test_refused(more: dict[str, object], code: str) -> None:
    world = sold(line("burger"))
    with pytest.raises(Refused) as refused:
        world.refund(**more)
    assert refused.value.code == code
    assert world.open_check.refunds == ()


def test_a_piece_is_refunded_once() -> None:
    world = sold(line("burger", 2))
    line_id = world.open_check.lines[0].line_id
    world.refund(quantities={line_id: 1})
    with pytest.raises(Refused) as refused:
        world.refund(quantities={line_id: 2})
    assert (refused.value.code, refused.value.extra["max"]) == ("quantity_too_large", 1)
    world.refund()
    with pytest.raises(Refused) as refused:
        world.refund()
    assert refused.value.code == "nothing_to_refund"


@settings(deadline=None)
@given(
    changes=st.sampled_from([{}, US, SWISS, US | {"store": {**US["store"], "tax_rounding": "line", "rounding": "half_even"}}]),
    pieces=st.lists(st.tuples(st.sampled_from(["burger", "beer", "penny"]), st.integers(1, 7)), min_size=1, max_size=4),
    discount=st.sampled_from([None, "staff", "five"]),
    paid=st.sampled_from(["cash", "voucher"]),
    steps=st.lists(
        st.tuples(st.sampled_from(["cash", "voucher"]), st.integers(0, 3), st.integers(0, 4), st.integers(1, 2000)), max_size=12
    ),
)
def test_whatever_is_refunded_in_whatever_pieces(
    changes: dict[str, object],
    pieces: list[tuple[str, int]],
    discount: str | None,
    paid: str,
    steps: list[tuple[str, int, int, int]],
) -> None:
    world = World(config(**changes))
    discounts = (cmd.NewDiscount(discount, reason="r"),) if discount else ()
    world.order(*(line(item, quantity) for item, quantity in pieces), discounts=discounts)
    if world.open_check.state != "open" or not world.do(cmd.SendOrder(check_id="c")).totals.due_minor:  # type: ignore[union-attr]
        return
    world.pay(paid)
    sums = world.open_check.closed_totals
    assert sums is not None
    lines = world.open_check.lines
    for tender, index, quantity, amount in [*steps, ("voucher", 0, 0, 0)]:
        if not amount:
            more: dict[str, object] = {}
        elif quantity:
            more = {"quantities": {lines[index % len(lines)].line_id: quantity}}
        else:
            more = {"amount_minor": amount}
        with suppress(Refused):
            world.refund(tender, **more)
        refunds = world.open_check.refunds
        assert sum(refund.amount_minor for refund in refunds) <= sums.paid_minor
        assert sum(map(value_of, refunds)) <= sums.gross_minor
        assert all(0 <= refund.tax_minor <= value_of(refund) for refund in refunds)
        assert sum(refund.tax_minor for refund in refunds) <= sums.tax_minor
    if sums.paid_minor:
        assert sum(refund.tax_minor for refund in world.open_check.refunds) == sums.tax_minor
        assert sum(map(value_of, world.open_check.refunds)) == sums.gross_minor
