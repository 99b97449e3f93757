"""What a Star printer says of itself: the automatic status, byte by byte. Pure.

Source: Line Mode Command Specifications, appendix 2 (printer status 1 to 7; on Ethernet bit 7 of header 2 and two bytes of
length); a whole one, `23 86 00 00 00 00 00 00 00 00 00`, is in the manual of the network card IFBD-HE07.
"""

from tillkeeper_drivers.simulator.mechanism import Mechanism

_HEADERS = bytes((0x23, 0x86))
"""Nine bytes, version 3, expanded."""


def automatic_status(mechanism: Mechanism, *, counter: int, etb: bool, overflow: bool = False) -> bytes:
    """The status with its length field, which says that no answer follows.

    Args:
        counter: ETB commands done, 0 to 31.
        etb: one was done since the last status that was sent.
        overflow: bytes came that the buffer could not take.
    """
    first = (0x04 if mechanism.pin_high else 0) | (0x02 if etb else 0)
    second = fourth = 0
    if not mechanism.lies:
        first |= (0x08 if not mechanism.online else 0) | (0x20 if mechanism.cover_open else 0)
        second = (0x08 if mechanism.cutter_error else 0) | (0x20 if mechanism.unrecoverable else 0)
        second |= 0x40 if mechanism.overheated else 0
        fourth = (0x08 if mechanism.paper_out else 0) | (0x04 if mechanism.paper_near_end else 0)
    third = 0x40 if overflow else 0
    sixth = (counter & 0x07) << 1 | (counter & 0x18) << 2
    return _HEADERS + bytes((first, second, third, fourth, 0, sixth, 0)) + b"\0\0"
