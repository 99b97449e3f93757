"""What is common to printers: patience, echoes, and the line that goes from one to the other."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from tests.spool.virtual import run_virtual

from tillkeeper_drivers.api import Status
from tillkeeper_drivers.printing.echo import EchoGuard
from tillkeeper_drivers.printing.patience import Patience
from tillkeeper_drivers.printing.session import Session

CLEAN = Status(reachable="yes", online="yes", cover_open="no", paper_out="no")
NO_PAPER = Status(reachable="yes", online="no", cover_open="no", paper_out="yes")
AT_IT = Status(reachable="yes", online="no", cover_open="yes", paper_out="yes")


def test_a_printer_with_nothing_wrong_is_waited_for_its_time_and_no_longer() -> None:
    patience = Patience(100, 15, 30, 75)
    assert patience.remaining_s(100, CLEAN) == 15
    assert patience.remaining_s(114, CLEAN) == 1
    assert patience.remaining_s(115, CLEAN) <= 0


def test_a_trouble_gets_time_to_be_cleared_and_what_follows_its_own() -> None:
    patience = Patience(0, 15, 30, 75)
    assert patience.remaining_s(5, NO_PAPER) == 30
    assert patience.remaining_s(20, NO_PAPER) == 15, "nobody came yet"
    assert patience.remaining_s(30, AT_IT) == 30, "somebody opened the cover"
    assert patience.remaining_s(40, CLEAN) == 15, "now it prints the rest"
    assert patience.remaining_s(54, CLEAN) == 1


def test_whatever_is_being_cleared_there_is_an_end() -> None:
    patience = Patience(0, 15, 30, 75)
    for now in range(74):
        assert 0 < patience.remaining_s(now, NO_PAPER if now % 2 else AT_IT) <= 75 - now
    assert patience.remaining_s(75, AT_IT) <= 0


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=20), st.lists(st.integers(1, 9), max_size=20))
def test_a_looped_line_is_told_by_its_first_three_bytes_however_they_come(sent: list[bytes], portions: list[int]) -> None:
    guard = EchoGuard()
    guard.sent(b"\x10\x04\x01")
    for data in sent:
        guard.sent(data)
    stream = b"\x10\x04\x01" + b"".join(sent)
    told = []
    at = 0
    for size in [*portions, len(stream)]:
        if at < len(stream):
            told.append(guard.heard(stream[at : at + size]))
            at += size
    assert guard.echoes
    assert told[-1]


@given(st.binary(max_size=40))
def test_a_printer_that_answers_is_no_echo(document: bytes) -> None:
    guard = EchoGuard()
    guard.sent(b"\x10\x04\x01")
    assert not guard.heard(b"\x12")
    guard.sent(b"\x1b@" + document + b"\x1d\x28\x48\x06\x00\x30\x30ab12")
    for byte in b"\x10\x00\x00\x00\x37\x22ab12\x00":
        assert not guard.heard(bytes([byte]))


def test_an_echo_that_begins_later_is_told_by_a_run_of_bytes() -> None:
    guard = EchoGuard()
    guard.sent(b"\x10\x04\x01")
    guard.heard(b"\x12")
    document = b"\x1b@ 2 BURGER MEDIUM RARE, NO ONION\n" * 3
    guard.sent(document)
    assert any(guard.heard(document[at : at + 1]) for at in range(len(document)))


class Babbler:
    """A connection that always has more to say."""

    def __init__(self) -> None:
        self.reads = 0

    async def write(self, data: bytes, deadline_s: float) -> None:
        await asyncio.sleep(0)

    async def read(self, deadline_s: float) -> bytes:
        self.reads += 1
        await asyncio.sleep(0.000001)
        return b"\xff" * 4096

    async def drain(self, deadline_s: float) -> None:
        await asyncio.sleep(0)


class Plain(Session):
    in_order = True

    def digest(self, data: bytes) -> None:
        """Nothing it says matters."""


def test_a_device_that_talks_without_end_is_read_now_and_then() -> None:
    async def scenario() -> int:
        line = Babbler()
        await Plain(line).until(lambda: False, 60)
        return line.reads

    assert run_virtual(scenario()) <= 60 / 0.05 + 10
