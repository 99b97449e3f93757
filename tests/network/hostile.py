"""Bytes as an enemy or a broken machine would send them, and how much work they cause."""

import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

PROPERTY = settings(deadline=None)
"""How long an example takes says more about the machine than about us; `lines_of` counts work."""

MACS = st.binary(min_size=6, max_size=6).map(lambda data: bytes((data[0] & 0xFE | 2,)) + data[1:]).map(lambda d: d.hex(":"))
NUMBERS = st.integers(0, 0xFFFF)
IPV4 = st.ip_addresses(v=4).map(str)
IPV6 = st.ip_addresses(v=6).filter(lambda address: int(address) >> 48 != 0).map(str)
"""Without those that stand for an IPv4 address: they have two texts, and nobody on a LAN has one."""


@st.composite
def mangled(draw: st.DrawFn, whole: bytes) -> bytes:
    """`whole` with some bytes changed, a piece cut out or repeated, and an end that is missing or too much."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(0, 4))):
        match draw(st.integers(0, 3)):
            case 0 if data:
                data[draw(st.integers(0, len(data) - 1))] = draw(
                    st.sampled_from((0, 1, 0x7F, 0x80, 0xC0, 0xFF)) | st.integers(0, 255)
                )
            case 1 if data:
                at = draw(st.integers(0, len(data) - 1))
                del data[at : at + draw(st.integers(1, 8))]
            case 2 if data:
                at = draw(st.integers(0, len(data) - 1))
                data[at:at] = data[at : at + draw(st.integers(1, 16))]
            case _:
                data += draw(st.binary(max_size=16))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


def lines_of(call: Callable[[], object]) -> int:
    """How many lines of the code under test a call runs: its time, but the same on every machine."""
    count = 0

    def line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        return line if "tillkeeper" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def peak_bytes(call: Callable[[], object]) -> int:
    """How much memory a call has at most at once, beyond what was there."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
