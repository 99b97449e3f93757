"""The fold: illegal events raise and change nothing; unrelated events pass by."""

from typing import Any

import pytest
from tests.sales.world import NOON, World, line

from tillkeeper.contract import commands as cmd
from tillkeeper.contract import events as ev
from tillkeeper.contract.documents import ReceiptIssued, TicketFired, TicketItemFired
from tillkeeper.contract.values import Tax, Totals
from tillkeeper.sales.checks import IllegalEvent, apply, fold
from tillkeeper.sales.model import Check

TAX = Tax("full", 190_000, True)
ZERO = Totals(0, 0, 0, 0, 0, 0, 0, 0)


def sold(state: str = "open") -> Check:
    world = World()
    world.order(line("burger", 2), discounts=(cmd.NewDiscount("five"),))
    if state == "closed":
        world.pay("cash")
    elif state == "voided":
        world.do(cmd.VoidCheck(check_id="c", reason="r"))
    return world.open_check


def tender(check: Check, **changes: Any) -> ev.TenderRecorded:
    fields = {"tender_id": "t9", "tender": "cash", "kind": "cash", "amount_minor": 100, "tendered_minor": 100} | changes
    return ev.TenderRecorded(check_id=check.check_id, **fields)


def ticket(check: Check, revision: int, *items: TicketItemFired) -> TicketFired:
    return TicketFired(
        check_id=check.check_id,
        job_id=f"j{revision}",
        station="grill",
        device="paper",
        revision=revision,
        document_class="kitchen_ticket",
        items=items,
        order_type="dine_in",
    )


def illegal(check: Check) -> list[ev.Event]:
    """Events that never fit an open check of one line."""
    check_id, rung = check.check_id, check.lines[0]
    added = {"check_id": check_id, "item_id": "i", "name": "n", "unit_price_minor": 1, "tax": TAX, "station": "grill"}
    discount = {"check_id": check_id, "code": "c", "name": "n"}
    return [
        ev.CheckOpened(check_id=check_id, ticket_code="B-1", order_type="dine_in", catalogue_version="v", terminal="t"),
        ev.LinesFired(check_id="another", line_ids=(), cause="on_send"),
        ev.LineAdded(line_id=rung.line_id, quantity=1, **added),
        ev.LineAdded(line_id="new", quantity=0, **added),
        ev.LineChanged(check_id=check_id, line_id="nope", quantity=1, tax=TAX),
        ev.LineChanged(check_id=check_id, line_id=rung.line_id, quantity=0, tax=TAX),
        ev.LineVoided(check_id=check_id, line_id=rung.line_id, quantity=3, reason="r"),
        ev.LinesFired(check_id=check_id, line_ids=(rung.line_id,), cause="on_send"),
        ev.LinesHeld(check_id=check_id, line_ids=(rung.line_id,)),
        ev.FireScheduled(check_id=check_id, line_ids=(rung.line_id,), fire_at_ms=NOON),
        ev.OrderTypeChanged(check_id=check_id, order_type="takeout", taxes={"nope": TAX}),
        ev.DiscountApplied(discount_id=check.discounts[0].discount_id, amount_minor=1, **discount),
        ev.DiscountApplied(discount_id="new", **discount),
        ev.DiscountApplied(discount_id="new", line_id="nope", amount_minor=1, **discount),
        ev.DiscountRemoved(check_id=check_id, discount_id="nope"),
        tender(check, change_minor=1),
        tender(check, amount_minor=-100, tendered_minor=-100),
        ev.RefundRecorded(
            check_id=check_id, refund_id="r", tender="cash", kind="cash", amount_minor=1, tax_minor=0, reason="r"
        ),
    ]


@pytest.mark.parametrize("number", range(18))
def test_an_illegal_event_raises_and_changes_nothing(number: int) -> None:
    check = sold()
    with pytest.raises(IllegalEvent) as raised:
        apply(check, illegal(check)[number], "2030-03-17", NOON)
    assert not raised.value.retry_safe
    assert check == sold()


@pytest.mark.parametrize("state", ["closed", "voided"])
def test_a_check_that_is_no_longer_open_takes_no_sale_events(state: str) -> None:
    check = sold(state)
    line_id = check.lines[0].line_id
    for event in (
        tender(check),
        ev.CheckClosed(check_id=check.check_id, totals=ZERO),
        ev.CheckVoided(check_id=check.check_id, reason="r"),
        ev.LineVoided(check_id=check.check_id, line_id=line_id, quantity=1, reason="r"),
    ):
        with pytest.raises(IllegalEvent, match=state):
            apply(check, event, "2030-03-17", NOON)


def test_a_number_is_for_ever() -> None:
    check = apply(sold("voided"), ev.CheckNumbered(check_id=sold().check_id, number=7), "d", NOON)
    assert apply(check, ev.CheckNumbered(check_id=check.check_id, number=7), "d", NOON).number == 7
    with pytest.raises(IllegalEvent, match="number 7"):
        apply(check, ev.CheckNumbered(check_id=check.check_id, number=8), "d", NOON)


def test_receipts_are_counted_and_device_events_pass_by() -> None:
    check = sold("closed")
    receipt = ReceiptIssued(check_id=check.check_id, job_id="j", device="paper")
    assert apply(check, receipt, "d", NOON).receipts == 1
    bumped = ev.TicketBumped(check_id=check.check_id, station="grill", device="kitchen")
    assert apply(check, bumped, "d", NOON) == check


def test_a_station_knows_what_it_was_told() -> None:
    check = sold()
    line_id = check.lines[0].line_id
    two = TicketItemFired(line_id=line_id, action="add", quantity=2, name="BURGER")
    check = apply(check, ticket(check, 1, two), "d", NOON)
    twice = apply(check, ticket(check, 1, two), "d", NOON)
    assert twice.stations == check.stations
    assert check.stations["grill"].items[line_id].quantity == 2
    gone = TicketItemFired(line_id=line_id, action="void", quantity=2, name="BURGER")
    check = apply(check, ticket(check, 2, gone), "d", NOON)
    assert check.stations["grill"].items == {}
    with pytest.raises(IllegalEvent, match="revision"):
        apply(check, ticket(check, 1, two), "d", NOON)


def test_a_fold_skips_what_belongs_to_no_check() -> None:
    world = World()
    world.order(line("burger"))
    log = [(ev.ModeChanged(mode="online", previous="checking"), "d", NOON), *world.log]
    assert fold(log) == {world.open_check.check_id: world.open_check}
