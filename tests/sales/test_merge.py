"""I11: whatever two or three registers did with one check, a merge drops no item and no payment; the books count it once."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.sales.test_invariants import STEPS, STORES, command, new_line
from tests.sales.world import NOON, World, config, line

from tillkeeper.contract import commands as cmd
from tillkeeper.contract.authorisations import (
    AuthorisationAsked,
    AuthorisationReversed,
    AuthorisationSettled,
    Purpose,
    ReversalOwed,
)
from tillkeeper.contract.books import Account, Books, day_books, post
from tillkeeper.contract.events import CheckNumbered, TenderRecorded
from tillkeeper.contract.together import CheckMerged
from tillkeeper.errors import Refused
from tillkeeper.sales.changing_hands import forked, hand_over, taken, yields
from tillkeeper.sales.checks import apply, fold
from tillkeeper.sales.merge import Side, merge, overpaid_minor
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import rules_of, totals

DAY = "2030-03-17"


class Register(World):
    """One register of a store: its own log, its own side of the check. `cut`: where the other's log is in it."""

    def __init__(self, name: str, changes: Any) -> None:
        numbers = itertools.count()
        super().__init__(config=config(**changes), new_id=lambda: f"{name}{next(numbers):04d}")
        self.name = name
        self.seen: dict[str, int] = {}

    @property
    def rules(self) -> Any:
        return rules_of(self.config.store)

    def write(self, event: Any) -> None:
        self.log.append((event, DAY, self.now_ms))
        self.check = apply(self.check, event, DAY, self.now_ms)

    def steps(self, steps: Any) -> None:
        for what, which, number in steps:
            asked = command(self.open_check, what, which, number, self.now_ms)
            if isinstance(asked, cmd.RecordTender):
                asked = replace(asked, although_unreachable=True)
            self.now_ms += 1
            try:
                self.do(asked)
            except Refused:
                continue

    def fork(self, owner: "Register", upto: int, hand: int = 1) -> None:
        known = side_check(owner, upto)
        self.now_ms = owner.now_ms
        self.write(forked(known, owner.name, hand, {owner.name: upto}, self.rules, lost=False))
        self.seen[owner.name] = upto

    def merge(self, other: "Register", upto: int) -> CheckMerged | None:
        """What the other wrote up to there; before its own fork it has nothing to say."""
        since = self.seen.get(other.name, 1)
        if upto <= since:
            return None
        events = tuple(event for event, _, _ in other.log[since:upto])
        side = Side(other.name, side_check(other, since), side_check(other, upto), events, {other.name: upto})
        made = merge(self.open_check, side, self.rules, self.now_ms)
        self.write(made.event)
        assert self.check == made.check
        self.seen[other.name] = upto
        return made.event


def side_check(register: Register, upto: int) -> Check:
    return next(iter(fold(register.log[:upto]).values()))


def opened(changes: Any, steps: Any) -> Register | None:
    """None where the check was voided before anybody forked it."""
    a = Register("A", changes)
    a.do(cmd.OpenCheck(order_type="dine_in", lines=(new_line(0, 3), new_line(1, 4))))
    a.steps(steps)
    return None if a.open_check.state == "voided" else a


def contents(check: Check) -> Any:
    """All that money, guests and cooks see; not what was taken off and when, nor a time said of a line without pieces."""
    gone = {f"{one.line_id}/fire_at_ms" for one in check.lines if not one.quantity}
    said = {key: one for key, one in check.said.items() if key not in gone}
    plain = replace(check, conflicts=(), known={}, closed_at_ms=None, void_reason="", lines=(), stations={}, said=said)
    if not check.payments:  # of one that costs nothing it is a matter of order whether it counts as closed
        plain = replace(plain, state="open", closed_totals=None, awaiting="")
    lines = tuple(replace(one, removed={}, owed=0, voided_quantity=0) for one in check.lines)
    return plain, lines, {name: view.items for name, view in check.stations.items()}


def what_counts(check: Check) -> Any:
    """Pieces, money, what the kitchen owes, and how guests want it: nothing of it depends on who was heard first."""
    paid = {(one.tender_id, one.amount_minor) for one in check.payments}
    back = {(one.refund_id, one.amount_minor) for one in check.refunds}
    fired = {one.line_id for one in check.lines if one.fired}
    return pieces(check), paid, back, fired, check.order_type, attributes(check)


