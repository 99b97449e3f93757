"""Carries bytes between the gadget of this machine and a virtual printer outside: `bridge.py GADGET PORT`.

It lives on while the gadget is pulled out: what the printer says meanwhile is lost, as with a real cable. Each line of its
output is the seconds since boot, an event (`configured`, `pulled`, `host` and `printer` said something) and bytes. SIGUSR1: the
port says from now on that the paper is out; SIGUSR2: that all is well.

From the kernel's drivers/usb/gadget/function/f_printer.c: opening fails (ENODEV) until the host has configured the interface; a
read that waits keeps the lock that a write needs, so nothing here waits but in poll(2); poll and read are what gives the
controller its buffers; one that is left half read when the gadget is pulled out is used after it was freed, so all is taken.
"""

import errno
import fcntl
import os
import select
import signal
import sys
import time
from contextlib import suppress

GADGET_SET_PRINTER_STATUS = 0xC0016722  # linux/usb/g_printer.h: _IOWR('g', 0x22, unsigned char)
PAPER_OUT, WELL = 0x30, 0x18  # USB printer class 1.1, 4.2.2: paper empty, selected, not error
ALL = 10 * 8192
"""Each of f_printer.c's buffers, and how many it has."""
LOOK_MS = 10
"""Being pulled out wakes nobody who waits."""


class Bridge:
    def __init__(self, gadget: str, port: str) -> None:
        self.path = gadget
        self.gadget: int | None = None
        self.port = os.open(port, os.O_RDWR | os.O_NONBLOCK)
        self.to_port = self.to_host = b""
        self.status = WELL

    def step(self) -> None:
        if self.gadget is None:
            self.plugged()
        poll = select.poll()
        poll.register(self.port, (select.POLLOUT if self.to_port else 0) | (0 if self.to_host else select.POLLIN))
        if self.gadget is not None:
            poll.register(self.gadget, (select.POLLOUT if self.to_host else 0) | (0 if self.to_port else select.POLLIN))
        for fd, events in poll.poll(LOOK_MS):
            with suppress(BlockingIOError):
                if fd != self.port:
                    self.of_gadget(fd, events)
                else:
                    self.of_port(events)
        if self.gadget is None:
            self.to_host = b""

    def plugged(self) -> None:
        with suppress(OSError):  # not yet
            self.gadget = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
            self.say()
            tell("configured")

    def of_gadget(self, fd: int, events: int) -> None:
        try:
            if events & select.POLLIN:
                self.to_port = os.read(fd, ALL)
                tell("host", len(self.to_port))
            if events & select.POLLOUT:
                taken = os.write(fd, self.to_host)
                self.to_host = self.to_host[taken:]
                tell("printer", taken)
            pulled = events & (select.POLLERR | select.POLLHUP)
        except BlockingIOError:
            raise
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise
            pulled = True
        if pulled:
            os.close(fd)
            self.gadget = None
            tell("pulled")

    def of_port(self, events: int) -> None:
        if events & select.POLLIN:
            self.to_host = os.read(self.port, 4096)
        if events & select.POLLOUT:
            self.to_port = self.to_port[os.write(self.port, self.to_port) :]
        if events & select.POLLHUP and not events & select.POLLIN:
            time.sleep(LOOK_MS / 1000)  # nobody at the other end of the port

    def say(self) -> None:
        if self.gadget is not None:
            fcntl.ioctl(self.gadget, GADGET_SET_PRINTER_STATUS, self.status)

    def set_status(self, number: int, _frame: object) -> None:
        self.status = PAPER_OUT if number == signal.SIGUSR1 else WELL
        self.say()


def tell(event: str, count: int = 0) -> None:
    print(f"{time.clock_gettime(time.CLOCK_BOOTTIME):.3f} {event} {count}", flush=True)


def main() -> None:
    bridge = Bridge(*sys.argv[1:3])
    signal.signal(signal.SIGUSR1, bridge.set_status)
    signal.signal(signal.SIGUSR2, bridge.set_status)
    while True:
        bridge.step()


if __name__ == "__main__":
    main()
