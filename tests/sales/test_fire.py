"""When the kitchen gets a line: rules, hold, courses, times."""

import pytest
from tests.sales.world import NOON, World, config, line

from tillkeeper.contract import commands as cmd
from tillkeeper.contract.events import FireScheduled, LinesFired
from tillkeeper.errors import Refused
from tillkeeper.sales.checks import apply
from tillkeeper.sales.context import Decision
from tillkeeper.sales.decide import due_fires, next_fire_at_ms


def fired(decision: Decision) -> list[tuple[str, int]]:
    return [(event.cause, len(event.line_ids)) for event in decision.events if isinstance(event, LinesFired)]


def opened(rule: str, *lines: cmd.NewLine) -> tuple[World, Decision]:
    world = World(config(fire=rule))
    return world, world.do(cmd.OpenCheck(order_type="dine_in", lines=lines))


def test_each_item_fires_when_rung_but_for_held_and_later_courses() -> None:
    world, decision = opened("each_item", line("burger"), line("beer", held=True), line("beer", course=2))
    assert fired(decision) == [("each_item", 1)]
    assert fired(world.do(cmd.AddLines(check_id="c", lines=(line("burger"), line("beer"))))) == [("each_item", 2)]


def test_on_send_waits_for_send_and_sends_once() -> None:
    world, decision = opened("on_send", line("burger"), line("beer", held=True), line("beer", course=2))
    assert fired(decision) == []
    assert fired(world.do(cmd.SendOrder(check_id="c"))) == [("on_send", 1)]
    again = world.do(cmd.SendOrder(check_id="c"))
    assert again.events == ()


def test_on_tender_fires_with_the_tender_that_closes() -> None:
    world, decision = opened("on_tender", line("burger"), line("beer", course=2))
    assert fired(decision) == []
    assert fired(world.pay("cash", 100)) == []
    assert fired(world.pay("cash")) == [("on_tender", 1)]
    assert not world.open_check.lines[1].fired


def test_the_registers_rule_wins_over_the_stores() -> None:
    registers = {"front": {"letter": "B", "fire": "each_item"}}
    world = World(config(fire="on_send", registers=registers))
    assert fired(world.do(cmd.OpenCheck(order_type="dine_in", lines=(line("burger"),)))) == [("each_item", 1)]


@pytest.mark.parametrize(
    ("rule", "send", "causes"),
    [
        ("on_send", True, ["on_send"]),
        ("on_send", False, []),
        ("each_item", False, ["each_item"]),
        ("on_tender", True, []),
    ],
)
def test_a_whole_order_follows_the_rule(rule: str, send: bool, causes: list[str]) -> None:
    decision = World(config(fire=rule)).order(line("burger"), send=send)
    assert [cause for cause, _ in fired(decision)] == causes


def test_courses_wait_for_their_call_also_on_a_prepaid_check() -> None:
    world, _ = opened("on_send", line("burger"), line("beer", course=2), line("beer", course=3))
    world.do(cmd.SendOrder(check_id="c"))
    world.pay("cash")
    assert fired(world.do(cmd.FireLines(check_id="c", course=2))) == [("course", 1)]
    assert fired(world.do(cmd.FireLines(check_id="c"))) == [("by_hand", 1)]


def test_held_lines_are_fired_by_name() -> None:
    world, _ = opened("on_send", line("burger"), line("beer"))
    ids = [rung.line_id for rung in world.open_check.lines]
    world.do(cmd.HoldLines(check_id="c", line_ids=(ids[0],)))
    assert world.do(cmd.HoldLines(check_id="c", line_ids=(ids[0],))).events == ()
    world.do(cmd.SendOrder(check_id="c"))
    assert [rung.fired for rung in world.open_check.lines] == [False, True]
    assert fired(world.do(cmd.FireLines(check_id="c", line_ids=(ids[0],)))) == [("by_hand", 1)]


def test_a_timed_order_fires_when_its_time_has_come_and_not_twice() -> None:
    world = World()
    placed = world.order(line("burger"), line("beer", held=True), fire_at_ms=NOON + 60_000, tenders=(cmd.NewTender("cash"),))
    assert [event.fire_at_ms for event in placed.events if isinstance(event, FireScheduled)] == [NOON + 60_000]
    assert world.do(cmd.SendOrder(check_id="c")).events == ()
    check = world.open_check
    assert check.state == "closed"
    assert next_fire_at_ms(check) == NOON + 60_000
    assert due_fires(check, NOON + 59_999) == ()
    (event,) = due_fires(check, NOON + 60_000)
    assert isinstance(event, LinesFired)
    assert event.cause == "timed"
    check = apply(check, event, "2030-03-17", NOON + 60_000)
    assert next_fire_at_ms(check) is None
    assert due_fires(check, NOON + 99_000) == ()
    assert [rung.fired for rung in check.lines] == [True, False]


def test_a_time_in_the_past_fires_now_and_a_far_one_is_refused() -> None:
    world, _ = opened("on_send", line("burger"))
    with pytest.raises(Refused) as refused:
        world.do(cmd.FireLines(check_id="c", fire_at_ms=NOON + 31 * 86_400_000))
    assert refused.value.code == "fire_time_too_far"
    assert fired(world.do(cmd.FireLines(check_id="c", fire_at_ms=NOON - 1))) == [("by_hand", 1)]


@pytest.mark.parametrize("how", ["hold", "void line", "void check", "by hand", "refund"])
def test_what_ends_a_timed_fire(how: str) -> None:
    world = World()
    world.order(line("burger"), fire_at_ms=NOON + 60_000)
    line_id = world.open_check.lines[0].line_id
    if how == "hold":
        world.do(cmd.HoldLines(check_id="c", line_ids=(line_id,)))
    elif how == "void line":
        world.do(cmd.VoidLine(check_id="c", line_id=line_id, reason="r"))
    elif how == "void check":
        world.do(cmd.VoidCheck(check_id="c", reason="r"))
    elif how == "by hand":
        world.do(cmd.FireLines(check_id="c", line_ids=(line_id,)))
    else:
        world.pay("cash")
        world.refund(quantities={line_id: 1})
    assert next_fire_at_ms(world.open_check) is None
    assert due_fires(world.open_check, NOON + 90_000) == ()


def test_what_is_paid_is_owed_though_nobody_sent_it() -> None:
    world, decision = opened("on_send", line("burger"), line("beer", held=True), line("beer", course=2))
    assert fired(decision) == []
    assert fired(world.pay("cash")) == [("on_tender", 1)]
    assert [entry.fired for entry in world.open_check.lines] == [True, False, False]


def test_an_order_that_says_not_to_send_is_not_sent_by_its_own_payment() -> None:
    world = World(config(fire="on_send"))
    decision = world.order(line("burger"), send=False, tenders=(cmd.NewTender("cash"),))
    assert decision.closed
    assert fired(decision) == []
    assert fired(world.do(cmd.SendOrder(check_id="c"))) == [("on_send", 1)]
