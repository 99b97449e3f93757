"""Star's answers, byte by byte: written from the manuals' tables, not from the parser."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper_drivers.api import Status
from tillkeeper_drivers.star.status import MAX_ANSWER, Automatic, Event, PrintEnd, StatusParser, Stray, apply

FIXTURES = Path(__file__).resolve().parents[2] / "hw-fixtures"
HEALTHY = bytes.fromhex("2386000000000000000000")
"""The example in the manual of the network card IFBD-HE07: nine bytes, and a length of 0."""


def status(first: int = 0, second: int = 0, third: int = 0, fourth: int = 0, counter: int = 0) -> bytes:
    """A status as a network printer sends it."""
    sixth = (counter & 7) << 1 | (counter >> 3) << 5
    return bytes((0x23, 0x86, first, second, third, fourth, 0, sixth, 0, 0, 0))


def feed(data: bytes, *, by: int = 1_000) -> list[Event]:
    parser = StatusParser()
    return [event for at in range(0, len(data), by) for event in parser.feed(data[at : at + by])]


def told(*frames: bytes) -> Status:
    result = Status()
    for event in feed(b"".join(frames)):
        result = apply(result, event)
    return result


def test_a_healthy_printer_is_told_from_silence() -> None:
    (event,) = feed(HEALTHY)
    assert event == Automatic(HEALTHY[:9])
    assert told(HEALTHY).trouble() is None
    assert told(HEALTHY).online == "yes"
    assert told().online == "unknown"


def test_every_bit_has_its_trouble() -> None:
    assert told(status(first=0x28)).trouble() == "cover_open"
    assert told(status(first=0x08, fourth=0x08)).trouble() == "paper_out"
    assert told(status(first=0x08, second=0x08)).trouble() == "cutter"
    assert told(status(first=0x08, second=0x20)).trouble() == "unrecoverable"
    assert told(status(first=0x08, second=0x04)).trouble() == "unrecoverable"  # a mechanical error
    assert told(status(first=0x08, second=0x40)).trouble() == "temperature"
    assert told(status(first=0x08)).trouble() == "offline"
    assert told(status(fourth=0x04)).paper_near_end == told(status(fourth=0x02)).paper_near_end == "yes"
    assert told(status(fourth=0x04)).trouble() is None
    assert (told(status(first=0x04)).drawer_pin_high, told(HEALTHY).drawer_pin_high) == ("yes", "no")


def test_a_status_that_is_fine_again_takes_back_what_the_one_before_said() -> None:
    assert told(status(first=0x28, fourth=0x08), HEALTHY).trouble() is None


def test_the_counter_has_five_bits_with_a_gap_between_them() -> None:
    events = feed(b"".join(status(counter=n) for n in range(32)))
    assert [event.counter for event in events if isinstance(event, Automatic)] == list(range(32))


def test_a_status_without_a_counter_has_none() -> None:
    (event,) = feed(bytes.fromhex("0f020000000000"))  # seven bytes, version 1, on a serial line
    assert isinstance(event, Automatic)
    assert event.counter is None


def test_lengths_go_by_the_first_header() -> None:
    short, nine, long = bytes.fromhex("0f02") + bytes(5), bytes.fromhex("2306") + bytes(7), bytes.fromhex("2f08") + bytes(13)
    assert [len(event.frame) for event in feed(short + nine + long) if isinstance(event, Automatic)] == [7, 9, 15]


def test_the_print_end_is_told_with_its_number() -> None:
    assert feed(b"\x1b\x1d\x03\x01AB\x07\x00") == [PrintEnd(1, b"AB", 7)]
    # Numbers may look like anything, flow control and headers included.
    assert feed(b"\x1b\x1d\x03\x00\x11\x23\x13\x00") == [PrintEnd(0, b"\x11\x23", 0x13)]


def test_the_print_end_may_come_as_the_answer_inside_a_status_in_either_order_of_its_length() -> None:
    end = b"\x1b\x1d\x03\x01AB\x07\x00"
    for length in (b"\x08\x00", b"\x00\x08"):
        automatic, found = feed(HEALTHY[:9] + length + end)
        assert automatic == Automatic(HEALTHY[:9], end)
        assert found == PrintEnd(1, b"AB", 7)


def test_flow_control_in_the_middle_changes_nothing() -> None:
    with_flow = b"\x13".join(bytes((byte,)) for byte in HEALTHY[:9]) + HEALTHY[9:]
    assert feed(b"\x11" + with_flow + b"\x11") == feed(HEALTHY)


def test_a_status_that_breaks_off_is_worth_nothing_and_the_next_one_is_whole() -> None:
    stray, automatic = feed(HEALTHY[:5] + HEALTHY)
    assert stray == Stray(HEALTHY[:5])
    assert automatic == Automatic(HEALTHY[:9])


def test_the_bytes_of_an_answer_are_no_status() -> None:
    inside = status(first=0x28)
    events = feed(HEALTHY[:9] + len(inside).to_bytes(2, "little") + inside)
    assert [type(event) for event in events] == [Automatic]


def test_an_answer_that_claims_too_much_is_not_waited_for() -> None:
    events = feed(HEALTHY[:9] + b"\xff\xff" + HEALTHY)
    assert events[-1] == Automatic(HEALTHY[:9])
    assert not any(isinstance(event, Automatic) for event in events[:-1])


PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([HEALTHY, HEALTHY[:4], status(first=0x28), b"\x1b\x1d\x03\x01AB\x07\x00", b"\x1b\x1d", b"\x11\x13"]),
)


@given(st.lists(PIECES, max_size=12), st.integers(1, 7))
def test_any_bytes_in_any_portions_give_the_same_events_and_none_is_lost(pieces: list[bytes], by: int) -> None:
    data = b"".join(pieces)
    whole = feed(data)
    assert feed(data, by=by) == whole
    for event in whole:
        if isinstance(event, Automatic):
            assert 7 <= len(event.frame) <= 31
            assert len(event.answer) <= MAX_ANSWER
            assert event.frame in data.replace(b"\x11", b"").replace(b"\x13", b"")
        elif isinstance(event, PrintEnd):
            assert b"\x1b\x1d\x03" + bytes((event.what,)) + event.number + bytes((event.counter, 0)) in data
    parser = StatusParser()
    for _ in range(3):
        parser.feed(data)
    parser.feed(bytes((0xFF,)) * (MAX_ANSWER + 40))
    assert parser.feed(HEALTHY)[-1] == Automatic(HEALTHY[:9])


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("star-*/exchange.toml")), ids=lambda path: path.parent.name)
def test_all_that_the_fixtures_say_a_printer_answers_is_understood(path: Path) -> None:
    answers = [bytes.fromhex(step["expect"]) for step in tomllib.loads(path.read_text())["step"]]
    events = feed(b"".join(answers))
    assert len(events) == len(answers)
    assert not any(isinstance(event, Stray) for event in events)
