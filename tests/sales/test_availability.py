"""86, decided: what an order takes of what is left, what comes back, and who says so."""

import contextlib
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sales.world import MENU, World, line

from tillkeeper.contract import commands as cmd
from tillkeeper.contract.availability import AvailabilitySet, SetAvailability
from tillkeeper.errors import Refused
from tillkeeper.sales.availability import view
from tillkeeper.sales.catalogue import parse_catalogue
from tillkeeper.sales.context import Context, Decision
from tillkeeper.sales.stock import Stock, decode, encode_counts, encode_words


@dataclass
class Store(World):
    """A world that keeps what is left, as the till does. `said`: what was journaled of it."""

    stock: Stock = field(default_factory=lambda: Stock(register="front", counter="log-1"))
    said: list[AvailabilitySet] = field(default_factory=list)

    def context(self) -> Context:
        return replace(super().context(), stock=self.stock)

    def do(self, command: Any) -> Decision:
        decision = super().do(command)
        if decision.stock is not None:
            self.stock = self.stock.after(decision.stock)
        self.said += [event for event in decision.events if isinstance(event, AvailabilitySet)]
        return decision

    def set(self, subject_id: str, state: Any, remaining: int | None = None, kind: Any = "item", by: str = "cook") -> Decision:
        return self.do(SetAvailability(kind=kind, subject_id=subject_id, state=state, remaining=remaining, by=by))

    def left(self, subject_id: str) -> tuple[str, int | None]:
        entry = next((e for e in view(self.stock, self.catalogue).entries if e.subject_id == subject_id), None)
        return ("available", None) if entry is None else (entry.state, entry.remaining)

    def refused(self, command: Any) -> Refused:
        before = self.stock
        with pytest.raises(Refused) as refused:
            self.do(command)
        assert self.stock is before
        return refused.value


def add(*lines: cmd.NewLine) -> cmd.AddLines:
    return cmd.AddLines(check_id="c", lines=lines)


def change(store: Store, at: int = 0, **more: Any) -> cmd.ChangeLine:
    return cmd.ChangeLine(check_id="c", line_id=store.open_check.lines[at].line_id, **more)


def void(store: Store, quantity: int | None = None) -> cmd.VoidLine:
    return cmd.VoidLine(check_id="c", line_id=store.open_check.lines[0].line_id, reason="dropped", quantity=quantity)


def test_sold_out_is_refused_until_somebody_sets_it_back() -> None:
    store = Store()
    store.order(line("burger"), send=False)
    store.set("burger", "sold_out")
    opening = cmd.OpenCheck(order_type="dine_in", lines=(line("burger"),))
    for command in (add(line("burger")), change(store, quantity=2), opening):
        refused = store.refused(command)
        assert (refused.code, refused.subject, refused.extra["remaining"]) == ("sold_out", "burger", 0)
        assert "Cheeseburger is sold out" in refused.cause
    store.do(change(store, note="no onions"))
    store.do(add(line("beer")))
    store.pay("cash")
    store.set("burger", "available")
    store.order(line("burger"))
    assert [(event.state, event.by) for event in store.said] == [("sold_out", "cook"), ("available", "cook")]


def test_a_countdown_is_taken_from_and_ends_as_sold_out() -> None:
    store = Store()
    store.set("burger", "counting", 5)
    store.order(line("burger", 2), line("burger"), send=False)
    assert store.left("burger") == ("counting", 2)
    refused = store.refused(add(line("burger", 3)))
    assert refused.extra == {"kind": "item", "name": "Cheeseburger", "remaining": 2}
    assert "only 2 left of Cheeseburger, 3 wanted" in refused.cause
    store.do(change(store, quantity=4))
    assert store.left("burger") == ("sold_out", 0)
    assert [(event.state, event.remaining) for event in store.said] == [("counting", 5)]
    assert store.refused(add(line("burger"))).cause == "Cheeseburger is sold out"


def test_two_lines_of_one_order_share_what_is_left() -> None:
    store = Store()
    store.set("burger", "counting", 2)
    refused = store.refused(cmd.PlaceOrder(order_type="dine_in", lines=(line("burger", 2), line("burger"))))
    assert refused.extra["remaining"] == 2
    assert store.left("burger") == ("counting", 2)


