"""Serial ports: RS-232 and USB adapters, straight on termios.

Why not pyserial: it has no DTR/DSR output flow control on Linux, its writes block or lose count, and it opens in the
caller's thread. Facts about the port are from termios(3), tty_ioctl(4) and the kernel's tty layer; facts about printers
from Epson's ESC/POS reference and the TM series' technical guides (handshaking, "Pin 6 reset").
"""

import array
import asyncio
import errno
import fcntl
import os
import termios
from collections.abc import Callable
from typing import Literal, get_args

import msgspec

from tillkeeper_drivers.api import TransportError
from tillkeeper_drivers.transport.node import MAX_READ, Blocking, NodeConnection, NodeTransport, Unsuitable, Where

Baud = Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400]
Parity = Literal["none", "even", "odd"]
Flow = Literal["none", "rts_cts", "xon_xoff", "dsr"]

BAUDS: tuple[int, ...] = get_args(Baud)

_TIOCSERGETLSR, _TIOCSER_TEMT = 0x5459, 0x01  # asm-generic/ioctls.h, linux/serial.h: the shift register is empty
_DSR_CHUNK = 32
"""Bytes handed over between two looks at DSR. Two of them may be under way when the printer says stop; it still takes some
(TM series: 128 or more of its receive buffer are kept for that), and what an adapter holds comes on top."""
_AHEAD_S = 1.0
"""How far the kernel's queue may be ahead of the line when a write returns."""
_POLL_S = (0.001, 0.02)
"""First and longest pause between two looks at a modem line or the output queue; the kernel has no event for them."""


class Line(msgspec.Struct, frozen=True):
    """How the printer's switches are set. `flow` is how the printer says stop: `rts_cts` its busy line on our CTS (an adapter
    cable with the printer's DTR on CTS), `dsr` its DTR on our DSR, which is looked at before each chunk since Linux has no
    such flow control, `xon_xoff` bytes 13h and 11h (what it said before the port was opened is not known), `none`."""

    baud: Baud = 9600
    parity: Parity = "none"
    data_bits: Literal[7, 8] = 8
    stop_bits: Literal[1, 2] = 1
    flow: Flow = "none"

    def byte_s(self) -> float:
        """Seconds that one byte takes on the line, start, parity and stop bits included."""
        return (1 + self.data_bits + (self.parity != "none") + self.stop_bits) / self.baud


class SerialTransport(NodeTransport):
    """A device on the serial port `path`, best named by /dev/serial/by-id/ or by-path/."""

    scheme = "serial"
    group = "dialout"

    def __init__(self, path: str | Where, line: Line | None = None, known_as: str = "") -> None:
        super().__init__(path, known_as)
        self.line = line or Line()

    def _check(self) -> None:
        """Everything that can be wrong shows once it is open."""

    def _prepare(self, fd: int) -> None:
        try:
            wanted = attributes(termios.tcgetattr(fd), self.line)
            termios.tcsetattr(fd, termios.TCSANOW, wanted)
            # tcsetattr succeeds where anything at all was set (termios(3)).
            if _shape(termios.tcgetattr(fd)) != _shape(wanted):
                raise Unsuitable(f"the port can not do {_words(self.line)}")
            fcntl.ioctl(fd, termios.TIOCEXCL)
            # What was said before this job (a late answer to the last one) would pass for an answer to this one's questions.
            termios.tcflush(fd, termios.TCIFLUSH)
        except termios.error as error:
            if error.args[0] in (errno.ENOTTY, errno.EINVAL):
                raise Unsuitable("it is no serial port") from error
            raise OSError(*error.args) from error
        if self.line.flow == "dsr" and _modem_lines(fd) is None:
            raise Unsuitable("the port has no DSR line to look at")

    def _made(self, fd: int) -> NodeConnection:
        return SerialConnection(fd, self.name, self._blocking, self.line)

    def _release(self, fd: int) -> None:
        """What has not left by now is owed to nobody: it would come out with the next job, and closing would wait up to 30 s
        for it (tty_port_close)."""
        try:
            if _waiting(fd):
                fcntl.ioctl(fd, termios.TCFLSH, termios.TCOFLUSH)
            fcntl.ioctl(fd, termios.TIOCNXCL)
        finally:
            os.close(fd)