def attributes(check: Check) -> dict[str, Any]:
    return {
        one.line_id: (one.tax, one.modifiers, one.seat, one.course, one.order_type, one.note, one.held) for one in check.lines
    }


def books_of(*registers: Register) -> Books:
    books: Books = {}
    for register in registers:
        for event, day, _ in register.log:
            post(books, event, day)
    return {account: amount for account, amount in books.items() if amount}


def require_books(winner: Register, *others: Register) -> None:
    """The postings of all events are the books of the merged check."""
    check = winner.open_check
    books = books_of(winner, *others)
    sums = check.closed_totals

    def of(kind: str, name: str = "") -> int:
        return books.get(Account(DAY, kind, name), 0)

    assert of("opened") == 1
    assert of("sales") == (check.state == "closed")
    assert of("voids") == (check.state == "voided")
    assert of("gross") == (sums.gross_minor if sums else 0)
    assert of("net") == (sums.net_minor if sums else 0)
    assert of("tax") == (sums.tax_minor if sums else 0)
    assert of("rounding") == (sums.rounding_minor if sums else 0)
    taxes = {part.tax.code: part.tax_minor for part in sums.taxes} if sums else {}
    for code in {account.name for account in books if account.kind == "tax_tax"} | set(taxes):
        assert of("tax_tax", code) == sum(part.tax_minor for part in sums.taxes if part.tax.code == code) if sums else True
    tenders = {payment.tender for payment in check.payments}
    for tender in tenders:
        standing = [one for one in check.payments if one.tender_id not in taken_back(check)]
        assert of("taken", tender) == sum(one.amount_minor for one in standing if one.tender == tender)
    assert of("refunded") == sum(refund.amount_minor for refund in check.refunds)
    assert day_books(books, DAY).open_checks == (check.state == "open")
    mine = day_books(books_of(winner), DAY, of_register=True)
    assert mine.open_checks == (check.state == "open")
    for other in others:
        assert day_books(books_of(other), DAY, of_register=True).open_checks == 0


def taken_back(check: Check) -> set[str]:
    return {one.authorisation_id for one in check.authorisations if one.state in ("reversal_owed", "reversed")}


def pieces(check: Check) -> dict[str, int]:
    return {one.line_id: 0 if check.state == "voided" else one.quantity for one in check.lines}


def require_nothing_dropped(merged: Check, base: Check, *sides: Check) -> None:
    tenders = {payment.tender_id: payment for side in sides for payment in side.payments}
    assert {payment.tender_id: payment.amount_minor for payment in merged.payments} == {
        tender_id: payment.amount_minor for tender_id, payment in tenders.items()
    }
    assert {refund.refund_id for refund in merged.refunds} == {one.refund_id for side in sides for one in side.refunds}
    left, had = pieces(merged), pieces(base)
    for line_id in {one for side in sides for one in pieces(side)}:
        there = [pieces(side)[line_id] for side in sides if line_id in pieces(side)]
        # What nobody took off is there; what one took off the others may have had more of.
        assert left[line_id] >= min(there), line_id
        if line_id in had and all(count >= had[line_id] for count in there):
            assert left[line_id] >= had[line_id]
            assert left[line_id] >= max(there)
    assert {one.line_id for one in merged.lines if one.fired} == {
        one.line_id for side in sides for one in side.lines if one.fired
    }


def require_told(told: CheckMerged, ours: Check, merged: Check) -> None:
    """The event names what came to ours."""
    assert set(told.lines) == {one.line_id for one in merged.lines} - {one.line_id for one in ours.lines}
    assert set(told.payments) == {one.tender_id for one in merged.payments} - {one.tender_id for one in ours.payments}
    assert set(told.refunds) == {one.refund_id for one in merged.refunds} - {one.refund_id for one in ours.refunds}


