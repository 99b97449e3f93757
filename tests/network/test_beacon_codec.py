"""Beacons: what is sealed comes out again; what is forged, replayed, foreign or too much does not."""

import math
import random
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.network.hostile import IPV4, MACS, PROPERTY, mangled, peak_bytes

from tillkeeper.network import beacon
from tillkeeper.network.beacon import (
    BURST,
    FORGET_S,
    MAX_BODY,
    MAX_BYTES,
    MAX_REGISTERS,
    PER_S,
    Acceptor,
    Reason,
    head,
    seal,
    session,
)
from tillkeeper.network.model import ColumnName, Mark, PeerState

KEY, OTHER_KEY = b"the key of this store, 32 bytes.", b"the key of the store next door.."
COLUMNS: tuple[ColumnName, ...] = get_args(ColumnName)
TODAY = session(1_790_000_000, 7)

TEXTS = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=24)
AGES = st.floats(0, 80_000)
MARKS = st.builds(
    Mark,
    faults=st.lists(TEXTS, max_size=3).map(tuple),
    began_age_s=AGES,
    ended_age_s=AGES | st.none(),
    carrier_lost=st.booleans(),
)
STATES = st.builds(
    PeerState,
    register=TEXTS,
    session=st.integers(0, 2**56),
    sequence=st.integers(0, 2**40),
    address=IPV4,
    columns=st.dictionaries(st.sampled_from(COLUMNS), st.sampled_from(("yes", "no", "unknown"))),
    phase=st.sampled_from(("checking", "fine", "suspect", "confirmed")),
    faults=st.lists(TEXTS, max_size=4).map(tuple),
    gateway_mac=MACS | st.just(""),
    marks=st.lists(MARKS, max_size=3).map(tuple),
    wan_asked=st.booleans(),
)


