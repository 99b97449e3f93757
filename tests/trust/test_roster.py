"""The roster: a union of what the authority signed, whatever comes in which order, and from whom."""

import itertools
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.world import STORE, admitted, left, pair, roster

from tillkeeper.contract.roster import (
    MAX_ADMITTED,
    MAX_FORGED,
    MAX_INCARNATIONS,
    MAX_LEFT,
    Admitted,
    Left,
    Roster,
    Signed,
    canonical,
    leavings,
)
from tillkeeper.replication.peers import wire
from tillkeeper.replication.peers.wire import MAX_FRAME, encode
from tillkeeper.trust.admitting import signed
from tillkeeper.trust.keys import KeyPair

AUTHORITY, OTHER = pair(1), pair(2)
FRONT, BAR, NEW_BAR, LANE = (pair(number).key for number in (10, 11, 12, 13))
EMPTY = Roster(STORE, AUTHORITY.key)

STATEMENTS = (
    admitted(AUTHORITY, "front", FRONT, may_admit=True),
    admitted(AUTHORITY, "bar", BAR),
    admitted(AUTHORITY, "bar", NEW_BAR, term=2),
    left(AUTHORITY, "bar", BAR, one=7, two=3),
    left(AUTHORITY, "bar", BAR, one=9),
    admitted(AUTHORITY, "lane", LANE),
    left(AUTHORITY, "lane", LANE),
)


@given(st.lists(st.permutations(STATEMENTS), min_size=1, max_size=3), st.randoms())
def test_the_same_statements_make_the_same_roster_in_any_order_and_however_often(
    orders: list[tuple[Signed, ...]], chance: random.Random
) -> None:
    whole = roster(AUTHORITY, *STATEMENTS)
    grown = EMPTY
    for statement in itertools.chain(*orders):
        grown = grown.merged((statement,)).roster
    halves = [EMPTY.merged(chance.sample(STATEMENTS, 4)).roster for _ in range(3)]
    other = whole
    for half in halves:
        other = half.merged(other.statements).roster
    for one in (grown, other):
        assert one.digest == whole.digest
        assert one.members == whole.members
        assert one.statements == whole.statements


def test_who_belongs_to_the_store() -> None:
    one = roster(AUTHORITY, *STATEMENTS)
    assert {name: member.key for name, member in one.members.items()} == {"front": FRONT, "bar": NEW_BAR}
    assert [one.admits(key) for key in (FRONT, NEW_BAR, BAR, LANE, OTHER.key, "")] == ["front", "bar", "", "", "", ""]
    assert [one.has_left(key) for key in (FRONT, NEW_BAR, BAR, LANE)] == [False, False, True, True]
    assert one.keys("bar") == {BAR, NEW_BAR}
    assert one.next_term("bar") == 3
    assert one.next_term("nobody") == 1


def test_how_far_a_log_counts() -> None:
    one = roster(AUTHORITY, *STATEMENTS)
    assert one.bound("front", FRONT, "any") is None
    assert one.bound("bar", NEW_BAR, "one") is None
    assert one.bound("bar", BAR, "one") == 9, "of two statements the one that lets more count"
    assert one.bound("bar", BAR, "two") == 3
    assert one.bound("bar", BAR, "begun later") == 0
    assert one.bound("lane", LANE, "any") == 0
    assert one.bound("front", BAR, "one") == 0, "a key speaks for its own register only"
    assert one.bound("front", OTHER.key, "one") == 0


def test_a_newer_key_ends_the_older_one_before_its_leaving_is_signed() -> None:
    one = roster(AUTHORITY, STATEMENTS[1], STATEMENTS[2])
    assert one.admits(BAR) == ""
    assert not one.has_left(BAR)
    assert one.staying("bar") == {BAR, NEW_BAR}


def test_a_key_that_left_never_comes_back_and_neither_does_one_that_it_replaced() -> None:
    one = roster(AUTHORITY, STATEMENTS[1], STATEMENTS[2], left(AUTHORITY, "bar", NEW_BAR))
    assert "bar" not in one.members
    again = one.merged([admitted(AUTHORITY, "bar", NEW_BAR, term=9), admitted(AUTHORITY, "bar", BAR, term=1)]).roster
    assert again.admits(NEW_BAR) == again.admits(BAR) == ""
    assert "bar" not in again.members


def test_an_older_roster_takes_nothing_back() -> None:
    whole, older = roster(AUTHORITY, *STATEMENTS), roster(AUTHORITY, *STATEMENTS[:2])
    assert older.admits(BAR) == "bar"
    merge = whole.merged(older.statements)
    assert merge.added == 0
    assert merge.roster is whole


