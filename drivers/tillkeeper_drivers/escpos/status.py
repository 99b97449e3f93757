"""What a printer sends back, told apart byte by byte. Pure; one parser for one connection.

Source: Epson ESC/POS reference, "Identifying transmitted data" with DLE EOT, GS a, GS r and GS ( H. A reply is
recognised by bits 0, 1, 4 and 7 alone, and the last three bytes of an automatic status look exactly like the answer
to `GS r`: read without state they would confirm a ticket falsely. So:

====================  ==========================================================
`11h`, `13h`          XON / XOFF: flow control, skipped anywhere
`(b & 93h) == 10h`    first of four bytes of automatic status (`GS a`)
`(b & 93h) == 12h`    answer to `DLE EOT n`; which `n`, only the asker knows
`37h`, `5Fh`          header of a block that ends in NUL
`3Bh`                 header of the power-on notice, `3Bh 31h 00h` (`GS ( E`, memory switch 1-1)
`(b & F0h) == 00h`    answer to `GS r 1`, if one was asked and we are in no frame
====================  ==========================================================

Everything else is `Stray`: counted, never believed.
"""

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from tillkeeper_drivers.api import Status, Tri

Question = Literal["realtime_1", "realtime_2", "realtime_3", "realtime_4", "paper"]
"""`DLE EOT n` with its n, or `GS r 1` (paper)."""

REALTIME: dict[int, Question] = {1: "realtime_1", 2: "realtime_2", 3: "realtime_3", 4: "realtime_4"}

MAX_BLOCK = 80
"""Longest block kept, header and NUL not counted; a longer one is dropped as stray."""

_XON, _XOFF, _NUL = 0x11, 0x13, 0x00
_NOTICE = 0x3B
_BREAKS_OFF = (0x10, 0x14, 0x18, 0x1C)
"""No block holds these, and a frame starts with them: the block was cut short. Else the rest of the frame would be answers."""
_BLOCK_HEADERS = (0x37, _NOTICE, 0x5F)
_PROCESS_ID = 0x22  # identifier of GS ( H function 48 in a 37h block


class Automatic(msgspec.Struct, frozen=True):
    """Four bytes of automatic status."""

    frame: bytes


class Answer(msgspec.Struct, frozen=True):
    """The answer to an outstanding question."""

    question: Question
    byte: int


class ProcessId(msgspec.Struct, frozen=True):
    """`37h 22h d1 d2 d3 d4 00h`: printing of the document with this id is complete. It may be another's id."""

    token: bytes


class PowerOn(msgspec.Struct, frozen=True):
    """`3Bh 31h 00h`: the printer was switched on, or reset."""


class Block(msgspec.Struct, frozen=True):
    """Any other block, without header and NUL."""

    header: int
    data: bytes


class Stray(msgspec.Struct, frozen=True):
    """Bytes that answer nothing asked and start nothing known."""

    data: bytes


Event = Automatic | Answer | ProcessId | PowerOn | Block | Stray


