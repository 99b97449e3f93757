"""What a Star printer sends back, told apart byte by byte. Pure; one parser for one connection.

Source: Line Mode Command Specifications, appendix "Status Specifications" (automatic status, "Status identification method",
"Printer status transmission specification when using Ethernet") and StarPRNT Command Specifications, `ESC GS ETX s n1 n2`. So:

===================  ==============================================================================================
`11h`, `13h`         XON / XOFF: flow control, skipped where status bytes stand
`(b & 91h) == 01h`   header 1 of an automatic status: bits 1-3 and 5-6 are its length in bytes, both headers counted
header 2             bit 7: on a network two bytes of length and so many bytes of an answer follow (0 to 200h)
`(b & 91h) == 00h`   status bytes
`1Bh`                `1B 1D 03 s n1 n2 counter 00`: print end, outside a status or as the answer inside one
===================  ==============================================================================================

Everything else is `Stray`: counted, never believed.
"""

from collections.abc import Iterator

import msgspec

from tillkeeper_drivers.api import Status, Tri

SHORTEST, LONGEST = 7, 31
"""Bytes of an automatic status: version 1 ends with printer status 5; the length has five bits."""
MAX_ANSWER = 0x200
_PRINT_END = b"\x1b\x1d\x03"
_PRINT_END_LENGTH = 8
_FIXED = 0x91
"""Bits 7, 4 and 0, which tell headers, status bytes and everything else apart."""
_EXPANDED = 0x80
_FLOW_CONTROL = (0x11, 0x13)


class Automatic(msgspec.Struct, frozen=True):
    """One whole automatic status, headers included; `answer` is what came with it on a network."""

    frame: bytes
    answer: bytes = b""

    @property
    def counter(self) -> int | None:
        """The ETB counter, 0 to 31 (printer status 6, eighth byte); None on models whose status ends before it."""
        if len(self.frame) < 8:
            return None
        byte = self.frame[7]
        return (byte >> 1) & 0x07 | (byte >> 2) & 0x18

    @property
    def overflowed(self) -> bool:
        """Bytes were lost because the buffer was full (printer status 3, bit 6); told once."""
        return bool(self.frame[4] & 0x40)


class PrintEnd(msgspec.Struct, frozen=True):
    """`ESC GS ETX` was processed; for `what` 1 all before it is printed. `number` is echoed, it may be another job's."""

    what: int
    number: bytes
    counter: int


class Stray(msgspec.Struct, frozen=True):
    """Bytes that start nothing known."""

    data: bytes


Event = Automatic | PrintEnd | Stray


class StatusParser:
    """Feeds on any bytes in any portions; never raises for what a device sent; holds at most one status and its answer."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes, in order. The same bytes in other portions give the same events."""
        return [event for byte in data for event in self._byte(byte)]

    def _byte(self, byte: int) -> Iterator[Event]:
        held = self._held
        if byte in _FLOW_CONTROL and self._among_status_bytes():
            return
        if held and not self._fits(byte):
            yield Stray(bytes(held))  # it broke off: its bytes are worth nothing, this byte starts anew
            held.clear()
        if not held and not _starts(byte):
            yield Stray(bytes((byte,)))
            return
        held.append(byte)
        if held[0] == _PRINT_END[0]:
            if len(held) == _PRINT_END_LENGTH:
                yield _print_end(bytes(held))
                held.clear()
        elif self._whole():
            yield from _told(bytes(held))
            held.clear()

    def _among_status_bytes(self) -> bool:
        held = self._held
        return not held or (held[0] != _PRINT_END[0] and len(held) < _length(held[0]))

    def _fits(self, byte: int) -> bool:
        held, at = self._held, len(self._held)
        if held[0] == _PRINT_END[0]:
            return (at >= 3 or byte == _PRINT_END[at]) and (at < _PRINT_END_LENGTH - 1 or byte == 0)
        if at < _length(held[0]):
            return byte & (_FIXED & ~_EXPANDED if at == 1 else _FIXED) == 0
        return at != _length(held[0]) + 1 or _answer_length(held[-1], byte) is not None

    def _whole(self) -> bool:
        held = self._held
        size = _length(held[0])
        if len(held) < size:
            return False
        if not held[1] & _EXPANDED:
            return True
        if len(held) < size + 2:
            return False
        return len(held) == size + 2 + (_answer_length(held[size], held[size + 1]) or 0)


def _starts(byte: int) -> bool:
    return byte == _PRINT_END[0] or (byte & _FIXED == 0x01 and SHORTEST <= _length(byte) <= LONGEST)


def _length(header: int) -> int:
    return (header >> 1) & 0x07 | (header >> 2) & 0x18


def _answer_length(first: int, second: int) -> int | None:
    """None where it is too long. The manual does not tell the order of the two bytes: only one can mean 200h or less."""
    little = first | second << 8
    length = little if little <= MAX_ANSWER else second | first << 8
    return length if length <= MAX_ANSWER else None


def _told(held: bytes) -> Iterator[Event]:
    size = _length(held[0])
    answer = held[size + 2 :]
    yield Automatic(held[:size], answer)
    at = answer.find(_PRINT_END)
    if at >= 0 and len(answer) >= at + _PRINT_END_LENGTH:
        yield _print_end(answer[at : at + _PRINT_END_LENGTH])


def _print_end(data: bytes) -> PrintEnd:
    return PrintEnd(data[3], data[4:6], data[6])


def _bit(byte: int, mask: int) -> Tri:
    return "yes" if byte & mask else "no"


def apply(status: Status, event: Event) -> Status:
    """`status` with what `event` says; what it does not say stays as it was."""
    if not isinstance(event, Automatic):
        return status
    first, second, _third, fourth = event.frame[2:6]
    return msgspec.structs.replace(
        status,
        reachable="yes",
        drawer_pin_high=_bit(first, 0x04),
        online="no" if first & 0x08 else "yes",
        cover_open=_bit(first, 0x20),
        cutter_error=_bit(second, 0x08),
        temperature_error=_bit(second, 0x40),
        mechanical_error=_bit(second, 0x04),
        # A mechanical error (bit 2) and a broken head thermistor (bit 1) are no less than bit 5.
        unrecoverable_error=_bit(second, 0x26),
        paper_near_end=_bit(fourth, 0x06),
        paper_out=_bit(fourth, 0x08),
    )