class SerialConnection(NodeConnection):
    """An open port."""

    def __init__(self, fd: int, name: str, blocking: Blocking, line: Line) -> None:
        super().__init__(fd, name, blocking)
        self._line = line
        self._held = ""

    async def begin(self) -> None:
        """The port is as it should be once it is open."""

    async def drain(self, deadline_s: float) -> None:
        """Wait until the port has sent every byte, within `deadline_s` and the time that the line needs: the kernel's queue is
        empty (TIOCOUTQ), and so is the shift register where the driver can tell (TIOCSERGETLSR). That is what tcdrain(3)
        waits for, with a deadline. What a USB adapter still holds can not be seen, and no line says what was printed.

        Raises:
            TransportError: "stalled" at the deadline, "lost" where the port vanished.
        """
        waiting = 0
        try:
            await self._blocking.idle()
            waiting = _waiting(self._fd)
            async with asyncio.timeout(deadline_s + self._line_s(waiting)):
                await self._until(lambda: not _waiting(self._fd) and _sent(self._fd))
        except TimeoutError as error:
            raise self._stalled(f"up to {waiting} bytes not sent within {deadline_s:g} s", self._written > 0) from error
        except OSError as error:
            raise self._gone(error, bytes_left=self._written > 0) from error

    async def _room(self) -> int:
        flow = self._line.flow
        if flow == "dsr":
            await self._until_let(termios.TIOCM_DSR, _DSR_CHUNK)
            return _DSR_CHUNK
        if flow == "rts_cts" and not self._written:
            # From here on the kernel stops by itself; but a printer that is off takes nothing, and nothing is then handed over.
            await self._until_let(termios.TIOCM_CTS, 1)
        return MAX_READ

    async def _until_let(self, line: int, waiting_below: int) -> None:
        def let() -> bool:
            lines = _modem_lines(self._fd)
            up = lines is None or bool(lines & line)  # a port without modem lines can not hold us
            self._held = "" if up else "DSR" if line == termios.TIOCM_DSR else "CTS"
            return up and _waiting(self._fd) < waiting_below

        await self._until(let)

    async def _paced(self) -> None:
        """A queue of 4 kB is half a minute at 1200 baud: who then waits for an answer would give up too early."""
        await self._until(lambda: self._line_s(_waiting(self._fd)) <= _AHEAD_S)

    async def _until(self, done: Callable[[], bool]) -> None:
        pause_s = _POLL_S[0]
        while not done():
            await asyncio.sleep(pause_s)
            pause_s = min(_POLL_S[1], pause_s * 2)

    def _take(self) -> bytes:
        data = os.read(self._fd, MAX_READ)
        if not data:  # with VMIN 1 an empty read is a hang-up: the adapter is gone
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return data

    async def _nothing(self) -> None:
        """`_take` never brings nothing."""

    def _line_s(self, count: int) -> float:
        return count * self._line.byte_s()

    def _stalled(self, detail: str, bytes_left: bool) -> TransportError:
        if not self._written and self._held:
            cause = f"{self._name}: the device holds {self._held}: it is off, not ready, or wired for another flow control"
            return TransportError("offline", cause, bytes_left=False)
        return super()._stalled(f"{detail}; the device holds {self._held}" if self._held else detail, bytes_left)


def attributes(now: "termios._AttrReturn", line: Line) -> "termios._AttrReturn":
    """`now` (as `termios.tcgetattr` gives it) made raw both ways (termios(3)). DTR is left up at the close: many printers can
    be set to reset when it drops."""
    kept_cc = list(now[6])
    kept_cc[termios.VMIN], kept_cc[termios.VTIME] = 1, 0
    kept_cc[termios.VSTART], kept_cc[termios.VSTOP] = b"\x11", b"\x13"
    parity = {"none": 0, "even": termios.PARENB, "odd": termios.PARENB | termios.PARODD}[line.parity]
    iflag = termios.IGNBRK | (termios.IXON if line.flow == "xon_xoff" else 0)
    if parity:
        iflag |= termios.INPCK | termios.IGNPAR  # a damaged byte is no answer
    cflag = termios.CREAD | termios.CLOCAL | parity | (termios.CS8 if line.data_bits == 8 else termios.CS7)
    cflag |= termios.CSTOPB if line.stop_bits == 2 else 0
    cflag |= termios.CRTSCTS if line.flow == "rts_cts" else 0
    speed: int = getattr(termios, f"B{line.baud}")
    return [iflag, 0, cflag, 0, speed, speed, kept_cc]


def _shape(attributes: "termios._AttrReturn") -> tuple[int, ...]:
    mask = termios.CSIZE | termios.CSTOPB | termios.PARENB | termios.PARODD | termios.CRTSCTS
    return attributes[0] & termios.IXON, attributes[2] & mask, attributes[4], attributes[5]


def _words(line: Line) -> str:
    letter = {"none": "N", "even": "E", "odd": "O"}[line.parity]
    return f"{line.baud} {line.data_bits}{letter}{line.stop_bits} with flow control {line.flow}"


def _waiting(fd: int) -> int:
    """Bytes in the output queue (TIOCOUTQ). Raises OSError: EIO after a hang-up."""
    return _number(fd, termios.TIOCOUTQ)


def _sent(fd: int) -> bool:
    """Whether the last byte is on the line, as far as the driver tells."""
    try:
        return bool(_number(fd, _TIOCSERGETLSR) & _TIOCSER_TEMT)
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EINVAL):
            return True
        raise


def _modem_lines(fd: int) -> int | None:
    """The bits of TIOCMGET; None where the port has none (a pseudo-terminal)."""
    try:
        return _number(fd, termios.TIOCMGET)
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EINVAL):
            return None
        raise


def _number(fd: int, request: int) -> int:
    value = array.array("i", [0])
    fcntl.ioctl(fd, request, value)
    return value[0]
