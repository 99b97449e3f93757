"""An agent's side of online orders, against an HQ that loses answers and a disk that refuses: each order is placed once,
and HQ hears what became of it."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from tillkeeper.config.online import Online
from tillkeeper.contract.caller import Caller
from tillkeeper.contract.commands import CommandResult, PlaceOrder
from tillkeeper.contract.online import (
    HandedOrder,
    OnlineDone,
    OnlineLine,
    OnlineOrder,
    OnlineOrdersTaken,
    TakeOnlineOrders,
)
from tillkeeper.contract.roles import Epoch, Role
from tillkeeper.errors import Refused, StorageRefused, TillkeeperError
from tillkeeper.journal.records import KeptCommand
from tillkeeper.online.placing import command_of, key_of
from tillkeeper.online.taking import NONE_S, OnlineTaker, TakerParts
from tillkeeper.replication.trouble import SinkTrouble

NOON = 1_795_000_000_000
WEB = Online(take=True, tender="web", lead_s=600)


def order(shop_id: str = "w-1", **more: Any) -> OnlineOrder:
    return OnlineOrder(id=shop_id, order_type="takeout", lines=(OnlineLine("cola", 2),), **more)


@dataclass
class Register:
    """The way in of a register, and what its journal keeps. `refuses`: what it says to the next orders."""

    placed: list[PlaceOrder] = field(default_factory=list)
    keys: dict[str, KeptCommand] = field(default_factory=dict)
    refuses: list[TillkeeperError | None] = field(default_factory=list)

    async def execute(self, key: str, command: PlaceOrder, _caller: Caller) -> tuple[CommandResult, bool]:
        if self.refuses and (error := self.refuses.pop(0)) is not None:
            raise error
        assert key not in self.keys, "asked again for what it had placed"
        self.placed.append(command)
        result = CommandResult(events=1, check_id=f"check-{key}", ticket_code=f"B-{len(self.placed):03}")
        self.keys[key] = KeptCommand(key=key, body_sha256=b"", result=msgspec.json.encode(result), at_ms=NOON)
        return result, False


@dataclass
class Hq:
    """Hands each order out again until it hears what became of it; `loses`: how often an answer does not arrive."""

    orders: dict[str, HandedOrder] = field(default_factory=dict)
    told: dict[str, OnlineDone] = field(default_factory=dict)
    asked: list[TakeOnlineOrders] = field(default_factory=list)
    loses: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    none: bool = False

    async def take(self, asked: TakeOnlineOrders) -> OnlineOrdersTaken | None:
        self.asked.append(asked)
        if self.chance.random() < self.loses / 2:
            raise SinkTrouble("unreachable", "hq", "the question was lost")
        if self.none:
            return None
        for one in asked.done:
            self.told.setdefault(one.id, one)
            self.orders.pop(one.id, None)
        if self.chance.random() < self.loses / 2:
            raise SinkTrouble("timeout", "hq", "the answer was lost")
        return OnlineOrdersTaken(holder="front", orders=tuple(self.orders.values())[:20], waiting=3)

    def give(self, given: OnlineOrder, **more: Any) -> None:
        self.orders[given.id] = HandedOrder(id=given.id, order=given, **more)


@dataclass
class Standing:
    role: Role = "primary"

    def __call__(self) -> tuple[Role, str, str, Epoch]:
        return self.role, "front", "side", Epoch(2, "front")


def taker(hq: Hq, register: Register, settings: Online = WEB, standing: Standing | None = None) -> OnlineTaker:
    return OnlineTaker(
        TakerParts(
            register="front",
            settings=settings,
            take=hq.take,
            execute=register.execute,
            kept=register.keys.get,
            roles=standing or Standing(),
            now_ms=lambda: NOON,
            now_s=lambda: 5.0,
        )
    )


def turns(one: OnlineTaker, count: int) -> list[float]:
    async def run() -> list[float]:
        return [await one.turn() for _ in range(count)]

    return asyncio.run(run())


def test_an_order_becomes_a_command() -> None:
    given = order(name="Zoë", phone="030", note="no ice", paid_minor=900, payment_reference="p-7", promised_ms=NOON + 3_600_000)
    command = command_of(given, WEB, NOON, may_be_doubled=False)
    assert (command.name, command.phone, command.note, command.server, command.by) == (
        "Zoë",
        "030",
        "no ice",
        "online",
        "online",
    )
    assert [(one.item_id, one.quantity) for one in command.lines] == [("cola", 2)]
    assert [(one.tender, one.tendered_minor, one.reference) for one in command.tenders] == [("web", 900, "p-7")]
    assert command.fire_at_ms == NOON + 3_000_000
    soon = command_of(replace_promise(given, NOON + 60_000), WEB, NOON, may_be_doubled=True)
    assert (soon.fire_at_ms, soon.may_be_doubled) == (None, True)
    assert command_of(order(), WEB, NOON, may_be_doubled=False).tenders == ()
    with pytest.raises(Refused) as refused:
        command_of(given, replace_tender(WEB), NOON, may_be_doubled=False)
    assert refused.value.code == "online_tender_missing"


def replace_promise(given: OnlineOrder, promised_ms: int) -> OnlineOrder:
    return msgspec.structs.replace(given, promised_ms=promised_ms)


def replace_tender(settings: Online) -> Online:
    return msgspec.structs.replace(settings, tender="")


def test_orders_are_placed_and_told_at_once() -> None:
    hq, register = Hq(), Register()
    one = taker(hq, register)
    hq.give(order())
    hq.give(order("w-2"), may_be_doubled=True)
    first, second = turns(one, 2)
    assert first < 0.5 <= second
    assert [(said.id, said.outcome, said.ticket_code) for said in hq.told.values()] == [
        ("w-1", "accepted", "B-001"),
        ("w-2", "accepted", "B-002"),
    ]
    assert [command.may_be_doubled for command in register.placed] == [False, True]
    asked = hq.asked[0]
    assert (asked.register, asked.primary, asked.backup, asked.epoch) == ("front", "front", "side", Epoch(2, "front"))
    view = one.view()
    assert (view.words, view.waiting, view.asked_s) == ("Online orders come here.", 3, 0.0)
    assert [(row.id, row.outcome, row.may_be_doubled) for row in view.rows] == [
        ("w-2", "accepted", True),
        ("w-1", "accepted", False),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_lost_each_order_is_placed_once_and_told(seed: int) -> None:
    hq, register = Hq(loses=0.5, chance=random.Random(seed)), Register()
    one = taker(hq, register)
    for n in range(40):
        hq.give(order(f"w-{n}"))
        if n % 9 == 8:
            one = taker(hq, register)  # killed: what it knew by heart is gone
        turns(one, 2)
    hq.loses = 0
    turns(one, 4)
    assert sorted(hq.told) == sorted(f"w-{n}" for n in range(40))
    assert len(register.placed) == 40
    assert all(said.check_id == f"check-{key_of(said.id)}" for said in hq.told.values())


def test_what_a_rule_refuses_is_told_with_its_reason_and_what_a_disk_refuses_is_tried_again() -> None:
    hq, register = Hq(), Register()
    register.refuses = [
        Refused("sold_out", "place order", "cola", "Cola is sold out"),
        StorageRefused("append", "journal", "the disk is full"),
    ]
    hq.give(order())
    hq.give(order("w-2"))
    turns(taker(hq, register), 3)
    assert hq.told["w-1"] == OnlineDone("w-1", "refused", code="sold_out", reason="Cola is sold out")
    assert hq.told["w-2"].outcome == "accepted"


def test_what_is_not_to_be_placed_any_more_is_only_told_about() -> None:
    hq, register = Hq(), Register()
    hq.give(order())
    turns(taker(hq, register), 1)
    hq.orders = {"w-1": HandedOrder(id="w-1"), "w-2": HandedOrder(id="w-2")}
    turns(taker(hq, register), 2)
    assert (hq.told["w-1"].outcome, hq.told["w-2"].outcome) == ("accepted", "not_placed")
    assert len(register.placed) == 1


def test_who_has_no_role_does_not_ask_and_an_hq_without_online_orders_is_left_alone() -> None:
    hq, register, standing = Hq(), Register(), Standing("none")
    one = taker(hq, register, standing=standing)
    turns(one, 3)
    assert hq.asked == []
    assert "neither" in one.view().words
    standing.role = "backup"
    hq.none = True
    assert turns(one, 1) == [NONE_S]
    assert "hands out no online orders" in one.view().words
    assert one.alarm == "This HQ hands out no online orders."
    standing.role = "none"
    assert one.alarm == ""
