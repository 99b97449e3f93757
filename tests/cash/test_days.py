"""Random days at one drawer: sessions and swaps, foreign notes, cash rounding, voids, refunds. The figures of every session are
what a clerk's hands did, and all sessions together with what went to none are the day's books, to the cent."""

import contextlib
import random
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.sales.world import SWISS, US, World, config, line

from tillkeeper.cash import decide
from tillkeeper.cash.figures import Sums, figures, over_short, post
from tillkeeper.cash.sessions import Drawer, apply
from tillkeeper.contract import cash as c
from tillkeeper.contract import commands as cmd
from tillkeeper.contract.base import Event
from tillkeeper.contract.books import Books, day_books
from tillkeeper.contract.books import post as post_books
from tillkeeper.contract.caller import INTEGRATION
from tillkeeper.contract.cash import DrawerFigures
from tillkeeper.contract.events import TYPE_NAMES as NAMES
from tillkeeper.contract.events import decode_body, encode_body
from tillkeeper.errors import NotFound, Refused
from tillkeeper.sales.context import Context, Decision
from tillkeeper.sales.model import Check

DAY, NOON = "2030-03-17", 1_900_000_000_000
OUTSIDE = "outside"
TENDERS = ("cash", "cash", "usd", "exact", "voucher", "cheque")
ITEMS = ("burger", "beer", "penny")
STORES = st.sampled_from(({}, SWISS, US))
OFTEN = (0, 0, 1, 2, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 7, 8, 8, 9)
"""Which of the steps below, more often those that sell."""
STEPS = st.lists(
    st.tuples(st.sampled_from(OFTEN), st.integers(0, 5), st.one_of(st.integers(0, 4_000), st.integers(0, 400))),
    min_size=50,
    max_size=80,
)


@dataclass
class Till(World):
    """`session`: that of the drawer, for the decision to come."""

    session: str = ""

    def context(self) -> Context:
        made = super().context()
        return Context(**{name: getattr(made, name) for name in made.__dataclass_fields__} | {"drawer_session": self.session})


@dataclass
class Shop:
    """What happens at one drawer. `hands`: session -> currency -> what was put in and taken out, told by the answers only."""

    till: Till
    drawer: Drawer = field(default_factory=Drawer)
    hands: dict[str, dict[str, int]] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    log: list[Event] = field(default_factory=list)

    @property
    def home(self) -> str:
        return self.till.config.store.currency

    def hand(self, currency: str, amount: int) -> None:
        if self.till.session:
            held = self.hands[self.till.session]
            held[currency] = held.get(currency, 0) + amount

    def at_drawer(self, event: Event) -> None:
        self.drawer = apply(self.drawer, event, NOON, {})
        self.log.append(event)
        session = self.drawer.open
        self.till.session = session.session_id if session else ""

    def open(self, number: int) -> None:
        event = decide.open_session(
            c.OpenDrawerSession(drawer="till", float_minor=number), self.drawer, "front", self.till.new_id
        )
        self.hands[event.session_id] = {self.home: number}
        self.at_drawer(event)

    def move(self, which: int, number: int) -> None:
        kind: Any = ("paid_in", "paid_out", "safe_drop")[which % 3]
        command = c.MoveCash(drawer="till", kind=kind, amount_minor=number + 1, reason="r")
        self.at_drawer(decide.move_cash(command, self.drawer, self.till.new_id))
        self.hand(self.home, (number + 1) * (1 if kind == "paid_in" else -1))

    def count(self, number: int) -> None:
        counted = {self.home: number, "USD": 0}
        command = c.CountDrawer(drawer="till", counted=counted)
        self.at_drawer(decide.count(command, self.drawer, self.till.config, INTEGRATION))

    def close(self) -> None:
        command = c.CloseDrawerSession(drawer="till")
        session = decide.to_close(command, self.drawer)
        event = decide.close(command, self.drawer, session, self.figures(session.session_id))
        self.at_drawer(event)
        assert event.over_short_minor == over_short(self.hands[session.session_id], event.counted_minor)

    def do(self, command: Any, check: Check | None) -> Decision:
        self.till.check = check
        decision = self.till.do(command)
        self.log.extend(decision.events)
        if decision.check is not None:
            self.checks = [one for one in self.checks if one.check_id != decision.check.check_id] + [decision.check]
        return decision

    def pay(self, which: int, number: int) -> None:
        check = next(one for one in self.checks if one.state == "open")
        tender = TENDERS[which]
        decision = self.do(cmd.RecordTender(check_id="c", tender=tender, tendered_minor=number + 1), check)
        if self.till.config.tenders[tender].kind == "cash":
            self.hand(self.till.config.tenders[tender].currency or self.home, number + 1)
        self.hand(self.home, -decision.change_minor)

    def void(self) -> None:
        check = next(one for one in self.checks if one.state == "open")
        self.do(cmd.VoidCheck(check_id="c", reason="r"), check)
        self.hand(self.home, -sum(paid.amount_minor for paid in check.payments if paid.kind == "cash"))

    def refund(self, which: int, number: int) -> None:
        check = next(one for one in self.checks if one.state == "closed")
        tender = TENDERS[which]
        decision = self.do(cmd.RefundCheck(check_id="c", tender=tender, reason="r", amount_minor=number + 1), check)
        if self.till.config.tenders[tender].kind == "cash":
            self.hand(self.home, -decision.refund_minor)

    def step(self, what: int, which: int, number: int) -> None:
        steps = (
            lambda: self.open(number),
            lambda: self.count(number),
            self.close,
            lambda: self.move(which, number),
            lambda: self.do(cmd.OpenCheck(order_type="dine_in", lines=(line(ITEMS[which % 3], 1 + number % 4),)), None),
            lambda: self.pay(which, number),
            lambda: self.pay(which, number * 3),
            self.void,
            lambda: self.refund(which, number),
            lambda: self.do(cmd.RecordNoSale(drawer="till", reason="r"), None),
        )
        with contextlib.suppress(Refused, NotFound, StopIteration):
            steps[what]()

    def figures(self, session: str, events: list[Event] | None = None) -> DrawerFigures:
        sums: Sums = {}
        for event in self.log if events is None else events:
            post(sums, event, self.home)
        return figures(sums, session, self.home)


