"""Delay on a link, for this kernel has no netem: frames wait in user space between two ports of a bridge.

Frames are read and written with their virtio header (PACKET_VNET_HDR, linux/if_packet.h), so that checksums which the sender
left to its card stay left."""

import contextlib
import heapq
import random
import select
import socket
import threading
import time
from collections.abc import Iterator

from tests.lab.spaces import ip, shown
from tests.lab.stray import in_thread, packet_socket

SOL_PACKET, PACKET_VNET_HDR, HEADER = 263, 15, 10
MOST_WAITING, MAX_FRAME = 4096, 65_600


@contextlib.contextmanager
def delayed(space: str, port: str, delay_s: float, jitter_s: float, chance: random.Random) -> Iterator[None]:
    """Each frame through `port` of the bridge br0 in `space` waits `delay_s` and up to `jitter_s` more, in either direction."""
    # The detour is built and up before the port is taken out of the bridge.
    ip(space, "link add detour type veth peer name detour-far", "link set detour up", "link set detour-far master br0")
    ip(space, "link set detour-far up")
    with contextlib.ExitStack() as both:
        sockets = []
        for name in (port, "detour"):
            made = both.enter_context(contextlib.closing(packet_socket(space, name)))
            made.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
            sockets.append(made)
        settle(space)
        ip(space, f"link set {port} nomaster")
        try:
            with in_thread(lambda ending: _pass_on(sockets[0], sockets[1], delay_s, jitter_s, chance, ending)):
                yield
        finally:
            ip(space, f"link set {port} master br0", "link del detour")


def settle(space: str) -> None:
    """Until the bridge forwards at its new port: the kernel looks at carriers once a second."""
    till_s = time.monotonic() + 3.0
    while "state forwarding" not in shown(space, "-d", "-o", "link", "show", "dev", "detour-far"):
        if time.monotonic() > till_s:
            return
        time.sleep(0.02)


def _pass_on(
    one: socket.socket, other: socket.socket, delay_s: float, jitter_s: float, chance: random.Random, ending: threading.Event
) -> None:
    waiting: list[tuple[float, int, socket.socket, bytes]] = []
    count = 0
    pairs = {one: other, other: one}
    while not ending.is_set():
        wait_s = 0.05 if not waiting else max(0.0, min(0.05, waiting[0][0] - time.monotonic()))
        for made in select.select([one, other], [], [], wait_s)[0]:
            with contextlib.suppress(OSError):
                frame, where = made.recvfrom(MAX_FRAME)
                if where[2] != socket.PACKET_OUTGOING and len(waiting) < MOST_WAITING:
                    count += 1
                    heapq.heappush(
                        waiting, (time.monotonic() + delay_s + jitter_s * chance.random(), count, pairs[made], frame)
                    )
        while waiting and waiting[0][0] <= time.monotonic():
            with contextlib.suppress(OSError):
                waiting[0][2].send(waiting[0][3])
            heapq.heappop(waiting)
