"""Who may do what about a card payment whose check went to another register: the tables, and what follows from them."""

from typing import get_args

import pytest
from msgspec.structs import replace
from tests.sales.test_merge import Register, books_of, card_in_doubt, require_books, taken_back

from tillkeeper.contract.authorisations import AuthorisationReversed, AuthorisationSettled, AuthorisationState, ReversalOwed
from tillkeeper.contract.events import CheckClosed, RefundRecorded, TenderRecorded
from tillkeeper.sales.asking import RIGHTS, Place, Side, hold, is_mine, may_go_on, place_of, rights, to_adopt, words
from tillkeeper.sales.authorisations import authorisation_id
from tillkeeper.sales.changing_hands import yields
from tillkeeper.sales.model import Authorisation
from tillkeeper.sales.pricing import totals

PLACES: tuple[Place, ...] = get_args(Place)


def asked(state: AuthorisationState = "asked", *, register: str = "A", **more: object) -> Authorisation:
    key = "cd" * 32
    one = card_in_doubt()[0].open_check.authorisations[0]
    name = authorisation_id("s1", register, key, 0)
    return replace(one, authorisation_id=name, key_sha256=key, state=state, **more)


def test_only_the_register_that_asked_asks_again() -> None:
    assert all("ask" not in found for (_, mine), found in RIGHTS.items() if not mine)
    one = asked()
    assert is_mine(one, "s1", "A")
    assert not is_mine(one, "s1", "B")
    assert not is_mine(one, "s2", "A")


def test_of_an_approval_one_register_decides_at_a_time() -> None:
    """The one that asked has it until it steps back; the owner has it once nobody else may think that it has the check."""
    for mine in (True, False):
        assert not {"use", "give_up"} & RIGHTS["elsewhere", mine]
        assert not {"use", "give_up"} & RIGHTS["disputed", mine]
        assert {"use", "give_up"} <= RIGHTS["brought", mine]
    assert {"use", "give_up"} <= RIGHTS["begun_here", True]


@pytest.mark.parametrize("place", PLACES)
def test_what_is_open_is_finished_only_by_whoever_may_ask(place: Place) -> None:
    for mine in (True, False):
        if (place, mine) not in RIGHTS:
            continue
        found = RIGHTS[place, mine]
        assert may_go_on(asked("unknown"), found) == (mine and place in ("begun_here", "brought"))
        assert may_go_on(asked("approved"), found) == (place in ("begun_here", "brought"))


def test_by_word_a_payment_is_given_up_and_a_refund_is_not() -> None:
    one = asked("unknown", brought=True)
    assert "give_up_by_word" in rights(one, "disputed", mine=False)
    assert "give_up_by_word" not in rights(replace(one, situation="refund"), "disputed", mine=False)


def test_what_is_asked_after_the_check_came_is_nobody_elses() -> None:
    check = card_in_doubt()[1].open_check
    assert [one.brought for one in check.authorisations] == [True], "a fork says what came with the check"
    one = check.authorisations[0]
    assert place_of(one, check, disputed=True) == "disputed"
    assert place_of(one, check, disputed=False) == "brought"
    assert place_of(replace(one, brought=False), check, disputed=True) == "begun_here"
    assert place_of(one, replace(check, elsewhere="A"), disputed=False) == "elsewhere"
    assert place_of(one, None, disputed=False) == "elsewhere"


# --- what a register keeps in hand ---


def sides(**registers: Register) -> list[Side]:
    return [Side(name, one.check, [event for event, _, _ in one.log]) for name, one in registers.items()]


def recorded(register: Register, check_id: str, due: int) -> None:
    register.write(AuthorisationSettled(authorisation_id="A1", outcome="approved", check_id=check_id))
    register.write(
        TenderRecorded(
            check_id=check_id, tender_id="A1", tender="card", kind="card", amount_minor=due, tendered_minor=due, change_minor=0,
        )
    )  # fmt: skip


def test_it_is_kept_until_somebody_has_brought_it_to_its_end() -> None:
    a, b, check_id, due = card_in_doubt()
    assert hold(words(sides(A=a, B=b))["A1"], "A") == "keep"
    recorded(b, check_id, due)
    assert hold(words(sides(A=a, B=b))["A1"], "A") == "let_go"