@pytest.mark.parametrize(
    ("give", "back"),
    [
        (lambda s: void(s), 3),
        (lambda s: void(s, 2), 2),
        (lambda s: change(s, quantity=1), 2),
        (lambda s: cmd.VoidCheck(check_id="c", reason="left"), 3),
    ],
)
def test_what_is_voided_or_lowered_comes_back_and_the_countdown_goes_on(give: Any, back: int) -> None:
    store = Store()
    store.set("burger", "counting", 3)
    store.order(line("burger", 3), send=False)
    assert store.left("burger") == ("sold_out", 0)
    store.do(give(store))
    assert store.left("burger") == ("counting", back)


def test_what_a_person_set_sold_out_does_not_come_back_by_a_void() -> None:
    store = Store()
    store.set("burger", "counting", 5)
    store.order(line("burger", 3), send=False)
    store.set("burger", "sold_out")
    store.do(void(store))
    assert store.left("burger") == ("sold_out", 0)


def test_a_refund_gives_no_piece_back() -> None:
    store = Store()
    store.set("burger", "counting", 3)
    store.order(line("burger", 2), send=False)
    store.pay("cash")
    store.refund()
    assert store.left("burger") == ("counting", 1)


def test_modifiers_count_by_the_piece_of_the_line() -> None:
    store = Store()
    store.set("cheese", "counting", 5, kind="modifier")
    store.order(line("burger", 2, "cheese", "cheese"), send=False)
    assert store.left("cheese") == ("counting", 1)
    refused = store.refused(change(store, quantity=3))
    assert (refused.subject, refused.extra["kind"], refused.extra["remaining"]) == ("cheese", "modifier", 1)
    store.do(change(store, modifiers=()))
    assert store.left("cheese") == ("counting", 5)


def test_the_catalogues_own_mark_holds_until_somebody_says_otherwise() -> None:
    store = Store()
    assert store.left("oyster") == ("sold_out", 0)
    assert store.refused(cmd.OpenCheck(order_type="dine_in", lines=(line("oyster"),))).code == "sold_out"
    store.set("oyster", "available")
    assert store.left("oyster") == ("available", None)
    store.order(line("oyster"))
    store.set("oyster", "sold_out")
    assert store.refused(cmd.OpenCheck(order_type="dine_in", lines=(line("oyster"),))).code == "sold_out"


def test_saying_the_same_again_changes_nothing() -> None:
    store = Store()
    assert store.set("burger", "available").events == ()
    assert len(store.set("burger", "counting", 4).events) == 1
    assert store.set("burger", "counting", 4).events == ()
    assert len(store.set("burger", "counting", 5).events) == 1


def test_what_the_catalogue_forgot_is_not_shown_and_not_lost() -> None:
    store = Store()
    store.set("beer", "counting", 7)
    whole = store.catalogue
    without = b"\n[[items]]\n".join(part for part in whole_menu().split(b"\n[[items]]\n") if b'id = "beer"' not in part)
    store.catalogue = parse_catalogue(without, "menu.toml")
    assert store.left("beer") == ("available", None)
    store.catalogue = whole
    assert store.left("beer") == ("counting", 7)


def whole_menu() -> bytes:
    return MENU.encode()


STEPS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), max_size=30)


@given(first=st.integers(1, 12), steps=STEPS)
def test_whatever_is_done_what_is_left_and_what_is_rung_make_the_whole(first: int, steps: list[tuple[int, int]]) -> None:
    store = Store()
    store.order(line("beer"), send=False)
    store.set("burger", "counting", first)
    for what, number in steps:
        rung = [at for at, entry in enumerate(store.open_check.lines) if entry.item_id == "burger" and entry.quantity]
        commands = [add(line("burger", number))]
        if rung:
            at = rung[number % len(rung)]
            line_id = store.open_check.lines[at].line_id
            commands += [
                change(store, at, quantity=number),
                cmd.VoidLine(check_id="c", line_id=line_id, reason="r", quantity=1),
                cmd.VoidLine(check_id="c", line_id=line_id, reason="r"),
            ]
        with contextlib.suppress(Refused):  # more than is left
            store.do(commands[what % len(commands)])
        pieces = sum(entry.quantity for entry in store.open_check.lines if entry.item_id == "burger")
        state, left = store.left("burger")
        assert pieces + (left or 0) == first
        assert state == ("sold_out" if pieces == first else "counting")
        kept = decode(encode_words(store.stock), encode_counts(store.stock))
        assert (kept.words, kept.counts) == (store.stock.words, store.stock.counts)
    assert len(store.said) == 1
