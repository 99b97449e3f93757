"""Sockets as the prober needs them: filters attached before anything can arrive, receive stamps, bounded reading."""

import array
import errno
import socket
import struct
from collections.abc import Callable

from tillkeeper.network import bpf
from tillkeeper.network.prober import clock
from tillkeeper.network.prober.poller import Poller

SO_TIMESTAMPNS = 35
"""include/uapi/asm-generic/socket.h; its control message has the same number."""
SO_ATTACH_FILTER = 26
PER_TURN = 32
"""Datagrams read from one socket before the others have their turn."""
MAX_DATAGRAM = 2048
_ANCILLARY = 128

Received = Callable[[bytes, float, tuple[object, ...], "Ancillary"], None]
"""The datagram, when the kernel saw it (boot clock), the sender as `recvmsg` gives it, and the other control messages."""
Ancillary = list[tuple[int, int, bytes]]
ENDS = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EBADF})
"""Nothing waits, or the socket was closed by what another one brought in the same turn."""


def attach(sock: socket.socket, program: bpf.Program) -> None:
    """Set or replace the classic BPF filter of `sock` (socket(7), SO_ATTACH_FILTER: a `struct sock_fprog`).

    Raises:
        OSError: the kernel does not take it.
    """
    code = array.array("B", bpf.packed(program))  # has to live until the call returns
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program), code.buffer_info()[0]))


class Inlet:
    """Reads a datagram socket, `PER_TURN` at a time; one that always has more rests in between.

    Args:
        poller: wakes the loop for it; None: it is drained whenever the loop is awake anyway.
        received: called for each datagram.
        failed: called with an error that is not about one datagram (ENOBUFS, ENETDOWN, ...).
    """

    def __init__(
        self, sock: socket.socket, poller: Poller | None, received: Received, failed: Callable[[int], None] | None = None
    ) -> None:
        self.sock = sock
        self._poller = poller
        self._received = received
        self._failed = failed
        self._buffer = memoryview(bytearray(MAX_DATAGRAM))
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        if poller is not None:
            poller.add(sock, self.drain)

    def drain(self) -> None:
        """Read what waits. Stamps that lie in the future, or seconds back, are those of a wall clock that was set: not used."""
        now_s = offset_s = 0.0
        for _ in range(PER_TURN):
            try:
                size, messages, _, sender = self.sock.recvmsg_into([self._buffer], _ANCILLARY)
            except OSError as error:
                if error.errno in ENDS:
                    return
                if self._failed is not None and error.errno is not None:
                    self._failed(error.errno)
                continue
            if not now_s:
                now_s, offset_s = clock.boot_s(), clock.behind_real_s()
            at_s = now_s
            for level, kind, data in messages:
                if kind == SO_TIMESTAMPNS and level == socket.SOL_SOCKET:
                    stamp_s = clock.timespec_s(data)
                    if stamp_s is not None and now_s - 30.0 < stamp_s + offset_s < now_s:
                        at_s = stamp_s + offset_s
            self._received(bytes(self._buffer[:size]), at_s, sender, messages)
        if self._poller is not None:
            self._poller.rest(self.sock, self.drain, clock.boot_s())

    def close(self) -> None:
        if self._poller is not None:
            self._poller.remove(self.sock)
        self.sock.close()