@settings(deadline=None, max_examples=120)
@given(STORES, STEPS, STEPS, STEPS, STEPS, st.integers(0, 99))
def test_nothing_is_dropped_and_the_books_count_it_once(
    changes: Any, before: Any, there: Any, here: Any, later: Any, cut: int
) -> None:
    a = opened(changes, before)
    if a is None:
        return
    at = len(a.log)
    base = a.open_check
    b = Register("B", changes)
    b.fork(a, at)
    a.steps(there)
    b.steps(here)
    a.write(yields(a.open_check, "B", 1))
    mine = b.open_check
    between = at + cut % (len(a.log) - at)
    told = b.merge(a, len(a.log))
    assert b.open_check.doubt == ()
    if told is not None:
        require_told(told, mine, b.open_check)
    require_nothing_dropped(b.open_check, base, replace(a.open_check, elsewhere=""), mine)
    require_books(b, a)
    # In two parts, with more done between them: still nothing is dropped, and the books agree.
    c = Register("B", changes)
    c.fork(a, at)
    c.steps(here)
    c.merge(a, between)
    c.steps(later)
    c.merge(a, len(a.log))
    require_books(c, a)
    assert {one.tender_id for one in c.open_check.payments} >= {one.tender_id for one in a.open_check.payments}


@settings(deadline=None, max_examples=120)
@given(STORES, STEPS, STEPS, STEPS, st.integers(0, 99))
@example({}, [(0, 0, 0)], [(9, 0, 502), (3, 0, 0)], [(0, 0, 0)], 1)  # a line that is scheduled, then voided whole
@example({}, [(0, 0, 0)], [(0, 0, 0), (0, 0, 0), (8, 0, 0), (9, 0, 0)], [(0, 0, 0)], 23)  # one that is held, then fired
def test_in_parts_or_whole_it_comes_to_the_same(changes: Any, before: Any, there: Any, here: Any, cut: int) -> None:
    there = [step for step in there if step[0] not in (1, 4)]  # changes of one line to and fro: see the test below
    a = opened(changes, before)
    if a is None:
        return
    at = len(a.log)
    a.steps(there)
    whole, parts = Register("B", changes), Register("B", changes)
    for one in (whole, parts):
        one.fork(a, at)
        one.steps(here)
    a.write(yields(a.open_check, "B", 1))
    whole.merge(a, len(a.log))
    parts.merge(a, at + cut % (len(a.log) - at))
    parts.merge(a, len(a.log))
    assert contents(parts.open_check) == contents(whole.open_check)


@settings(deadline=None, max_examples=120)
@given(STORES, STEPS, STEPS, STEPS, STEPS, STEPS, st.integers(0, 99))
def test_three_sides_in_any_order(changes: Any, before: Any, more: Any, there: Any, second: Any, third: Any, cut: int) -> None:
    """B and C both fork it, from different places of A's log; C's claim is the higher one."""
    a = opened(changes, before)
    if a is None:
        return
    at = len(a.log)
    a.steps(more)
    later = at + cut % (len(a.log) - at + 1)
    if side_check(a, later).state == "voided":
        later = at
    b = Register("B", changes)
    b.fork(a, at)
    a.steps(there)
    b.steps(second)
    sides = []
    for order in ((a, b), (b, a)):
        c = Register("C", changes)
        c.fork(a, later)
        c.steps(third)
        if a.open_check.elsewhere == "":
            a.write(yields(a.open_check, "C", 1))
            b.write(yields(b.open_check, "C", 1))
        for other in order:
            c.merge(other, len(other.log))
        require_books(c, a, b)
        sides.append(c)
    assert what_counts(sides[0].open_check) == what_counts(sides[1].open_check)
    tenders = {payment.tender_id for one in (a, b) for payment in one.open_check.payments}
    assert {payment.tender_id for payment in sides[0].open_check.payments} >= tenders


def two(**there: Any) -> tuple[Register, Register]:
    a = Register("A", {})
    a.do(cmd.OpenCheck(order_type="dine_in", lines=(line("burger", 2), line("beer"))))
    b = Register("B", {})
    b.fork(a, len(a.log))
    return a, b


def healed(a: Register, b: Register) -> CheckMerged:
    a.write(yields(a.open_check, "B", 1))
    made = b.merge(a, len(a.log))
    assert made is not None
    require_books(b, a)
    return made