def test_who_gave_it_up_takes_it_back_and_the_other_one_lets_go() -> None:
    a, b, check_id, _ = card_in_doubt()
    b.write(ReversalOwed(authorisation_id="A1", cause="paid_another_way", check_id=check_id))
    word = words(sides(A=a, B=b))["A1"]
    assert (hold(word, "A"), hold(word, "B")) == ("let_go", "owe")
    assert to_adopt(word, "B", mine=False), "a register that forgot that it has to take it back does it all the same"
    assert not to_adopt(word, "A", mine=True)
    b.write(AuthorisationReversed(authorisation_id="A1", check_id=check_id))
    word = words(sides(A=a, B=b))["A1"]
    assert (hold(word, "A"), hold(word, "B")) == ("let_go", "let_go")
    assert not to_adopt(word, "B", mine=False)


def test_a_register_that_lost_what_it_had_asked_takes_it_up_again() -> None:
    _, b, check_id, due = card_in_doubt()
    assert to_adopt(words(sides(B=b))["A1"], "A", mine=True)
    assert not to_adopt(words(sides(B=b))["A1"], "B", mine=False)
    recorded(b, check_id, due)
    assert not to_adopt(words(sides(B=b))["A1"], "A", mine=True)


# --- merged, whatever happened ---


def closed(register: Register) -> None:
    check = register.open_check
    register.write(CheckClosed(check_id=check.check_id, totals=totals(check, register.rules)))


@pytest.mark.parametrize("parts", [False, True])
@pytest.mark.parametrize("late", [False, True])
def test_what_was_recorded_and_taken_back_is_given_back_and_told(parts: bool, late: bool) -> None:
    """By word the owner gave it up, and its first owner had recorded it: the guest has the money, the books do not."""
    a, b, check_id, due = card_in_doubt()
    at = len(a.log)
    recorded(a, check_id, due)
    closed(a)
    gave_up = [
        ReversalOwed(authorisation_id="A1", cause="paid_another_way", check_id=check_id),
        AuthorisationReversed(authorisation_id="A1", check_id=check_id),
    ]
    for event in gave_up[: 1 if late else 2]:
        b.write(event)
    if parts:
        b.merge(a, at + 1)
    b.merge(a, len(a.log))
    if late:
        b.write(gave_up[1])
    a.write(yields(a.open_check, "B", 1))
    b.merge(a, len(a.log))
    require_books(b, a)
    check = b.open_check
    assert (check.state, taken_back(check), [one.returned for one in check.payments]) == ("open", {"A1"}, [True])
    assert [one.code for one in check.conflicts].count("taken_back") == 1
    assert not any(account.kind == "taken" for account in books_of(a, b))


def test_a_payment_that_came_before_its_event_is_not_taken_for_a_second_one() -> None:
    """The third register forked later than the second, and is heard before the first: what it had seen of that is no double."""
    a, b, check_id, due = card_in_doubt()
    recorded(a, check_id, due)
    c = Register("C", {})
    c.fork(a, len(a.log))
    c.write(ReversalOwed(authorisation_id="other", cause="not_needed", check_id=check_id))
    d = Register("D", {})
    d.fork(b, len(b.log), hand=2)
    d.merge(c, len(c.log))
    assert len(d.open_check.payments) == 1
    d.seen["A"] = next(at for at, (event, _, _) in enumerate(a.log) if isinstance(event, TenderRecorded)) - 1
    d.merge(a, len(a.log))
    assert len(d.open_check.payments) == 1
    assert not d.open_check.unseen
    taken = sum(amount for account, amount in books_of(a, b, c, d).items() if account.kind == "taken")
    assert taken == due


def test_a_refund_that_both_sides_recorded_counts_once() -> None:
    a, b = closed_on_a()
    refund = RefundRecorded(
        check_id=a.open_check.check_id, refund_id="R1", tender="card", kind="card", amount_minor=100, tax_minor=9, reason="x"
    )
    for one in (a, b):
        one.write(refund)
    a.write(yields(a.open_check, "B", 1))
    b.merge(a, len(a.log))
    books = books_of(a, b)
    found = {account.kind: amount for account, amount in books.items() if account.kind.startswith("refund")}
    assert found == {"refunds": 1, "refunded": 100, "refunded_tax": 9, "refunded_by": 100}


def closed_on_a() -> tuple[Register, Register]:
    a, _, check_id, due = card_in_doubt()
    recorded(a, check_id, due)
    closed(a)
    b = Register("B", {})
    b.fork(a, len(a.log))
    return a, b
