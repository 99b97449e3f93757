"""Orders that were being paid in logs which a register lost and gets back in parts: only what was not placed is taken back."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast

from msgspec.structs import replace

from tillkeeper.across.past import MAX_KEPT, Past
from tillkeeper.cards.abroad import ORDER_REST_S, Abroad
from tillkeeper.cards.unsettled import SLOTS, Unsettled
from tillkeeper.contract.authorisations import AuthorisationAsked, AuthorisationSettled, Purpose
from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import TYPE_NAMES, TenderRecorded
from tillkeeper.sales.authorisations import begun
from tillkeeper.sales.model import Authorisation


class Lost:
    """A journal that has nothing of the log `old`."""

    register, incarnation = "front", "new"

    def end_of(self, _incarnation: str) -> int:
        return 0


def asked(name: str, check_id: str = "") -> AuthorisationAsked:
    return AuthorisationAsked(
        authorisation_id=name, situation="payment", tender="visa", kind="card", gateway="bank", amount_minor=500,
        purpose=Purpose("order"), key_sha256=f"key of {name}", check_id=check_id,
    )  # fmt: skip


def paid(name: str, check_id: str = "") -> tuple[Event, Event]:
    """What is written of it, for an order or a check."""
    return (
        AuthorisationSettled(authorisation_id=name, outcome="approved", check_id=check_id),
        TenderRecorded(
            check_id=check_id or f"check of {name}",
            tender_id=name,
            tender="visa",
            kind="card",
            amount_minor=500,
            tendered_minor=500,
        ),
    )


def hear(past: Past, events: Iterable[Event], first: int = 1) -> None:
    for seq, event in enumerate(events, first):
        past.take(Envelope("s", "front", "old", seq, TYPE_NAMES[type(event)], 1, "2026-11-23", 1, "", "", ""), event)


def waiting(past: Past) -> list[str]:
    return [one.authorisation_id for one in past.unfinished()]


class Hands:
    """A register of which only its disk and its past are there."""

    def __init__(self, past: Past | None = None) -> None:
        self.past, self.disk = past, dict[str, bytes]()
        self.unsettled = Unsettled(self.disk.get)
        self.meanwhile: Authorisation | None = None
        """What a person comes to while somebody waits for the check."""

    @asynccontextmanager
    async def holding(self, _name: str) -> AsyncIterator[None]:
        if self.meanwhile is not None:
            self.write(self.meanwhile)
        yield

    def write(self, one: Authorisation) -> None:
        with self.unsettled.changing((one,)) as settings:
            self.disk |= settings

    async def commit(self, draft: Any, _kept: None) -> None:
        self.disk |= draft.settings

    def unfinished_orders(self) -> tuple[Authorisation, ...]:
        return self.past.unfinished() if self.past is not None else ()

    def recorded_before(self, _name: str) -> bool:
        return True


def abroad(hands: Hands) -> Abroad:
    return Abroad("front", hands.unsettled, cast(Any, None), cast(Any, hands))


def test_what_was_placed_stays_placed_however_many_cards_came_after_it() -> None:
    past = Past(cast(Any, Lost()))
    hear(past, (asked("placed"), *paid("placed"), asked("open")))
    later = [event for n in range(MAX_KEPT + 1) for event in paid(f"c{n}", f"check {n}")]
    hear(past, later, 5)
    assert waiting(past) == ["open"]
    assert past.has("placed")
    orders = [event for n in range(MAX_KEPT + 1) for event in (asked(f"o{n}"), *paid(f"o{n}"))]
    hear(past, orders, 5 + len(later))
    assert waiting(past) == ["open"]


def test_the_part_of_a_log_that_does_not_say_yet_that_it_was_placed_takes_nothing_back() -> None:
    past = Past(cast(Any, Lost()))
    hands = Hands(past)
    here = abroad(hands)

    async def scene() -> None:
        hear(past, (asked("placed"), asked("open")))
        await here.orders(1_000.0)
        await here.orders(1_000.0 + ORDER_REST_S - 1)
        assert not hands.unsettled.open
        hear(past, paid("placed"), 3)
        await here.orders(1_000.0 + ORDER_REST_S)
        assert list(hands.unsettled.open) == ["open"]

    asyncio.run(scene())


def test_more_of_them_than_there_are_slots_keep_nothing_from_being_taken_back() -> None:
    past = Past(cast(Any, Lost()))
    hands = Hands(past)
    here = abroad(hands)

    async def scene() -> None:
        hear(past, [asked(f"o{n}") for n in range(SLOTS + 3)])
        await here.orders(0.0)
        await here.orders(ORDER_REST_S)
        assert len(hands.unsettled.open) == SLOTS
        for name in list(hands.unsettled.open)[:2]:
            hands.unsettled.forget(name)
        await here.orders(ORDER_REST_S + 1)
        assert {f"o{SLOTS}", f"o{SLOTS + 1}"} <= hands.unsettled.open.keys(), "as soon as there is room"

    asyncio.run(scene())


def test_what_a_person_gives_up_at_this_moment_is_kept_in_hand() -> None:
    hands = Hands()
    one = replace(begun(asked("one", "check"), 1), state="approved")
    hands.write(one)
    hands.meanwhile = replace(one, state="reversal_owed")

    async def scene() -> None:
        await abroad(hands).forgotten(one)
        assert [kept.state for kept in hands.unsettled.open.values()] == ["reversal_owed"]
        assert [kept.state for kept in Unsettled(hands.disk.get).open.values()] == ["reversal_owed"]

    asyncio.run(scene())