def state(register: str = "bar", sequence: int = 1, run: int = TODAY, **changes: object) -> PeerState:
    plain = PeerState(
        register=register, session=run, sequence=sequence, address="10.0.0.2", columns={"carrier": "yes", "gateway": "no"},
        phase="suspect", faults=("router_dead", "router_cable"), gateway_mac="02:00:00:00:00:fe",
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def refused(acceptor: Acceptor) -> dict[str, int]:
    return {reason: count for reason, count in acceptor.refused.items() if count}


@PROPERTY
@given(STATES)
def test_what_is_sealed_is_taken(said: PeerState) -> None:
    data = seal(said, KEY)
    assert len(data) <= MAX_BYTES
    taken = Acceptor(KEY, "me not").take(data, 5.0)
    assert taken is not None
    assert taken.marks == said.marks[: len(taken.marks)]
    assert msgspec.structs.replace(taken, marks=()) == msgspec.structs.replace(said, marks=())


def test_the_longest_state_drops_its_oldest_marks_and_fits() -> None:
    marks = tuple(Mark(faults=("switch_power", "cable"), began_age_s=n + 0.5, ended_age_s=float(n)) for n in range(40))
    said = state(columns=dict.fromkeys(COLUMNS, "unknown"), marks=marks)
    data = seal(said, KEY)
    taken = Acceptor(KEY, "kitchen").take(data, 0)
    assert taken is not None
    assert 5 <= len(taken.marks) <= 8
    assert taken.marks == marks[: len(taken.marks)], "the newest are told"
    assert len(data) <= 24 + MAX_BODY


@pytest.mark.parametrize(
    "changes",
    [
        {"register": ""},
        {"register": "x" * 65},
        {"address": "x" * 65},
        {"faults": ("x" * 65,)},
        {"session": -1},
        {"sequence": -1},
        {"register": "a\nb"},
        {"session": 2**62},
        {"marks": (Mark(faults=(), began_age_s=math.nan, ended_age_s=None),)},
        {"marks": (Mark(faults=(), began_age_s=-1, ended_age_s=None),)},
        {"marks": (Mark(faults=(), began_age_s=1, ended_age_s=math.inf),)},
        {"marks": (Mark(faults=("x",) * 9, began_age_s=1, ended_age_s=None),)},
        {
            "faults": ("x" * 64,) * 8,
            "columns": dict.fromkeys(COLUMNS, "unknown"),
            "address": "y" * 64,
            "gateway_mac": "z" * 64,
            "register": "r" * 64,
        },
    ],
)
def test_what_no_receiver_would_take_is_not_sealed(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="beacon"):
        seal(state(**changes), KEY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes", [{"register": ""}, {"faults": ("x",) * 9}, {"sequence": -1}, {"register": "a\0"}, {"session": 2**63}]
)
def test_an_authentic_one_that_is_out_of_bounds_is_refused(changes: dict[str, object]) -> None:
    """Of a register whose software is wrong, or whose key has leaked."""
    acceptor = Acceptor(KEY, "kitchen")
    assert acceptor.take(signed(msgspec.msgpack.encode(state(**changes))), 0) is None  # type: ignore[arg-type]
    assert refused(acceptor) == {"malformed": 1}


def signed(body: bytes, key: bytes = KEY) -> bytes:
    start = head(key)
    return start + beacon._mac(key, start, body) + body


@pytest.mark.parametrize(
    "body",
    [
        b"\xc1",
        b"\x80",
        msgspec.msgpack.encode([1, 2]),
        msgspec.msgpack.encode(state())[:-1],
        msgspec.msgpack.encode(state()) + b"\0",
        b"\x91" * 800,
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xd9\xff\xff",
        b"\x81\xa8register\xa1\xff",
        msgspec.msgpack.encode({**msgspec.to_builtins(state()), "more": 1}),
        msgspec.msgpack.encode({**msgspec.to_builtins(state()), "phase": "great"}),
        msgspec.msgpack.encode({**msgspec.to_builtins(state()), "columns": {"printer": "yes"}}),
    ],
)
def test_an_authentic_one_that_is_garbled_is_refused(body: bytes) -> None:
    acceptor = Acceptor(KEY, "kitchen")
    assert peak_bytes(lambda: acceptor.take(signed(body), 0)) < 100_000
    assert refused(acceptor) == {"malformed": 1}


def test_every_changed_bit_is_noticed() -> None:
    data = seal(state(), KEY)
    acceptor = Acceptor(KEY, "kitchen")
    for at in range(len(data)):
        for bit in (0x01, 0x80):
            assert acceptor.take(data[:at] + bytes((data[at] ^ bit,)) + data[at + 1 :], 0) is None
    assert refused(acceptor) == {"foreign": 16, "forged": 2 * len(data) - 16}
    assert acceptor.take(data, 0) == state()


def test_cut_or_lengthened_it_is_refused() -> None:
    data = seal(state(), KEY)
    acceptor = Acceptor(KEY, "kitchen")
    assert not any(acceptor.take(data[:size], 0) for size in range(len(data)))
    assert acceptor.take(data + b"\0", 0) is None
    assert acceptor.take(data.ljust(MAX_BYTES + 1), 0) is None
    assert refused(acceptor) == {"foreign": 25, "forged": len(data) - 25 + 1, "oversized": 1}


def test_the_store_next_door_is_not_heard() -> None:
    acceptor = Acceptor(KEY, "kitchen")
    assert acceptor.take(seal(state(), OTHER_KEY), 0) is None
    assert refused(acceptor) == {"foreign": 1}
    assert head(KEY)[:4] == head(OTHER_KEY)[:4]


def test_the_own_one_comes_back_and_is_not_news() -> None:
    acceptor = Acceptor(KEY, "bar")
    assert acceptor.take(seal(state("bar"), KEY), 0) is None
    assert refused(acceptor) == {"own": 1}


def test_a_replay_is_refused_for_ever() -> None:
    acceptor = Acceptor(KEY, "kitchen")
    recorded = [seal(state(sequence=n), KEY) for n in range(1, 6)]
    assert all(acceptor.take(data, float(n)) for n, data in enumerate(recorded))
    for later_s in (4.0, 60.0, 2 * FORGET_S, 1e6):
        assert not any(acceptor.take(data, later_s) for data in recorded)
    assert refused(acceptor) == {"replayed": 20}
    assert acceptor.take(seal(state(sequence=6), KEY), 1e6 + 1)


def test_a_reordered_one_is_late_and_one_that_skips_is_not() -> None:
    acceptor = Acceptor(KEY, "kitchen")
    order = [1, 5, 3, 4, 6]
    assert [acceptor.take(seal(state(sequence=n), KEY), float(n)) is not None for n in order] == [
        True,
        True,
        False,
        False,
        True,
    ]


def test_after_a_restart_only_the_newer_session_is_heard() -> None:
    acceptor = Acceptor(KEY, "kitchen")
    old, new = session(1_790_000_000, 0xFFFFFF), session(1_790_000_001, 0)
    assert acceptor.take(seal(state(run=old, sequence=900), KEY), 0)
    assert acceptor.take(seal(state(run=new, sequence=1), KEY), 1)
    assert acceptor.take(seal(state(run=old, sequence=901), KEY), 2) is None, "told while the old run lived, and held back"
    assert acceptor.take(seal(state(run=new, sequence=2), KEY), 3)
    assert refused(acceptor) == {"replayed": 1}


def test_a_register_whose_clock_fell_back_is_heard_after_a_silence() -> None:
    acceptor = Acceptor(KEY, "kitchen")
    fallen = session(0, 5)
    assert acceptor.take(seal(state(), KEY), 0)
    told = [acceptor.take(seal(state(run=fallen, sequence=n), KEY), float(n)) is not None for n in range(1, int(FORGET_S) + 3)]
    assert told == [n >= FORGET_S for n in range(1, int(FORGET_S) + 3)]
    assert acceptor.take(seal(state(sequence=2), KEY), FORGET_S + 4) is None, "that run is over"
    assert acceptor.take(seal(state(run=TODAY + 1), KEY), FORGET_S + 4), "its right clock is newer again"
    assert acceptor.take(seal(state(run=fallen, sequence=9000), KEY), 9 * FORGET_S) is None, "and what was used once is over"


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.floats(0, 400)), max_size=40))
@settings(max_examples=50, deadline=None)
def test_no_beacon_is_ever_taken_twice(order: list[tuple[int, int, float]]) -> None:
    acceptor = Acceptor(KEY, "kitchen")
    now_s, taken = 0.0, []
    for run, sequence, pause_s in order:
        now_s += pause_s
        if acceptor.take(seal(state(run=TODAY + run, sequence=sequence), KEY), now_s):
            taken.append((run, sequence))
    assert len(taken) == len(set(taken))


