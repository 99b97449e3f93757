"""Beacons: what a register says of itself once a second, authenticated with the store's key. Pure.

    "TKB" version(1) store(4) mac(16) body, the body a msgpack map of `PeerState`, at most `MAX_BODY` bytes

`store` is made of the key: beacons of a neighbour's store are put aside without a calculation. The mac is keyed BLAKE2b
(RFC 7693) of head and body, 16 bytes.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

from tillkeeper.network.model import PeerState

try:
    # The same function as hashlib's, without the 3.6 MiB of libcrypto that `import hashlib` brings into the prober.
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

Reason = Literal["oversized", "foreign", "forged", "malformed", "own", "replayed", "too_often", "too_many"]
MAX_BODY = 900
MAX_BYTES = 8 + 16 + MAX_BODY
"""A datagram; with all headers below 1,000 bytes, so it is never cut into fragments."""
MIN_KEY_BYTES, MAX_KEY_BYTES = 16, 64
PER_S, BURST = 4.0, 12
"""Of one register: one a second, some more while something changes."""
MAX_REGISTERS = 256
FORGET_S = 300.0
"""After so long a silence an older session is believed again: a register whose clock fell back must be heard some day."""
_KEPT_SESSIONS = 8

_MAGIC = b"TKB\x01"
_MAC_BYTES = 16
_START = len(_MAGIC) + 4
_PERSON_STORE, _PERSON_MAC = b"tillkeeper.store", b"tillkeeper.beacn"
_MOST_MARKS, _MOST_FAULTS, _MOST_TEXT = 8, 8, 64
_LONGEST_S = 366 * 86_400.0
_MOST_NUMBER = 2**62


def session(wall_s: float, chance: int) -> int:
    """A session's number that grows from run to run as far as the wall clock does: seconds of Unix time, and 24 bits of
    chance. For `Setup.session`."""
    return (int(max(0.0, wall_s)) & 0xFFFF_FFFF) << 24 | (chance & 0xFF_FFFF)


def head(key: bytes) -> bytes:
    """The first eight bytes of each beacon of this store. Raises ValueError for a key that is too short or too long."""
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise ValueError(f"a beacon key has {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes, this one has {len(key)}")
    return _MAGIC + blake2b(key=key, digest_size=4, person=_PERSON_STORE).digest()


def seal(state: PeerState, key: bytes) -> bytes:
    """A whole datagram. Marks are dropped from the end until it fits. Raises ValueError where it does not fit without any,
    and for a state that no receiver would take (see `_is_sound`)."""
    state = msgspec.structs.replace(state, marks=state.marks[:_MOST_MARKS], faults=state.faults[:_MOST_FAULTS])
    body = msgspec.msgpack.encode(state)
    while len(body) > MAX_BODY and state.marks:
        state = msgspec.structs.replace(state, marks=state.marks[:-1])
        body = msgspec.msgpack.encode(state)
    if len(body) > MAX_BODY or not _is_sound(state):
        raise ValueError(f"not to be told in a beacon: {state}")
    start = head(key)
    return start + _mac(key, start, body) + body


def _mac(key: bytes, start: bytes, body: bytes) -> bytes:
    return blake2b(start + body, key=key, digest_size=_MAC_BYTES, person=_PERSON_MAC).digest()


class _Heard:
    """What is known of one register's beacons."""

    __slots__ = ("allowance", "at_s", "sequence", "sessions")

    def __init__(self, now_s: float) -> None:
        self.sessions: list[int] = []
        self.sequence = -1
        self.at_s = now_s
        self.allowance = float(BURST)


class Acceptor:
    """Tells the authentic, new beacons of others from the rest, and counts the rest by `Reason`.

    A sequence must grow within its session; a new session must be newer than the last one or come after `FORGET_S` of silence,
    and be none of the last eight, whose runs are over. What is held back on its way and told later, once, cannot be known for
    old. Only beacons that are authentic and new count against a register's rate, so nobody else can use it up. Memory:
    `MAX_REGISTERS` entries.
    """

    def __init__(self, key: bytes, register: str) -> None:
        """`register`: my own, whose beacons come back to me. Raises ValueError for a key of the wrong length."""
        self._key = key
        self._head = head(key)
        self._register = register
        self._heard: dict[str, _Heard] = {}
        self._refused: dict[Reason, int] = dict.fromkeys(get_args(Reason), 0)

    @property
    def refused(self) -> Mapping[Reason, int]:
        """How many of each."""
        return self._refused

    def take(self, data: bytes, now_s: float) -> PeerState | None:
        """`data`: one datagram, `now_s`: seconds of a clock that never goes back."""
        state = self._opened(data)
        if isinstance(state, str):
            self._refused[state] += 1
            return None
        reason = self._reason(state, now_s)
        if reason is not None:
            self._refused[reason] += 1
            return None
        return state

    def _opened(self, data: bytes) -> PeerState | Reason:
        if len(data) > MAX_BYTES:
            return "oversized"
        if len(data) <= _START + _MAC_BYTES or data[:_START] != self._head:
            return "foreign"
        mac, body = data[_START : _START + _MAC_BYTES], data[_START + _MAC_BYTES :]
        # As numbers: takes the same time wherever they differ, as compare_digest would, which needs libcrypto.
        if int.from_bytes(mac, "big") ^ int.from_bytes(_mac(self._key, self._head, body), "big"):
            return "forged"
        try:
            state = msgspec.msgpack.decode(body, type=PeerState)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return "malformed"
        if not _is_sound(state):
            return "malformed"
        return "own" if state.register == self._register else state

    def _reason(self, state: PeerState, now_s: float) -> Reason | None:
        heard = self._heard.get(state.register)
        if heard is None:
            if len(self._heard) >= MAX_REGISTERS and not self._forget(now_s):
                return "too_many"
            heard = self._heard[state.register] = _Heard(now_s)
        current = heard.sessions[-1] if heard.sessions else -1
        if state.session == current:
            if state.sequence <= heard.sequence:
                return "replayed"
        elif state.session in heard.sessions or (state.session < current and now_s - heard.at_s < FORGET_S):
            return "replayed"
        heard.allowance = min(float(BURST), heard.allowance + max(0.0, now_s - heard.at_s) * PER_S)
        heard.at_s = now_s
        if state.session != current:
            heard.sessions = [*heard.sessions, state.session][-_KEPT_SESSIONS:]
        heard.sequence = state.sequence
        if heard.allowance < 1:
            return "too_often"
        heard.allowance -= 1
        return None

    def _forget(self, now_s: float) -> bool:
        """Drop who was silent longest, if for long enough."""
        register, heard = min(self._heard.items(), key=lambda item: item[1].at_s)
        if now_s - heard.at_s < FORGET_S:
            return False
        del self._heard[register]
        return True


def _is_sound(state: PeerState) -> bool:
    """Bounds that the types do not say: texts of at most 64 characters, few faults and marks, ages within a year."""
    texts = (state.register, state.address, state.gateway_mac, *state.faults, *(f for mark in state.marks for f in mark.faults))
    ages = [age for mark in state.marks for age in (mark.began_age_s, mark.ended_age_s) if age is not None]
    return (
        state.register != ""
        and 0 <= state.session < _MOST_NUMBER
        and 0 <= state.sequence < _MOST_NUMBER
        and len(state.faults) <= _MOST_FAULTS
        and len(state.marks) <= _MOST_MARKS
        and all(len(mark.faults) <= _MOST_FAULTS for mark in state.marks)
        and all(len(text) <= _MOST_TEXT and text.isprintable() for text in texts)
        and all(0 <= age <= _LONGEST_S for age in ages)  # which no NaN is
    )
