"""A device node that umockdev makes up, for scenarios that run under `umockdev-wrapper`: what is written and said goes
through a pseudo-terminal, ioctl requests are answered by functions, and reads and writes may be answered by them too."""

import asyncio
import errno
import os
import sys
import termios
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402 - only after its version was chosen

Answer = Callable[[], int | None]
"""Raises OSError, or returns the number that is stored where the caller wants it (None: nothing is stored)."""

LPGETSTATUS, TIOCSERGETLSR = 0x060B, 0x5459
TIOCM_CTS, TIOCM_DSR = termios.TIOCM_CTS, termios.TIOCM_DSR


class Node:
    """The node `path` with device number `major`:0."""

    def __init__(self, path: str, major: int) -> None:
        name = path.removeprefix("/dev/")
        self.ioctls: dict[int, Answer] = {
            termios.TIOCEXCL: lambda: None,
            termios.TIOCNXCL: lambda: None,
            termios.TIOCOUTQ: lambda: 0,
        }
        self.asked: list[int] = []
        self.on_read: Callable[[], bytes | None] = lambda: None
        """Bytes for a read of the node (empty: a packet of none); None lets the pseudo-terminal answer. Raises OSError."""
        self.on_write: Callable[[bytes], int | None] = lambda data: None
        """How much of a write is taken; None gives it to the pseudo-terminal. Raises OSError."""
        self._testbed = UMockdev.Testbed.new()
        self._testbed.add_from_string(
            f"P: /devices/made/up/{name}\nN: {name}\nE: DEVNAME={path}\nE: SUBSYSTEM=made\nE: MAJOR={major}\nE: MINOR=0\n"
            f"A: dev={major}:0\\n\n"
        )
        self._handler = UMockdev.IoctlBase()
        self._handler.connect("handle-ioctl", self._ioctl)
        self._handler.connect("handle-read", self._read)
        self._handler.connect("handle-write", self._write)
        self._testbed.attach_ioctl(path, self._handler)
        self.path = path

    def ends(self) -> tuple[int, int]:
        """The device's descriptor and one of the node, which keeps the line up between two jobs."""
        return self._testbed.get_dev_fd(self.path), os.open(self.path, os.O_RDWR | os.O_NOCTTY)

    def _ioctl(self, _handler: Any, client: Any) -> bool:
        request = client.get_request()
        self.asked.append(request)
        if request not in self.ioctls:
            client.complete(-1, errno.ENOTTY)
            return True
        try:
            value = self.ioctls[request]()
        except OSError as error:
            client.complete(-1, error.errno)
            return True
        if value is not None:
            client.get_arg().resolve(0, 4).update(0, value.to_bytes(4, "little"))
        client.complete(0, 0)
        return True

    def _read(self, _handler: Any, client: Any) -> bool:
        try:
            data = self.on_read()
        except OSError as error:
            client.complete(-1, error.errno)
            return True
        if data is None:
            return False
        if data:
            client.get_arg().update(0, data)
        client.complete(len(data), 0)
        return True

    def _write(self, _handler: Any, client: Any) -> bool:
        argument = client.get_arg()
        data = bytes(argument.retrieve()) if argument is not None and argument.data_length1 else b""
        try:
            taken = self.on_write(data)
        except OSError as error:
            client.complete(-1, error.errno)
            return True
        if taken is None:
            return False
        client.complete(taken, 0)
        return True


def failing(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def main(scenarios: Mapping[str, Any]) -> None:
    """Run the scenario (a coroutine function) that the command line names."""
    name = sys.argv[1]
    try:
        asyncio.run(scenarios[name]())
    except Exception:  # noqa: BLE001 - reported whole, and the exit code says it
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    print(f"{name} held", flush=True)
    os._exit(0)  # umockdev's own threads do not end with ours
