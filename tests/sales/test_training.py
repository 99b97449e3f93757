"""Practice, decided: marked everywhere, in no drawer, taking nothing of what is left; and checks that await a tender."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.sales.world import World, config, line

from tillkeeper.contract import commands as cmd
from tillkeeper.contract import events as ev
from tillkeeper.contract.availability import SetAvailability
from tillkeeper.contract.base import Event
from tillkeeper.contract.books import TRAINING, Books, day_books, days, post
from tillkeeper.contract.caller import Caller
from tillkeeper.errors import Refused
from tillkeeper.sales.availability import view
from tillkeeper.sales.checks import fold
from tillkeeper.sales.context import Context
from tillkeeper.sales.stock import NOTHING_SAID, Stock, Word
from tillkeeper.sales.training import require_same_side

DAY = "2030-03-17"


@dataclass
class Practice(World):
    caller: Caller = Caller(scope="page", employee="ana", training=True)  # noqa: RUF009 - frozen
    stock: Stock = NOTHING_SAID

    def context(self) -> Context:
        return replace(super().context(), caller=self.caller, drawer_session="s-1", stock=self.stock)


def practised() -> Practice:
    """One sale with a partial payment, paid, refunded in part; and one voided."""
    world = Practice()
    world.order(line("burger", 2), line("beer"))
    world.pay("cash", 1000)
    world.pay("cash")
    world.refund(amount_minor=100)
    world.order(line("burger"))
    world.pay("cash", 100)
    world.do(cmd.VoidCheck(check_id="c", reason="left"))
    return world


MONEY = (ev.TenderRecorded, ev.CheckClosed, ev.CheckVoided, ev.RefundRecorded)


def test_every_event_of_money_says_that_it_is_practice_and_names_no_drawer_session() -> None:
    log = [event for event, _, _ in practised().log]
    money = [event for event in log if isinstance(event, MONEY)]
    assert {type(event) for event in money} == set(MONEY)
    assert all(event.training and not event.drawer_session for event in money)
    assert all(event.training for event in log if isinstance(event, ev.CheckOpened))


def test_a_real_sale_says_neither() -> None:
    world = Practice(caller=Caller())
    world.order(line("burger"), tenders=(cmd.NewTender("cash"),))
    events = [event for event, _, _ in world.log if isinstance(event, (*MONEY, ev.CheckOpened))]
    assert not any(event.training for event in events)
    assert all(event.drawer_session == "s-1" for event in events if isinstance(event, MONEY))


def test_practice_is_in_no_figure_of_the_books() -> None:
    def booked(events: list[Event]) -> Books:
        books: Books = {}
        for event in events:
            post(books, event, DAY)
        return books

    practice = booked([event for event, _, _ in practised().log])
    assert practice
    assert all(account.kind.startswith(TRAINING) for account in practice)
    assert day_books(practice, DAY) == day_books({}, DAY)
    assert days(practice) == []
    real = Practice(caller=Caller())
    real.order(line("burger"), tenders=(cmd.NewTender("cash"),))
    mixed = booked([event for event, _, _ in (*real.log, *practised().log)])
    assert day_books(mixed, DAY) == day_books(booked([event for event, _, _ in real.log]), DAY)
    assert mixed == practice | booked([event for event, _, _ in real.log])


def test_an_integration_says_it_in_the_command() -> None:
    world = Practice(caller=Caller())
    world.order(line("burger"), training=True, tenders=(cmd.NewTender("cash"),))
    assert world.open_check.training
    assert fold(world.log)[world.open_check.check_id].training


def test_practice_takes_nothing_of_what_is_left_and_learns_what_sold_out_means() -> None:
    world = Practice()
    world.stock = Stock({("item", "burger"): Word(1, "front", "w", "counting", 3)})
    assert world.order(line("burger", 3)).stock is None
    assert world.do(cmd.VoidCheck(check_id="c", reason="r")).stock is None
    assert [entry.remaining for entry in view(world.stock, world.catalogue).entries if entry.subject_id == "burger"] == [3]
    with pytest.raises(Refused) as refused:
        world.order(line("burger", 4))
    assert refused.value.code == "sold_out"


def test_practice_says_nothing_of_what_guests_can_order() -> None:
    world = Practice()
    with pytest.raises(Refused) as refused:
        world.do(SetAvailability(kind="item", subject_id="burger", state="sold_out"))
    assert refused.value.code == "training_availability"


def test_no_sale_in_practice_is_answered_in_words_and_recorded_nowhere() -> None:
    world = Practice()
    with pytest.raises(Refused) as refused:
        world.do(cmd.RecordNoSale(drawer="till", reason="change"))
    assert refused.value.code == "training_no_sale"
    assert "drawer stays shut" in refused.value.cause
    assert world.log == []


@pytest.mark.parametrize(
    ("caller", "training", "code"),
    [
        (Caller(scope="page", training=True), True, ""),
        (Caller(scope="page"), False, ""),
        (Caller(scope="page"), True, "training_check"),
        (Caller(scope="page", training=True), False, "not_training"),
        (Caller(), True, ""),
        (Caller(), False, ""),
    ],
)
def test_who_may_work_on_which_check(caller: Caller, training: bool, code: str) -> None:
    world = Practice(caller=Caller())
    world.order(line("burger"), training=training)
    if not code:
        require_same_side(world.open_check, caller, "add lines")
        return
    with pytest.raises(Refused, match="B-001") as refused:
        require_same_side(world.open_check, caller, "add lines")
    assert refused.value.code == code


# --- awaiting a tender ---


def test_a_check_awaits_a_card_until_it_is_paid_voided_or_told_otherwise() -> None:
    world = World(mode="offline")
    world.order(line("burger", 2))
    world.do(cmd.AwaitTender(check_id="c", tender="visa", by="ana"))
    assert world.open_check.awaiting == "visa"
    assert world.do(cmd.AwaitTender(check_id="c", tender="visa")).events == ()
    world.do(cmd.AwaitTender(check_id="c", tender="giftcard"))
    world.pay("cash", 500)
    assert world.open_check.awaiting == "giftcard"
    world.do(cmd.AwaitTender(check_id="c", tender=None))
    assert world.open_check.awaiting == ""
    assert world.do(cmd.AwaitTender(check_id="c", tender=None)).events == ()
    world.do(cmd.AwaitTender(check_id="c", tender="visa"))
    world.pay("cash")
    assert (world.open_check.state, world.open_check.awaiting) == ("closed", "")
    assert fold(world.log)[world.open_check.check_id] == world.open_check


def test_a_voided_check_awaits_nothing() -> None:
    world = World()
    world.order(line("burger"))
    world.do(cmd.AwaitTender(check_id="c", tender="visa"))
    world.do(cmd.VoidCheck(check_id="c", reason="left"))
    assert world.open_check.awaiting == ""


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda w: w.do(cmd.OpenCheck(order_type="dine_in")), "check_empty"),
        (lambda w: w.order(line("burger"), tenders=(cmd.NewTender("cash"),)), "check_not_open"),
        (lambda w: w.order(line("burger"), discounts=(cmd.NewDiscount("gone"),)), "nothing_due"),
    ],
)
def test_nothing_is_awaited_where_nothing_can_be(prepare: Any, code: str) -> None:
    world = World()
    prepare(world)
    with pytest.raises(Refused) as refused:
        world.do(cmd.AwaitTender(check_id="c", tender="visa"))
    assert refused.value.code == code


@pytest.mark.parametrize(("rule", "fired"), [("on_tender", True), ("on_send", False)])
def test_the_kitchen_owes_what_awaits_a_card_as_if_it_were_paid(rule: str, fired: bool) -> None:
    world = World(config(fire=rule))
    world.order(line("burger"), send=False)
    world.do(cmd.AwaitTender(check_id="c", tender="visa"))
    assert world.open_check.lines[0].fired is fired