def test_a_register_that_talks_too_much_is_slowed_and_nobody_else_is() -> None:
    acceptor = Acceptor(KEY, "kitchen")
    loud = [acceptor.take(seal(state("loud", sequence=n), KEY), n / 100) is not None for n in range(1000)]
    assert sum(loud) <= BURST + 10 * PER_S + 1
    assert sum(loud) >= BURST + 9 * PER_S
    assert acceptor.take(seal(state("quiet"), KEY), 10.0)
    assert acceptor.take(seal(state("loud", sequence=2000), KEY), 20.0), "and is heard again when it calms down"


def test_forgeries_and_replays_cannot_use_up_a_registers_rate() -> None:
    acceptor = Acceptor(KEY, "kitchen")
    first = seal(state(sequence=0), KEY)
    assert acceptor.take(first, 0)
    for n in range(1, 2000):
        assert acceptor.take(first, n / 1000) is None
        assert acceptor.take(first[:-1] + b"\xff", n / 1000) is None
    assert acceptor.take(seal(state(sequence=1), KEY), 2.0) == state(sequence=1)


def test_more_registers_than_a_store_has_are_not_kept() -> None:
    acceptor = Acceptor(KEY, "kitchen")
    taken = [acceptor.take(seal(state(f"r{n}"), KEY), 0.0) is not None for n in range(MAX_REGISTERS + 5)]
    assert taken == [True] * MAX_REGISTERS + [False] * 5
    assert refused(acceptor) == {"too_many": 5}
    assert acceptor.take(seal(state("r0", sequence=2), KEY), FORGET_S), "the known ones go on"
    assert acceptor.take(seal(state("new"), KEY), FORGET_S), "the silent make room"
    assert acceptor.take(seal(state("r0", sequence=2), KEY), FORGET_S) is None


@PROPERTY
@given(st.binary(max_size=1200) | mangled(seal(state(), KEY)) | mangled(msgspec.msgpack.encode(state())).map(signed))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    acceptor = Acceptor(KEY, "kitchen")
    taken = acceptor.take(data, 0.0)
    assert (taken is None) is (sum(acceptor.refused.values()) == 1)


def test_a_flood_leaves_nothing_behind() -> None:
    acceptor = Acceptor(KEY, "kitchen")
    chance = random.Random(5)
    real = seal(state(sequence=1), KEY)
    flood = [head(KEY) + chance.randbytes(chance.randint(0, 950)) for _ in range(500)] + [chance.randbytes(100), real]

    def drench() -> None:
        for n in range(5_000):
            acceptor.take(flood[n % len(flood)], n / 1e5)

    assert peak_bytes(drench) < 50_000
    assert acceptor.take(seal(state(sequence=2), KEY), 1.0) == state(sequence=2)
    assert set(refused(acceptor)) <= {"forged", "foreign", "oversized", "replayed"}


def test_sessions_grow_with_the_clock_and_never_leave_their_bounds() -> None:
    assert session(100.9, 1) < session(101.0, 0) < session(101.0, 0x1FF_FFFF)
    assert session(-5, 3) == 3
    assert 0 <= session(1e18, 2**70) < 2**62


@pytest.mark.parametrize("key", [b"", b"x" * 15, b"x" * 65])
def test_a_key_of_the_wrong_length_is_said(key: bytes) -> None:
    for use in (lambda: head(key), lambda: seal(state(), key), lambda: Acceptor(key, "bar")):
        with pytest.raises(ValueError, match="16 to 64 bytes"):
            use()


def test_all_reasons_are_counted_from_the_start() -> None:
    assert dict(Acceptor(KEY, "bar").refused) == dict.fromkeys(get_args(Reason), 0)