def lived(store: dict[str, Any], steps: list[tuple[int, int, int]]) -> Shop:
    shop = Shop(Till(config(**store)))
    for what, which, number in steps:
        shop.step(what, which, number)
    return shop


@settings(max_examples=40, deadline=None)
@given(store=STORES, steps=STEPS)
def test_what_is_expected_is_what_the_hands_did(store: dict[str, Any], steps: list[tuple[int, int, int]]) -> None:
    shop = lived(store, steps)
    for session, held in shop.hands.items():
        expected = shop.figures(session).expected_minor
        assert expected == {shop.home: held[shop.home]} | {name: amount for name, amount in held.items() if amount}


@settings(max_examples=30, deadline=None)
@given(store=STORES, steps=STEPS, seed=st.integers(0, 99))
def test_sessions_and_what_went_to_none_are_the_books(
    store: dict[str, Any], steps: list[tuple[int, int, int]], seed: int
) -> None:
    shop = lived(store, steps)
    stored = [decode_body(NAMES[type(event)], encode_body(event)) for event in shop.log]
    books: Books = {}
    everywhere: list[Event] = []
    for event in stored:
        assert event is not None
        post_books(books, event, DAY)
        nowhere = getattr(event, "drawer_session", None) == ""
        everywhere.append(replace(event, drawer_session=OUTSIDE) if nowhere else event)
    random.Random(seed).shuffle(everywhere)
    day = day_books(books, DAY)
    parts = [shop.figures(session, everywhere) for session in (OUTSIDE, *shop.hands)]
    for name in ("sales", "gross_minor", "net_minor", "tax_minor", "discount_minor", "rounding_minor"):
        assert sum(getattr(part, name) for part in parts) == getattr(day, name), name
    for name in ("refunds", "refunded_minor", "voids", "no_sales"):
        assert sum(getattr(part, name) for part in parts) == getattr(day, name), name
    for tender, money in day.tenders.items():
        assert sum(part.tenders.get(tender, 0) for part in parts) == money.kept_minor, tender
    for session in shop.hands:
        assert shop.figures(session, everywhere) == shop.figures(session), "the order of the events does not matter"
