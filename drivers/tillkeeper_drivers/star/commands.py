"""Star's command bytes that do not depend on a document: status, print end, drawer. Pure.

Sources: the Line Mode (LM), StarPRNT (SP) and Graphic Mode Command Specifications; the commands here are the same in the three.
Real-time commands act when they are received, all others in their turn.
"""

from tillkeeper_drivers.drawer import PulseError

ASK_STATUS = b"\x1b\x06\x01"
"""`ESC ACK SOH`: send the automatic status now, in real time (LM, "Status"). Not to be used while the automatic status is on:
so it is sent only where none has come by itself."""
AUTOMATIC_ON = b"\x1b\x1ea\x01"
"""`ESC RS a 1`: send the automatic status at each change (LM, "Status")."""
ETB = b"\x17"
"""Once all before it is printed: add 1 to the 5-bit counter in the automatic status and send that (LM, ETB, 2nd kind)."""
COUNTER_MODULUS = 32
_SPACE, PRINTABLE = 0x20, 0x7F - 0x20
_RESET_COUNTER = b"\x1b\x1eE\x00"
"""`ESC RS E 0`: the ETB counter is 0; tells nobody (LM)."""

SECOND_DEVICE_MS = 200
"""The pulse of external device 2 can not be set (LM, SUB: 200 ms on, 200 ms off)."""
_REAL_TIME = (0x04, 0x05, 0x19, 0x1C)
"""EOT, ENQ, EM, FS."""
_UNIT_MS = 10
_MOST_UNITS = 127


def opening(start: int) -> bytes:
    """Automatic status on and the ETB counter at `start`: answered once all that came before is on paper."""
    return AUTOMATIC_ON + _RESET_COUNTER + ETB * start


def print_end(number: bytes) -> bytes:
    """`ESC GS ETX 1 n1 n2`: answered by `1B 1D 03 01 n1 n2 counter 00` once all before it is printed (SP, ESC GS ETX).

    Args:
        number: two bytes, echoed.
    """
    return b"\x1b\x1d\x03\x01" + number[:2]


def sign_of_life(number: bytes) -> bytes:
    """Automatic status on and `ESC GS ETX 0 n1 n2`: answered by `1B 1D 03 00 n1 n2 counter 00` once it is read from the
    buffer."""
    return AUTOMATIC_ON + b"\x1b\x1d\x03\x00" + number[:2]


def number_of(token: bytes) -> bytes:
    """Two bytes for a job's token. Tokens are counted up, from whichever end: many in a row have a number each."""
    first, second, third, fourth = (byte - _SPACE for byte in token)
    return bytes((_SPACE + (first + 31 * third) % PRINTABLE, _SPACE + (second + 17 * fourth) % PRINTABLE))


def pulse(pin: int, on_ms: int) -> bytes:
    """One kick, in its turn: `ESC BEL n1 n2` (units of 10 ms, LM) and `BEL` for pin 2, `SUB` for pin 5.

    Raises:
        PulseError: `pin` is neither 2 nor 5, or pin 2 can not have this `on_ms`.
    """
    if pin == 5:
        return b"\x1a"
    if pin != 2:
        raise PulseError(f"a drawer connector has pins 2 and 5, not {pin}")
    if not _UNIT_MS <= on_ms <= _UNIT_MS * _MOST_UNITS:
        raise PulseError(f"a pulse is {_UNIT_MS} to {_UNIT_MS * _MOST_UNITS} ms, not {on_ms}")
    on = _harmless(on_ms // _UNIT_MS)
    return bytes((0x1B, 0x07, on, _harmless(min(_MOST_UNITS, 4 * on)), 0x07))


def _harmless(units: int) -> int:
    """A number that is no real-time command, should one be looked for everywhere."""
    while units in _REAL_TIME:
        units += 1
    return units
