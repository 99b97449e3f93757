"""Rosters that were changed at several registers apart: whatever comes when, all come to the same, and nobody who was taken off
is brought back by somebody who did not know of it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tillkeeper.errors import ConfigInvalid
from tillkeeper.people import roster
from tillkeeper.people.merging import merged, put
from tillkeeper.people.roster import MAX_PEOPLE, MAX_STAMP, MAX_TERM, Member, Removed, Roster, Word

NOON = 1_900_000_000_000
PEOPLE = ("ana", "ben", "cleo")
EMPTY = Roster(store="store-1", secret_id="s")


def member(employee: str, pin: int = 0, *, term: int = 1, stamp: int = 0) -> Member:
    return Member(employee=employee, name=employee, roles=("cook",), pin=f"{pin:064x}", term=term, stamp=stamp)


def removed(employee: str, *, term: int = 1, stamp: int = NOON) -> Removed:
    return Removed(employee=employee, term=term, stamp=stamp)


def of(*words: Member | Removed) -> Roster:
    members = tuple(word for word in words if isinstance(word, Member))
    return Roster(
        store="store-1", secret_id="s", members=members, removed=tuple(one for one in words if isinstance(one, Removed))
    )


MEMBERS = st.builds(
    lambda name, pin, term, stamp: member(name, pin, term=term, stamp=stamp),
    st.sampled_from(PEOPLE), st.integers(0, 2), st.integers(1, 3), st.integers(NOON, NOON + 2),
)  # fmt: skip
REMOVED = st.builds(
    lambda name, term, stamp: removed(name, term=term, stamp=stamp),
    st.sampled_from(PEOPLE), st.integers(1, 3), st.integers(NOON, NOON + 2),
)  # fmt: skip
ROSTERS = st.lists(st.one_of(MEMBERS, REMOVED), unique_by=lambda word: word.employee, max_size=3).map(lambda found: of(*found))


@given(st.lists(ROSTERS, max_size=6), st.randoms())
def test_in_whatever_order_and_however_often_they_come_all_have_the_same(heard: list[Roster], chance: random.Random) -> None:
    one = other = EMPTY
    for each in heard:
        one = merged(one, each)
    for each in chance.sample(heard * 2, 2 * len(heard)):
        other = merged(merged(other, each), other)
    assert {*one.words} == {*other.words}
    assert one.digest == other.digest
    assert merged(one, other) is one


@given(st.lists(ROSTERS, max_size=6))
def test_who_was_taken_off_is_there_only_in_a_later_term(heard: list[Roster]) -> None:
    found = EMPTY
    for each in heard:
        found = merged(found, each)
    for word in (word for each in heard for word in each.removed):
        still = found.get(word.employee)
        assert still is None or still.term > word.term


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(("add", "change", "remove", "hear")), st.integers(0, 2))))
def test_registers_with_any_clocks_that_change_and_hear_each_other_agree_in_the_end(
    acts: list[tuple[int, str, int]],
) -> None:
    """Each of the three registers has its own wrong clock; `n` is a person, or the register that is heard."""
    held = [EMPTY, EMPTY, EMPTY]
    ahead_ms = (0, 40_000_000_000, -NOON)
    for at, (who, act, n) in enumerate(acts):
        name, now_ms = PEOPLE[n], max(1, NOON + at + ahead_ms[who])
        before = held[who]
        if act == "hear":
            held[who] = merged(before, held[n])
        elif act == "remove" and before.get(name) is not None:
            held[who] = put(before, removed(name), now_ms)
            assert held[who].get(name) is None
        elif act in ("add", "change") and (before.get(name) is None) == (act == "add"):
            held[who] = put(before, member(name, at), now_ms)
            assert held[who].get(name) != before.get(name)
        assert merged(held[who], before) is held[who], "what it knew before is older than what it says"
    whole = merged(merged(held[0], held[1]), held[2])
    assert all(merged(one, whole).digest == whole.digest for one in held)


def test_being_taken_off_beats_a_change_that_did_not_know_of_it_however_late_that_is() -> None:
    apart = put(put(of(member("ana", stamp=NOON)), member("ana", 1), NOON + 50), member("ana", 2), NOON + 90_000)
    off = put(of(member("ana", stamp=NOON)), removed("ana"), NOON + 1)
    assert merged(apart, off).get("ana") is None
    back = put(merged(apart, off), member("ana", 3), NOON + 2)
    assert merged(back, apart).get("ana") == member("ana", 3, term=2, stamp=NOON + 2)


@pytest.mark.parametrize("term", [1, MAX_TERM])
def test_no_stamp_or_term_however_high_keeps_a_person_on_the_list(term: int) -> None:
    poisoned = of(member("ana", stamp=MAX_STAMP, term=term))
    off = put(poisoned, removed("ana"), NOON)
    assert roster.decode(roster.encode(off), "store-1", "staff.json") == off, "it can be written and read"
    assert merged(poisoned, off).digest == merged(off, poisoned).digest == off.digest
    if term == MAX_TERM:
        with pytest.raises(ConfigInvalid, match="another short name"):
            put(off, member("ana"), NOON)
    else:
        changed = put(poisoned, member("ana", 7), NOON)
        assert merged(poisoned, changed).get("ana") == member("ana", 7, term=2, stamp=NOON)
        assert put(off, member("ana", 8), NOON).get("ana") == member("ana", 8, term=2, stamp=NOON)


def test_a_clock_that_is_centuries_ahead_makes_no_list_that_nobody_can_read() -> None:
    ahead = put(of(member("ana", stamp=NOON)), member("ben", 1), MAX_STAMP + 1)
    ahead = put(put(ahead, member("ana", 2), MAX_STAMP + 2), removed("ben"), MAX_STAMP + 3)
    assert roster.decode(roster.encode(ahead), "store-1", "staff.json") == ahead
    back = put(ahead, member("ana", 3), NOON)
    assert merged(ahead, back).get("ana") == member("ana", 3, term=2, stamp=NOON)


def test_members_that_nobody_stamped_stay_where_they_are_until_somebody_says_a_word_of_them() -> None:
    here, there = of(member("ana"), member("ben")), of(member("ben", 1), member("cleo"))
    assert merged(here, there) is here
    assert here.digest == there.digest == ""
    here = put(here, removed("ben"), NOON)
    here = put(here, member("ana", 7), NOON)
    assert {word.employee: type(word) for word in merged(there, here).words} == {"ana": Member, "ben": Removed, "cleo": Member}


def test_a_pin_that_two_people_got_apart_is_nobodys() -> None:
    both = merged(of(member("ana", 5, stamp=NOON)), of(member("ben", 5, stamp=NOON), member("cleo", 6, stamp=NOON)))
    assert both.alike() == ("ana", "ben")
    assert both.whose(f"{5:064x}") is None
    assert both.whose(f"{6:064x}") == both.get("cleo")


def test_its_age_is_that_of_the_newest_word() -> None:
    assert EMPTY.newest is None
    assert of(member("ana")).newest is None
    newest = of(member("ana", stamp=NOON), removed("ben", stamp=NOON + 1)).newest
    assert isinstance(newest, Word)
    assert (newest.employee, newest.stamp) == ("ben", NOON + 1)


def test_it_has_bounds() -> None:
    many = of(*(removed(f"old-{n:04}", stamp=NOON + n) for n in range(MAX_PEOPLE)))
    more = merged(many, of(removed("new", stamp=NOON + MAX_PEOPLE)))
    assert len(more.removed) == MAX_PEOPLE
    assert {word.employee for word in many.removed} - {word.employee for word in more.removed} == {"old-0000"}
    full = of(*(member(f"p-{n}", n, stamp=NOON) for n in range(MAX_PEOPLE)))
    with pytest.raises(ConfigInvalid, match="more than 1000 people"):
        roster.check(merged(full, of(member("one-more", stamp=NOON))), "store-1", "staff.json")
    wordy = of(*(replace(member(f"p-{n}", n, stamp=NOON), name="\N{HOT BEVERAGE}" * 200) for n in range(MAX_PEOPLE)))
    with pytest.raises(ConfigInvalid, match="larger than"):
        roster.check(wordy, "store-1", "staff.json")