class StatusParser:
    """Feeds on any bytes in any portions; never raises for what a device sent; holds at most `MAX_BLOCK` bytes."""

    def __init__(self) -> None:
        self._realtime: Question | None = None
        self._paper = 0
        self._frame = bytearray()
        self._block_header: int | None = None
        self._block = bytearray()
        self.held = False
        """Whether the device has said XOFF last: it takes nothing now."""

    def outstanding(self) -> frozenset[Question]:
        """Questions asked and not yet answered."""
        asked: list[Question] = ["paper"] if self._paper else []
        if self._realtime is not None:
            asked.append(self._realtime)
        return frozenset(asked)

    def asked(self, question: Question, answers: int = 1) -> None:
        """Declare a question before its bytes are sent.

        Args:
            answers: how many may come by now to `GS r`, those included that earlier ones are owed.

        Raises:
            ValueError: one of its kind is outstanding; an answer could not be told from the other's. A question that
                timed out stays outstanding: its answer may still come.
        """
        if question == "paper":
            if self._paper:
                raise ValueError("GS r is outstanding")
            self._paper = answers
        elif self._realtime is not None:
            raise ValueError(f"{self._realtime} is outstanding")
        else:
            self._realtime = question

    def forget_paper(self) -> None:
        """No answer to `GS r` can come any more."""
        self._paper = 0

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes, in order. The same bytes in other portions give the same events."""
        return [event for byte in data for event in self._byte(byte)]

    def _byte(self, byte: int) -> Iterator[Event]:
        if byte in (_XON, _XOFF):
            self.held = byte == _XOFF
            return
        if self._block_header is not None and byte in _BREAKS_OFF:
            yield Stray(bytes([self._block_header, *self._block]))
            self._block_header = None
            self._block.clear()
        if self._block_header is not None:
            yield from self._in_block(self._block_header, byte)
        elif self._frame and byte & 0x90 == 0:
            self._frame.append(byte)
            if len(self._frame) == 4:
                frame = bytes(self._frame)
                self._frame.clear()
                yield Automatic(frame)
        else:
            if self._frame:  # the frame broke off: its bytes are worth nothing, this byte starts anew
                yield Stray(bytes(self._frame))
                self._frame.clear()
            yield from self._start(byte)

    def _start(self, byte: int) -> Iterator[Event]:
        if byte & 0x93 == 0x10:
            self._frame.append(byte)
        elif byte & 0x93 == 0x12 and self._realtime is not None:
            question, self._realtime = self._realtime, None
            yield Answer(question, byte)
        elif byte in _BLOCK_HEADERS:
            self._block_header = byte
        elif byte & 0xF0 == 0 and self._paper:
            self._paper -= 1
            yield Answer("paper", byte)
        else:
            yield Stray(bytes([byte]))

    def _in_block(self, header: int, byte: int) -> Iterator[Event]:
        if byte != _NUL:
            self._block.append(byte)
            if len(self._block) > MAX_BLOCK:
                data, self._block_header = bytes([header, *self._block]), None
                self._block.clear()
                yield Stray(data)
            return
        data, self._block_header = bytes(self._block), None
        self._block.clear()
        if header == 0x37 and data[:1] == bytes([_PROCESS_ID]) and _is_token(data[1:]):
            yield ProcessId(data[1:])
        elif header == _NOTICE and data == b"1":
            yield PowerOn()
        else:
            yield Block(header, data)


def _is_token(data: bytes) -> bool:
    return len(data) == 4 and all(0x20 <= byte <= 0x7E for byte in data)


def _bit(byte: int, mask: int) -> Tri:
    return "yes" if byte & mask else "no"


def _realtime_1(status: Status, byte: int) -> Status:
    return msgspec.structs.replace(
        status, drawer_pin_high=_bit(byte, 0x04), online="no" if byte & 0x08 else "yes", reachable="yes"
    )


def _realtime_2(status: Status, byte: int) -> Status:
    # Bit 5: printing stops due to paper end. Clear, it says nothing of paper that ends behind the stop setting.
    status = msgspec.structs.replace(status, cover_open=_bit(byte, 0x04), reachable="yes")
    return msgspec.structs.replace(status, paper_out="yes") if byte & 0x20 else status


def _realtime_3(status: Status, byte: int) -> Status:
    return msgspec.structs.replace(
        status,
        mechanical_error=_bit(byte, 0x04),
        cutter_error=_bit(byte, 0x08),
        unrecoverable_error=_bit(byte, 0x20),
        auto_recoverable_error=_bit(byte, 0x40),
        reachable="yes",
    )


def _realtime_4(status: Status, byte: int) -> Status:
    return msgspec.structs.replace(
        status, paper_near_end=_bit(byte, 0x0C), paper_out=_bit(byte, 0x60), reachable="yes"
    )


def _paper(status: Status, byte: int) -> Status:
    return msgspec.structs.replace(
        status, paper_near_end=_bit(byte, 0x03), paper_out=_bit(byte, 0x0C), reachable="yes"
    )


_APPLY: dict[Question, Callable[[Status, int], Status]] = {
    "realtime_1": _realtime_1,
    "realtime_2": _realtime_2,
    "realtime_3": _realtime_3,
    "realtime_4": _realtime_4,
    "paper": _paper,
}


def apply(status: Status, event: Event) -> Status:
    """`status` with what `event` says; what it does not say stays as it was."""
    if isinstance(event, Answer):
        return _APPLY[event.question](status, event.byte)
    if isinstance(event, Automatic):
        first, second, third, _ = event.frame
        return msgspec.structs.replace(
            status,
            reachable="yes",
            drawer_pin_high=_bit(first, 0x04),
            online="no" if first & 0x08 else "yes",
            cover_open=_bit(first, 0x20),
            mechanical_error=_bit(second, 0x04),
            cutter_error=_bit(second, 0x08),
            unrecoverable_error=_bit(second, 0x20),
            auto_recoverable_error=_bit(second, 0x40),
            paper_near_end=_bit(third, 0x03),
            paper_out=_bit(third, 0x0C),
        )
    return status