def card_in_doubt() -> tuple[Register, Register, str, int]:
    """Two registers, the second forked a check whose card payment `A1` has no answer yet; the check, and what is due."""
    a, b = Register("A", {}), Register("B", {})
    a.do(cmd.OpenCheck(order_type="dine_in", lines=(line("burger"),)))
    check_id, due = a.open_check.check_id, totals(a.open_check, a.rules).due_minor
    a.write(
        AuthorisationAsked(
            authorisation_id="A1", situation="payment", tender="card", kind="card", gateway="bank", amount_minor=due,
            purpose=Purpose("tender", tender="card"), key_sha256="cd" * 32, check_id=check_id,
        )
    )  # fmt: skip
    b.fork(a, len(a.log))
    return a, b, check_id, due


def paid(register: Register, amount: int | None = None) -> None:
    register.do(cmd.RecordTender(check_id="c", tender="cash", tendered_minor=amount, although_unreachable=True))


def test_paid_on_both_sides_is_one_sale_and_money_to_give_back() -> None:
    a, b = two()
    paid(a)
    paid(b)
    made = healed(a, b)
    check = b.open_check
    assert (check.state, made.overpaid_minor, len(check.payments)) == ("closed", 2333, 2)
    assert {conflict.code for conflict in made.conflicts} == {"paid_on_both", "closed_on_both"}
    b.do(cmd.RefundCheck(check_id="c", tender="cash", reason="paid twice", amount_minor=2333))
    sums = totals(b.open_check, b.rules)
    assert overpaid_minor(b.open_check, sums) == 0
    day = day_books(books_of(a, b), DAY)
    assert (day.sales, day.gross_minor, day.refunded_minor, day.refunded_tax_minor) == (1, 2333, 2333, 0)
    assert day.tenders["cash"].kept_minor == 2333
    # All that is left of the sale itself can still be given back, with its tax.
    b.do(cmd.RefundCheck(check_id="c", tender="cash", reason="cold"))
    day = day_books(books_of(a, b), DAY)
    assert (day.refunded_minor, day.refunded_tax_minor) == (2 * 2333, day.tax_minor)


def test_a_card_that_one_side_took_and_the_other_had_taken_back_is_told() -> None:
    a, b, check_id, due = card_in_doubt()
    a.write(AuthorisationSettled(authorisation_id="A1", outcome="approved", check_id=check_id))
    a.write(
        TenderRecorded(
            check_id=check_id, tender_id="A1", tender="card", kind="card", amount_minor=due, tendered_minor=due, change_minor=0,
        )
    )  # fmt: skip
    b.write(ReversalOwed(authorisation_id="A1", cause="paid_another_way", check_id=check_id))
    b.write(AuthorisationReversed(authorisation_id="A1", check_id=check_id))
    made = healed(a, b)
    assert [(one.code, one.subject, one.register) for one in made.conflicts] == [("taken_back", "A1", "A")]
    assert [one.returned for one in b.open_check.payments] == [True], "no payment is dropped, and this one is back"
    assert (b.open_check.state, b.totals().due_minor) == ("open", due)
    b.write(CheckNumbered(check_id=check_id, number=7))
    assert b.open_check.conflicts == made.conflicts


def test_what_was_added_after_the_other_side_closed_is_still_to_be_paid() -> None:
    a, b = two()
    a.do(cmd.AddLines(check_id="c", lines=(line("beer", 2),)))
    paid(b)
    made = healed(a, b)
    assert (made.state, b.totals().due_minor) == ("open", 666)
    assert "reopened" in {conflict.code for conflict in made.conflicts}
    paid(b)
    require_books(b, a)
    assert b.open_check.state == "closed"


def test_a_void_takes_what_it_saw_and_no_more() -> None:
    a, b = two()
    burger, beer = (one.line_id for one in a.open_check.lines)
    b.do(cmd.ChangeLine(check_id="c", line_id=burger, quantity=3))
    b.do(cmd.AddLines(check_id="c", lines=(line("steak", 1, "rare"),)))
    a.do(cmd.VoidCheck(check_id="c", reason="left"))
    made = healed(a, b)
    left = {one.item_id: one.quantity for one in b.open_check.lines if one.quantity}
    assert (made.state, left) == ("open", {"burger": 1, "steak": 1})
    assert {(conflict.code, conflict.subject) for conflict in made.conflicts} == {
        ("voided_elsewhere", burger), ("voided_elsewhere", beer),
    }  # fmt: skip


def test_the_same_void_on_both_sides_counts_once() -> None:
    a, b = two()
    burger = a.open_check.lines[0].line_id
    for register in (a, b):
        register.do(cmd.VoidLine(check_id="c", line_id=burger, reason="dropped", quantity=1))
    healed(a, b)
    assert {one.item_id: one.quantity for one in b.open_check.lines} == {"burger": 1, "beer": 1}


