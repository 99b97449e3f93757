"""Entering what was sold on paper: its desk, and which slips the store knows.

One slip at a time is at the desk, so that two people who enter the same one do not both succeed; slips of other registers are
known as far as their events are here.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import msgspec

from tillkeeper.contract.base import Command, Event
from tillkeeper.contract.commands import EnterFromPaper
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.paper import SlipEntered
from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.privacy import make_personal
from tillkeeper.sales.context import Context
from tillkeeper.sales.decide import enter_from_paper
from tillkeeper.sales.decide_paper import KnownSlip, slip_name
from tillkeeper.sales.training import in_training
from tillkeeper.till.compose import Draft, Moment, compose

if TYPE_CHECKING:
    from tillkeeper.till.codes import Opening
    from tillkeeper.till.intake import Parts

MAX_SLIPS = 2_000
"""The newest of the store; an older number may come again and nobody is asked."""


class Slips:
    """Implements `following.Follower`: slip -> the newest entry of it."""

    name = "slips"
    kinds: frozenset[str] | None = frozenset({"slip_entered"})

    def __init__(self) -> None:
        self._known: dict[str, KnownSlip] = {}

    def known(self, name: str) -> KnownSlip | None:
        """`name`: as `slip_name` makes it."""
        return self._known.get(name)

    def take(self, envelope: Envelope, event: Event) -> None:
        if isinstance(event, SlipEntered):
            self.note(event, envelope.register, envelope.at_ms)

    def note(self, event: SlipEntered, register: str, at_ms: int) -> None:
        if event.training:
            return
        name = slip_name(event.slip)
        before = self._known.get(name)
        if before is not None and (before.at_ms, before.check_id) > (at_ms, event.check_id):
            return
        self._known.pop(name, None)
        self._known[name] = KnownSlip(event.slip, event.check_id, register, at_ms)
        if len(self._known) > MAX_SLIPS:
            del self._known[min(self._known, key=lambda one: self._known[one].at_ms)]

    def dump(self) -> bytes:
        return msgspec.json.encode(self._known)

    def load(self, state: bytes) -> None:
        self._known = msgspec.json.decode(state, type=dict[str, KnownSlip]) if state else {}


class PaperDesk:
    """Implements `desk.Desk`. `parts`: the intake's, which are made later."""

    name = "paper"
    commands: tuple[type[Command], ...] = (EnterFromPaper,)

    def __init__(self, slips: Slips, register: str, parts: Callable[[], "Parts"]) -> None:
        self._slips, self._register, self._parts = slips, register, parts

    async def draft(self, command: Command, moment: Moment) -> Draft:
        """Raises Refused as placing an order does, and `slip_known`, `slip_from_the_future`."""
        asked, parts = cast(EnterFromPaper, command), self._parts()
        training = in_training(asked, moment.caller)
        opening = parts.codes.take(moment.business_day, asked.order_type, training=training)
        try:
            decision = enter_from_paper(asked, self._context(parts, moment, opening), self._slips.known)
            # What compose makes of a sale: no pulse, for the money lies in the drawer, and no receipt unless one is wanted.
            told = dataclasses.replace(decision, opens_drawer="", closed=decision.closed and asked.print_receipt)
            return compose(told, moment, asked.by)
        except TillkeeperError:
            parts.codes.give_back(opening)
            raise

    def accepted(self, draft: Draft) -> None:
        for new in draft.events:
            if isinstance(new.event, SlipEntered):
                self._slips.note(new.event, self._register, new.at_ms)

    def _context(self, parts: "Parts", moment: Moment, opening: "Opening") -> Context:
        return Context(
            config=moment.config,
            catalogue=parts.catalogues.current,
            mode=parts.mode(),
            now_ms=moment.now_ms,
            business_day=moment.business_day,
            new_id=moment.new_id,
            make_personal=make_personal,
            ticket_code=opening.ticket_code,
            car=opening.car,
            stock=parts.stock.now,
            caller=moment.caller,
            drawer_session=parts.drawer_session(moment.place.drawer or ""),
        )
