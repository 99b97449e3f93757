"""USB printers through the kernel's usblp driver (/dev/usb/lp0). The device is never reset.

Facts are from the kernel's drivers/usb/class/usblp.c and the USB printer class 1.1: the node opens once at a time (EBUSY);
a non-blocking write submits at most 8192 bytes and presumes that they will go well; poll(2) says writable once they went;
closing cuts off what has not gone; LPGETSTATUS asks over the control endpoint, for up to five seconds, and holds up every
other call on the node meanwhile.
"""

import array
import asyncio
import errno
import fcntl
import os
from functools import partial

from tillkeeper_drivers.api import PortStatus
from tillkeeper_drivers.transport.node import MAX_READ, NodeConnection, NodeTransport, Unsuitable

_LPGETSTATUS = 0x060B  # linux/lp.h
_USB_MAJOR = 180
_MAX_WRITE = 8192
_EMPTY_S = (0.001, 0.05)
"""First and longest pause after a packet without bytes: some printers send those without end."""
_QUIET_S = 0.01
_MAX_STALE = 64
_MAX_READ_ERRORS = 3
"""A failed transfer (EIO) is started anew by the kernel; one that keeps failing is a device that is gone."""


class UsblpTransport(NodeTransport):
    """A printer at the usblp node `path`: /dev/usb/lp0, a link that a udev rule made, or wherever the printer with its serial
    number is now."""

    scheme = "usb"
    group = "lp"

    def _check(self) -> None:
        if os.major(os.stat(self.path).st_rdev) != _USB_MAJOR:
            raise Unsuitable("it is no USB printer (usblp)")

    def _prepare(self, fd: int) -> None:
        """The driver has nothing to set."""

    def _made(self, fd: int) -> NodeConnection:
        return UsblpConnection(fd, self.name, self._blocking)

    def _release(self, fd: int) -> None:
        os.close(fd)


class UsblpConnection(NodeConnection):
    """An open printer. A one-way one (bInterfaceProtocol 1) is silent to `read`."""

    _empty_s = _EMPTY_S[0]
    _read_errors = 0

    async def begin(self) -> None:
        """Take off what the printer said before this job: a late answer would pass for one to this job's questions."""
        try:
            for _ in range(_MAX_STALE):
                try:
                    self._take()
                except BlockingIOError:
                    if not await self._ready(write=False, longest_s=_QUIET_S):
                        return
        except OSError as error:
            raise self._gone(error, bytes_left=False) from error

    async def drain(self, deadline_s: float) -> None:
        """Wait until the printer has taken the last transfer off the bus. It acknowledges packets into its own buffer: nothing
        here says that a byte was printed, and a transfer that failed without the printer going away looks like one that went
        (the driver tells its log only).

        Raises:
            TransportError: "stalled" at the deadline, "lost" where the printer vanished.
        """
        try:
            async with asyncio.timeout(deadline_s):
                await self._blocking.idle()
                while not self._gone_out():
                    await self._ready(write=True)
        except TimeoutError as error:
            raise self._stalled(f"the last bytes not taken within {deadline_s:g} s", self._written > 0) from error
        except OSError as error:
            raise self._gone(error, bytes_left=self._written > 0) from error

    async def port_status(self, deadline_s: float) -> PortStatus | None:
        """What the printer's USB interface says, for a printer that does not answer itself (GET_PORT_STATUS, USB printer class
        1.1, 4.2.2). None where it says nothing, nothing in time, or something that can not be: many say "all well" always, so
        good news is worth little and bad news something.

        Raises:
            TransportError: the printer vanished.
        """
        try:
            status = await self._blocking.run(partial(_get_status, self._fd), deadline_s)
        except TimeoutError:
            return None
        except OSError as error:
            if error.errno == errno.ENODEV:
                raise self._gone(error, bytes_left=self._written > 0) from error
            return None
        return read_port_status(status)

    async def _room(self) -> int:
        return _MAX_WRITE

    async def _paced(self) -> None:
        """The kernel takes one transfer at a time."""

    def _take(self) -> bytes:
        try:
            data = os.read(self._fd, MAX_READ)
        except BlockingIOError:
            raise
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise BlockingIOError(errno.EAGAIN, "a one-way printer") from error
            self._read_errors += 1
            if error.errno == errno.EIO and self._read_errors < _MAX_READ_ERRORS:
                return b""
            raise
        if data:
            self._read_errors, self._empty_s = 0, _EMPTY_S[0]
        return data

    async def _nothing(self) -> None:
        await asyncio.sleep(self._empty_s)
        self._empty_s = min(_EMPTY_S[1], self._empty_s * 2)

    def _gone_out(self) -> bool:
        """The way that usblp.c names itself: a write of nothing waits for the transfer before."""
        try:
            os.write(self._fd, b"")
        except BlockingIOError:
            return False
        return True


def read_port_status(status: int) -> PortStatus | None:
    """The byte of GET_PORT_STATUS; None where a reserved bit is set (USB printer class 1.1, 4.2.2: bits 7, 6, 2, 1 and 0)."""
    if status & ~0x38:
        return None
    return PortStatus(paper_out=bool(status & 0x20), selected=bool(status & 0x10), error=not status & 0x08)


def _get_status(fd: int) -> int:
    value = array.array("i", [0])
    fcntl.ioctl(fd, _LPGETSTATUS, value)
    return value[0]
