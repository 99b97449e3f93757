"""The slots of what is in hand."""

import asyncio

import pytest
from tests.cards.test_orders_lost import asked

from tillkeeper.cards.unsettled import SLOTS, Unsettled
from tillkeeper.errors import Refused
from tillkeeper.sales.authorisations import begun
from tillkeeper.sales.model import Authorisation


def new(name: str) -> Authorisation:
    return begun(asked(name), 1)


def fill(unsettled: Unsettled, count: int) -> None:
    with unsettled.changing([new(f"o{n}") for n in range(count)]):
        pass


def test_what_is_cancelled_before_it_is_durable_has_no_slot() -> None:
    unsettled = Unsettled(lambda _name: None)
    fill(unsettled, SLOTS - 1)
    for _again in range(2):
        with pytest.raises(asyncio.CancelledError), unsettled.changing([new("cancelled")]):
            raise asyncio.CancelledError
    with unsettled.changing([new("last")]):
        pass
    assert len(unsettled.open) == SLOTS
    assert "cancelled" not in unsettled.open


def test_of_two_that_need_a_slot_together_neither_keeps_the_only_one() -> None:
    unsettled = Unsettled(lambda _name: None)
    fill(unsettled, SLOTS - 1)
    with pytest.raises(Refused, match="wait for their gateways"), unsettled.changing([new("one"), new("other")]):
        pass
    with unsettled.changing([new("last")]):
        pass
    assert "last" in unsettled.open