def test_statements_that_the_authority_did_not_sign_are_refused() -> None:
    honest = STATEMENTS[1]
    statement = honest.statement
    assert isinstance(statement, Admitted)
    forged = [
        admitted(OTHER, "bar", OTHER.key),
        Signed(msgspec.structs.replace(statement, key=OTHER.key), honest.signature),
        Signed(msgspec.structs.replace(statement, may_admit=True), honest.signature),
        Signed(msgspec.structs.replace(statement, term=2), honest.signature),
        Signed(statement, "00" * 64),
        Signed(statement, "zz"),
        Signed(Left(store=STORE, register="bar", key=BAR), honest.signature),
        signed(AUTHORITY, Admitted(store="store-2", register="bar", key=BAR)),
    ]
    for one in forged:
        merge = EMPTY.merged((one,))
        assert merge.refused == (one,)
        assert merge.roster.members == {}
        assert merge.roster.digest == ""


def test_two_statements_can_not_look_the_same() -> None:
    first = Left(store=STORE, register="bar", key=BAR, finals={"one": 12})
    second = Left(store=STORE, register="bar", key=BAR, finals={"one": 1, "2": 0})
    assert canonical(first) != canonical(second)
    with pytest.raises(ValueError, match="line break"):
        canonical(Admitted(store="a\nb", register="bar", key=BAR))
    assert EMPTY.merged([Signed(Admitted(store="a\nb", register="bar", key=BAR), "0" * 128)]).added == 0


def test_a_flood_of_forged_statements_ends_after_a_few() -> None:
    """What comes after them is not even looked at: the next time it is taken."""
    flood = [admitted(OTHER, f"r{number}", OTHER.key, term=number) for number in range(1, 2_000)]
    merge = EMPTY.merged([*flood, STATEMENTS[0]])
    assert merge.added == 0
    assert len(merge.refused) == 2_000
    assert EMPTY.merged([*flood[: MAX_FORGED - 1], STATEMENTS[0]]).added == 1


def test_a_full_roster_still_lets_registers_go() -> None:
    many = [admitted(AUTHORITY, "bar", BAR, term=term) for term in range(1, MAX_ADMITTED + 50)]
    full = EMPTY.merged(many)
    assert full.added == MAX_ADMITTED
    assert len(full.refused) == 49
    gone = full.roster.merged([left(AUTHORITY, "bar", BAR, one=seq) for seq in range(MAX_LEFT + 10)])
    assert gone.added == MAX_LEFT
    assert gone.roster.has_left(BAR)
    assert len(gone.roster.statements) == MAX_ADMITTED + MAX_LEFT


def test_a_register_of_very_many_logs_leaves_in_several_statements() -> None:
    """Each of them is one that others take off the wire."""
    finals = {f"log-{number:04}": number for number in range(3 * MAX_INCARNATIONS - 5)}
    statements = [signed(AUTHORITY, one) for one in leavings(STORE, "bar", BAR, finals)]
    assert len(statements) == 3
    again = [msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Signed) for one in statements]
    one = roster(AUTHORITY, STATEMENTS[1], *again)
    assert all(one.bound("bar", BAR, log) == seq for log, seq in finals.items())
    assert [left.finals for left in leavings(STORE, "bar", BAR, {})] == [{}]


def test_a_roster_always_fits_into_one_message() -> None:
    long = [
        signed(
            AUTHORITY, Left(store=STORE, register="bar", key=BAR, finals={f"{at:03}{'x' * 61}": number for at in range(256)})
        )
        for number in range(60)
    ]
    statements = roster(AUTHORITY, STATEMENTS[1]).merged(long).roster.statements
    assert 20 < len(statements) < 60
    assert len(encode(wire.Roster(statements))) < MAX_FRAME
    assert len(msgspec.msgpack.encode(statements)) < MAX_FRAME


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_a_signature_holds_for_what_was_signed_and_nothing_else(seed: bytes, data: bytes, bit: int) -> None:
    from tillkeeper.contract.ed25519 import verify

    signer = KeyPair(seed)
    signature = signer.sign(data)
    assert verify(signer.key, data, signature)
    assert not verify(signer.key, data + b"\x00", signature)
    broken = int(signature, 16) ^ (1 << bit)
    assert not verify(signer.key, data, f"{broken:0128x}")


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        ("", ""),
        ("zz", "00" * 64),
        ("00" * 31, "00" * 64),
        ("00" * 32, "00" * 64),
        ("00" * 32, "00" * 63),
        ("é" * 64, "00" * 64),
    ],
)
def test_what_is_no_key_or_no_signature_verifies_nothing(key: str, signature: str) -> None:
    """The key of zeros is one of small order, under which anybody can sign anything."""
    from tillkeeper.contract.ed25519 import verify

    assert not verify(key, b"data", signature)
