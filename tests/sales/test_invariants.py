"""Random command sequences: whatever a clerk does, the sums hold, a refusal changes nothing, and the events tell all."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sales.world import SWISS, US, World, config

from tillkeeper.contract import commands as cmd
from tillkeeper.contract.events import TYPE_NAMES, decode_body, encode_body
from tillkeeper.errors import Refused
from tillkeeper.sales.checks import fold
from tillkeeper.sales.decide import due_fires, next_fire_at_ms
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import price, rules_of, totals
from tillkeeper.sales.refunds import value_of

STORES = st.sampled_from(
    [
        {},
        US,
        US | {"store": {**US["store"], "tax_rounding": "line"}, "fire": "on_tender"},
        SWISS,
        SWISS | {"store": {**SWISS["store"], "rounding": "half_even"}, "fire": "each_item"},
    ]
)
# Each step is (what, which line or name, a number); `command` makes sense of it, so that hypothesis can shrink it.
STEPS = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 5), st.integers(0, 3000)), min_size=1, max_size=25)
ITEMS = ("burger", "beer", "penny", "steak")
TYPES = ("dine_in", "takeout", "delivery")
TENDERS = ("cash", "voucher", "usd", "cheque", "exact", "visa")
DISCOUNTS = ("staff", "five", "manager", "gone", "happy", "nope")


def new_line(which: int, number: int) -> cmd.NewLine:
    item = ITEMS[which % len(ITEMS)]
    chosen = {"burger": "cheese", "steak": "rare"}.get(item)
    modifiers = (cmd.ChosenModifier(chosen, 1 + number % 2),) if chosen and number % 3 else ()
    order_type = TYPES[number % 3] if number % 4 == 0 else None
    return cmd.NewLine(item, 1 + number % 5, modifiers, course=1 + number % 2, held=number % 7 == 0, order_type=order_type)


def command(check: Check, what: int, which: int, number: int, now_ms: int) -> Any:
    line_id = check.lines[which % len(check.lines)].line_id if check.lines else "none"
    amount = number or None
    made = (
        lambda: cmd.AddLines(check_id="c", lines=(new_line(which, number),)),
        lambda: cmd.ChangeLine(check_id="c", line_id=line_id, quantity=1 + number % 6, order_type=TYPES[number % 3]),
        lambda: cmd.VoidLine(check_id="c", line_id=line_id, reason="r", quantity=1 + number % 3),
        lambda: cmd.VoidLine(check_id="c", line_id=line_id, reason="r"),
        lambda: cmd.ChangeOrderType(check_id="c", order_type=TYPES[which % 3]),
        lambda: cmd.ApplyDiscount(
            check_id="c",
            code=DISCOUNTS[which],
            line_id=line_id if which == 4 else None,
            amount_minor=amount if which == 2 else None,
            reason="r",
        ),
        lambda: cmd.RemoveDiscount(check_id="c", discount_id=check.discounts[0].discount_id if check.discounts else "none"),
        lambda: cmd.SendOrder(check_id="c"),
        lambda: cmd.HoldLines(check_id="c", line_ids=(line_id,)),
        lambda: cmd.FireLines(check_id="c", line_ids=(line_id,), fire_at_ms=now_ms + number - 500),
        lambda: cmd.RecordTender(check_id="c", tender=TENDERS[which], tendered_minor=amount),
        lambda: cmd.RecordTender(check_id="c", tender=TENDERS[which]),
        lambda: cmd.CloseCheck(check_id="c"),
        lambda: cmd.VoidCheck(check_id="c", reason="r" if number % 8 == 0 else ""),
        lambda: cmd.RefundCheck(check_id="c", tender=TENDERS[which], reason="r", amount_minor=amount),
        lambda: cmd.RefundCheck(check_id="c", tender=TENDERS[which], reason="r", quantities={line_id: 1 + number % 3}),
    )
    return made[what]()


def require_sums(world: World) -> None:
    check, rules = world.open_check, rules_of(world.config.store)
    priced = price(check, rules)
    sums = priced.totals
    assert sums.gross_minor == sums.net_minor + sums.tax_minor
    assert sums.paid_minor + sums.due_minor == sums.gross_minor + sums.rounding_minor
    assert sums.due_minor >= 0
    assert min(sums.net_minor, sums.tax_minor, sums.discount_minor) >= 0
    assert sum(total.net_minor for total in sums.taxes) == sums.net_minor
    assert sum(total.tax_minor for total in sums.taxes) == sums.tax_minor
    assert sum(entry.gross_minor for entry in priced.lines) == sums.gross_minor
    assert sum(entry.tax_minor for entry in priced.lines) == sums.tax_minor
    assert sum(priced.discounts.values()) == sums.discount_minor
    assert sum(entry.rung_minor - entry.amount_minor for entry in priced.lines) == sums.discount_minor
    assert all(0 <= entry.amount_minor <= entry.rung_minor for entry in priced.lines)
    for payment in check.payments:
        assert payment.kind in ("cash", "custom")
        assert payment.change_minor >= 0
        assert payment.tendered_minor == payment.amount_minor + payment.change_minor
    assert sum(refund.amount_minor for refund in check.refunds) <= sums.paid_minor
    assert sum(map(value_of, check.refunds)) <= sums.gross_minor
    if check.state == "closed":
        assert sums.due_minor == 0
        assert check.closed_totals == sums
    coin = world.config.cash_rounding.get(world.config.store.currency, 1)
    assert all(payment.change_minor % coin == 0 for payment in check.payments)


def run(world: World, steps: list[tuple[int, int, int]]) -> None:
    world.do(cmd.OpenCheck(order_type="dine_in", lines=(new_line(0, 1),), name="Ana"))
    require_sums(world)
    for what, which, number in steps:
        world.now_ms += number
        before = world.open_check
        fired = {line.line_id for line in before.lines if line.fired}
        for event in due_fires(before, world.now_ms):
            assert fired.isdisjoint(event.line_ids)  # type: ignore[attr-defined]
        length = len(world.log)
        try:
            decision = world.do(command(before, what, which, number, world.now_ms))
        except Refused:
            assert world.check is before
            assert len(world.log) == length
        else:
            assert decision.change_minor >= 0
            assert decision.totals == totals(world.open_check, rules_of(world.config.store))
            assert fired <= {line.line_id for line in world.open_check.lines if line.fired}
        require_sums(world)


@settings(max_examples=150, deadline=None)
@given(store=STORES, steps=STEPS)
def test_sums_hold_after_every_command(store: dict[str, Any], steps: list[tuple[int, int, int]]) -> None:
    run(World(config(**store)), steps)


@settings(deadline=None)
@given(store=STORES, steps=STEPS)
def test_the_events_alone_tell_the_check(store: dict[str, Any], steps: list[tuple[int, int, int]]) -> None:
    world = World(config(**store))
    run(world, steps)
    kept = [(TYPE_NAMES[type(event)], encode_body(event), day, at) for event, day, at in world.log]
    (again,) = fold((decode_body(name, body), day, at) for name, body, day, at in kept).values()  # type: ignore[misc]
    assert again == world.open_check
    assert next_fire_at_ms(again) == next_fire_at_ms(world.open_check)
    from_json = msgspec.json.decode(msgspec.json.encode(world.open_check), type=Check)
    assert from_json == world.open_check
    assert totals(from_json, rules_of(world.config.store)) == world.totals()


@settings(deadline=None)
@given(first=STEPS, second=STEPS, turns=st.lists(st.booleans(), max_size=60))
def test_events_of_other_checks_do_not_matter(
    first: list[tuple[int, int, int]], second: list[tuple[int, int, int]], turns: list[bool]
) -> None:
    one = World()
    two = World(new_id=one.new_id)
    run(one, first)
    run(two, second)
    left, right = list(one.log), list(two.log)
    mixed = []
    for turn in turns:
        chosen = left if turn else right
        mixed += chosen[:1]
        del chosen[:1]
    assert fold([*mixed, *right, *left]) == {check.check_id: check for check in (one.open_check, two.open_check)}
