"""Frames between registers: what goes in comes out, and bytes of a stranger cost little and break nothing."""

import struct
import zlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillkeeper.contract.envelope import Envelope, EventVerdict, HqAnswer, HqBatch, SignedHead
from tillkeeper.contract.roster import Admitted, Signed
from tillkeeper.replication.model import Mark
from tillkeeper.replication.peers import wire
from tillkeeper.replication.peers.wire import (
    HEADER,
    MAX_FRAME,
    MAX_UNPACKED,
    Answer,
    Beat,
    Hello,
    Malformed,
    Message,
    Push,
    Refused,
    Rival,
    Roster,
    decode,
    encode,
    frame_length,
)

HEAD = SignedHead("s", "a", "i", 3, "ab" * 32, "cd" * 32, "ef" * 64)
MARK = Mark("a", "i", 3, "ab" * 32, HEAD)
EVENT = Envelope("s", "a", "i", 1, "odd", 1, "2026-11-22", 5, '{"x":1}' * 300, "0" * 64, "ab" * 32, {"d": ("salt", "text")})
STATEMENT = Signed(Admitted(store="s", register="a", key="ab" * 32), "cd" * 64)
MESSAGES: list[Message] = [
    Hello("s", "a", "i", "session", "1.0", marks=(MARK,), admission=(STATEMENT,), adoptions=(HqBatch("s", "a", "i"),)),
    Push(HqBatch("s", "a", "i", (EVENT,) * 50, HEAD)),
    Answer("a", "i", HqAnswer(3, (EventVerdict(3, "rejected", "forked_log"),))),
    Roster((STATEMENT,)),
    Beat((MARK,), hq=True, heard=("b", "c")),
    Rival("session", "10.0.0.1"),
    Refused("two_sessions", "why", "what to do"),
]


def read(frame: bytes) -> Message | None:
    length, flag = frame_length(frame[: HEADER.size])
    assert len(frame) == HEADER.size + length
    return decode(flag, frame[HEADER.size :])


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: type(one).__name__)
def test_what_goes_in_comes_out(message: Message) -> None:
    assert read(encode(message)) == message


def test_long_messages_are_packed() -> None:
    assert len(encode(MESSAGES[1])) < len(msgspec.msgpack.encode(MESSAGES[1])) / 10


def test_what_a_newer_register_says_is_passed_over() -> None:
    assert decode(wire.PLAIN, msgspec.msgpack.encode({"type": "epoch", "counter": 7})) is None
    newer = {**msgspec.to_builtins(MESSAGES[6]), "severity": "high"}
    assert decode(wire.PLAIN, msgspec.msgpack.encode(newer)) == MESSAGES[6]


@pytest.mark.parametrize(
    ("ours", "theirs", "spoken"), [((1, 1), (1, 1), 1), ((1, 1), (3, 1), 1), ((1, 1), (3, 2), 0), ((1, 1), (0, 0), 0)]
)
def test_the_newest_protocol_that_both_speak(ours: tuple[int, int], theirs: tuple[int, int], spoken: int) -> None:
    assert ours == (wire.PROTOCOL, wire.OLDEST)
    assert wire.speaks(Hello("s", "a", "i", "x", "1", protocol=theirs[0], oldest=theirs[1])) == spoken


@pytest.mark.parametrize("length", [0, MAX_FRAME + 1, 2**32 - 1])
def test_lengths_that_no_frame_has(length: int) -> None:
    with pytest.raises(Malformed):
        frame_length(struct.pack(">IB", length, 0))


def test_unknown_flags() -> None:
    with pytest.raises(Malformed):
        frame_length(struct.pack(">IB", 5, 2))


def test_a_bomb_does_not_go_off() -> None:
    bomb = zlib.compress(b"\0" * (MAX_UNPACKED + 1), 9)
    assert len(bomb) < MAX_FRAME
    with pytest.raises(Malformed):
        decode(wire.DEFLATED, bomb)


def test_what_is_too_long_is_not_sent() -> None:
    noise = "".join(chr(33 + (n * n * 7919 + n) % 90) for n in range(3_000_000))
    with pytest.raises(Malformed):
        encode(Refused("x", noise * 3))


@settings(max_examples=400, deadline=None)
@given(flag=st.sampled_from([0, 1]), payload=st.binary(max_size=300))
def test_any_bytes_are_a_message_or_malformed(flag: int, payload: bytes) -> None:
    try:
        decode(flag, payload)
    except Malformed:
        return


@settings(max_examples=400, deadline=None)
@given(which=st.integers(0, len(MESSAGES) - 1), at=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.booleans())
def test_damaged_messages(which: int, at: int, byte: int, cut: bool) -> None:
    payload = bytearray(msgspec.msgpack.encode(MESSAGES[which]))
    at %= len(payload)
    payload[at] = byte
    try:
        decode(wire.PLAIN, bytes(payload[:at] if cut else payload))
    except Malformed:
        return


def test_nesting_without_end() -> None:
    with pytest.raises(Malformed):
        decode(wire.PLAIN, b"\x82\xa4type\xa4push\xa5batch" + b"\x91" * 100_000)