def test_a_void_of_the_whole_check_returned_money_that_the_other_side_still_counted() -> None:
    a = Register("A", {})
    a.do(cmd.OpenCheck(order_type="dine_in", lines=(line("burger", 2),)))
    paid(a, 500)
    b = Register("B", {})
    b.fork(a, len(a.log))
    a.do(cmd.VoidCheck(check_id="c", reason="left"))
    b.do(cmd.AddLines(check_id="c", lines=(line("beer"),)))
    made = healed(a, b)
    assert (made.state, b.totals().paid_minor, b.totals().due_minor) == ("open", 0, 333)
    assert "returned_elsewhere" in {conflict.code for conflict in made.conflicts}
    b.do(cmd.VoidCheck(check_id="c", reason="left too"))
    assert b.open_check.state == "voided"
    assert day_books(books_of(a, b), DAY).tenders["cash"].kept_minor == 0


def test_the_same_discount_given_on_both_sides_counts_once() -> None:
    a, b = two()
    for register in (a, b):
        register.do(cmd.ApplyDiscount(check_id="c", code="five"))
    made = healed(a, b)
    assert b.totals().discount_minor == 500
    assert {conflict.code for conflict in made.conflicts} == {"discount_on_both"}


def test_what_the_kitchen_was_told_by_the_other_side_it_is_not_told_again() -> None:
    from tillkeeper.kitchen.tickets import revise

    a, b = two()
    a.do(cmd.SendOrder(check_id="c"))
    for fired, _ in revise(a.open_check, a.config, NOON, a.new_id):
        a.write(fired)
    assert all(one.maybe_fired for one in b.open_check.lines)
    healed(a, b)
    assert all(one.fired and not one.maybe_fired for one in b.open_check.lines)
    assert revise(b.open_check, b.config, NOON, b.new_id) == []
    b.do(cmd.AddLines(check_id="c", lines=(line("beer", 4),)))
    b.do(cmd.SendOrder(check_id="c"))
    tickets = revise(b.open_check, b.config, NOON, b.new_id)
    assert {item.quantity for event, _ in tickets for item in event.items} == {4}
    assert {event.revision for event, _ in tickets} == {2}


def test_a_check_that_was_handed_over_is_the_same_check() -> None:
    a, _ = two()
    there = Register("B", {})
    there.write(taken(a.open_check, "A", 1, {"A": len(a.log)}, a.rules))
    assert contents(replace(there.open_check, hand=0)) == contents(a.open_check)
    assert msgspec.json.decode(there.log[0][0].check)["known"] == {"A": len(a.log)}


def test_what_a_silent_register_may_have_been_paid_for_is_asked_about() -> None:
    _, b = two()
    with pytest.raises(Refused) as refused:
        b.pay("cash")
    assert (refused.value.code, refused.value.extra["registers"]) == ("may_be_paid", ("A",))
    paid(b)
    assert b.open_check.state == "closed"


def test_what_is_larger_than_an_event_may_be_stays_where_it_is() -> None:
    a, _ = two()
    lines = tuple(replace(a.open_check.lines[0], line_id=f"L{n}", note="x" * 500) for n in range(800))
    with pytest.raises(Refused) as refused:
        hand_over(replace(a.open_check, lines=lines), "B")
    assert refused.value.code == "check_too_large"


def test_a_card_payment_that_both_sides_brought_to_its_end_counts_once() -> None:
    """They asked the gateway about the same authorisation, and it said yes to both."""
    a, b, check_id, due = card_in_doubt()
    for register in (a, b):
        register.write(AuthorisationSettled(authorisation_id="A1", outcome="approved", check_id=check_id))
        register.write(
            TenderRecorded(
                check_id=check_id, tender_id="A1", tender="card", kind="card", amount_minor=due, tendered_minor=due,
                change_minor=0,
            )
        )  # fmt: skip
    made = healed(a, b)
    assert [(one.tender_id, one.amount_minor) for one in made.twice] == [("A1", due)]
    assert len(b.open_check.payments) == 1
    assert day_books(books_of(a, b), DAY).tenders["card"].kept_minor == due
