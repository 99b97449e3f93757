"""The one rule of all who hold logs."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.replication.logs_of_others import altered, fork, money, rehashed, sales

from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.placing import (
    AFTER_LEAVING,
    BAD_SEQ,
    BROKEN,
    FORKED,
    POISON,
    Held,
    Kept,
    Placed,
    place,
)


class Shelf:
    """A log by the rule alone."""

    def __init__(self, last_accepted: int | None = None) -> None:
        self.held = Held()
        self.log: list[tuple[Envelope, str]] = []
        self.aside: list[tuple[str, Envelope]] = []
        self.last_accepted = last_accepted

    def kept_at(self, seq: int) -> Kept:
        envelope, reason = self.log[seq - 1]
        return Kept(envelope.hash, reason)

    def take(self, envelope: Envelope) -> Placed:
        placed = place(self.held, envelope, self.kept_at, self.last_accepted)
        if placed.keeps in ("log", "both"):
            self.log.append((envelope, placed.reason))
        if placed.keeps in ("quarantine", "both") and envelope not in [e for _, e in self.aside]:
            self.aside.append((placed.reason, envelope))
        self.held = placed.held
        assert self.held.held_seq == len(self.log)
        return placed


def test_each_case_of_the_contract() -> None:
    log, other = sales(2), fork(sales(2), 3, "clone", 1)
    shelf = Shelf()
    assert shelf.take(log.events[1]).verdict == "retryable"
    assert [shelf.take(event).verdict for event in log.events[:5]] == ["stored"] * 5
    again = shelf.take(log.events[2])
    assert (again.verdict, again.keeps) == ("stored", "nothing")
    cloned = shelf.take(other.events[3])
    assert (cloned.verdict, cloned.reason, cloned.keeps) == ("rejected", FORKED, "quarantine")
    assert cloned.event is not None
    forged = shelf.take(altered(log.events[2], body="{}"))
    assert (forged.reason, forged.keeps) == (FORKED, "quarantine")
    assert shelf.take(altered(log.events[0], seq=0)).reason == BAD_SEQ
    bad = altered(log.events[5], body=log.events[5].body + " ")
    broken = shelf.take(bad)
    assert (broken.verdict, broken.reason, broken.keeps, broken.held) == ("rejected", BROKEN, "both", Held(6, bad.hash))
    repeat = shelf.take(bad)
    assert (repeat.verdict, repeat.reason, len(shelf.aside)) == ("rejected", BROKEN, 4)
    as_it_was = shelf.take(log.events[5])
    assert (as_it_was.verdict, as_it_was.reason, as_it_was.keeps) == ("rejected", BROKEN, "quarantine")
    assert as_it_was.event is not None, "what one disk damaged comes from another"


@pytest.mark.parametrize("fields", [{"body": "{"}, {"version": 2**60}, {"at_ms": -5}, {"business_day": "someday"}])
def test_poison_takes_its_place_and_delays_no_other(fields: dict[str, object]) -> None:
    log = sales(1)
    shelf = Shelf()
    shelf.take(log.events[0])
    poison = rehashed(log.events[1], **fields)
    placed = shelf.take(poison)
    assert (placed.verdict, placed.reason, placed.keeps) == ("rejected", POISON, "both")
    next_one = rehashed(log.events[2], prev_hash=poison.hash)
    assert shelf.take(next_one).verdict == "stored"


def test_what_is_not_known_is_good() -> None:
    log = sales(0)
    log.raw("robot_waiter_dispatched", '{"odd" : 1.50}')
    log.raw("check_closed", '{"meaning":"changed"}', version=2)
    shelf = Shelf()
    assert [shelf.take(event).keeps for event in log.events] == ["log", "log"]


def test_behind_the_final_event_of_a_register_that_left_nothing_is_good() -> None:
    log = sales(2)
    shelf = Shelf(last_accepted=4)
    verdicts = [shelf.take(event) for event in log.events]
    assert [placed.reason for placed in verdicts] == ["", "", "", "", AFTER_LEAVING, AFTER_LEAVING]
    assert shelf.held.held_seq == 6
    assert [shelf.take(event).reason for event in log.events] == [placed.reason for placed in verdicts]
    assert money([event for _, event in shelf.aside]) == money(log.events[4:])


@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(0, 6), st.integers(0, 6))
def test_whatever_comes_in_whatever_order_nothing_is_lost_and_nothing_counts_twice(
    seed: int, count: int, one_after: int, two_after: int
) -> None:
    """Batches of three copies of one log, cut, doubled and shuffled. Every event that was not asked for again later is either
    good or in quarantine, once; the log is held from its beginning; what was said of an event is said again."""
    chance, trunk = random.Random(seed), sales(count)
    copies = [trunk, fork(trunk, min(one_after, 3 * count), "one", 2), fork(trunk, min(two_after, 3 * count), "two", 3)]
    shelf = Shelf()
    said: dict[bytes, tuple[str, str]] = {}
    for _ in range(40):
        events = chance.choice(copies).events
        first = chance.randrange(len(events))
        piece = events[first : first + chance.randint(1, 6)]
        if chance.random() < 0.2:
            piece = piece[::-1]
        for event in piece:
            placed = shelf.take(event)
            if placed.verdict != "retryable":
                verdict = (placed.verdict, placed.reason)
                assert said.setdefault(msgspec.json.encode(event), verdict) == verdict
    good = [event for event, reason in shelf.log if not reason]
    bad = [event for _, event in shelf.aside]
    assert len(bad) == len({(e.seq, e.hash, e.prev_hash) for e in bad}), "each once"
    delivered = [msgspec.json.decode(event, type=Envelope) for event in said]
    combined = money(good)
    for account, amount in money(bad).items():
        combined[account] = combined.get(account, 0) + amount
    assert combined == money(delivered)
    assert [event.seq for event, _ in shelf.log] == list(range(1, shelf.held.held_seq + 1))


@given(st.integers(0, 2**32), st.integers(1, 10))
def test_one_honest_log_ends_the_same_over_every_bad_line(seed: int, count: int) -> None:
    chance, log = random.Random(seed), sales(count)
    shelf = Shelf()
    while shelf.held.held_seq < len(log.events):
        first = chance.randrange(max(1, shelf.held.held_seq + 2))
        piece = log.events[first : first + chance.randint(1, 5)]
        chance.shuffle(piece)
        for event in piece:
            shelf.take(event)
    assert [event for event, _ in shelf.log] == log.events
    assert shelf.aside == []
