"""What a switch with dynamic ARP inspection does: more than 15 ARP frames within a second at a port shut it.

Counted twice: nft drops what exceeds 15 a second with a burst of 15, and a tap on each port takes the kernel's time stamps and
finds the most frames within any one second. Either shuts the port; nothing opens it again."""

import asyncio
import contextlib
import ctypes
import json
import socket
import struct
import subprocess
from collections import deque
from types import TracebackType
from typing import Self

from tests.lab.spaces import inside, ip, nft

LIMIT_PER_S = 15
ETH_P_ALL = 3
INCOMING_ARP = b"".join(
    struct.pack("=HBBI", *line)
    for line in (
        (0x28, 0, 0, 12),
        (0x15, 0, 3, 0x0806),
        (0x28, 0, 0, 0xFFFFF004),
        (0x15, 1, 0, 4),
        (0x06, 0, 0, 64),
        (0x06, 0, 0, 0),
    )
)
"""Classic BPF: the ethertype, and the packet's kind (SKF_AD_PKTTYPE) other than outgoing. A tap for ARP alone would see
nothing: the bridge takes the frames before."""
SO_ATTACH_FILTER = 26
SO_TIMESTAMPNS = 35
READS_AT_ONCE = 64
LOOK_S = 1.0


class Policer:
    """`shut` names the hosts whose ports were shut. `most` is the most ARP frames that a host sent within one second, `seen`
    all of them."""

    def __init__(self, space: str, ports: dict[str, str]) -> None:
        self._space, self._ports = space, ports
        self._sockets: dict[str, socket.socket] = {}
        self._times: dict[str, deque[float]] = {host: deque(maxlen=LIMIT_PER_S * 4) for host in ports}
        self._looking: asyncio.Task[None] | None = None
        self.shut: dict[str, str] = {}
        self.most = dict.fromkeys(ports, 0)
        self.seen = dict.fromkeys(ports, 0)

    def install(self) -> None:
        over = f"limit rate over {LIMIT_PER_S}/second burst {LIMIT_PER_S} packets"
        rules = [f'iifname "{port}" ether type arp {over} counter name {port} drop' for port in self._ports.values()]
        counters = [f"counter {port} {{ }}" for port in self._ports.values()]
        hook = "type filter hook prerouting priority -300; policy accept;"
        nft(self._space, "\n".join(["table bridge policer {", *counters, "chain police {", hook, *rules, "}", "}"]))

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for host, port in self._ports.items():
            with inside(self._space):
                tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
            program = ctypes.create_string_buffer(INCOMING_ARP)
            tap.setsockopt(
                socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(INCOMING_ARP) // 8, ctypes.addressof(program))
            )
            tap.bind((port, ETH_P_ALL))
            tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._sockets[host] = tap
            loop.add_reader(tap, self._read, host, tap)
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking
        for tap in self._sockets.values():
            asyncio.get_running_loop().remove_reader(tap)
            tap.close()
        self._sockets.clear()

    def _read(self, host: str, tap: socket.socket) -> None:
        for _ in range(READS_AT_ONCE):
            try:
                _, stamps, _, _ = tap.recvmsg(64, 64)
            except BlockingIOError:
                return
            except OSError:  # ENETDOWN, once, when the port goes down
                continue
            for level, kind, data in stamps:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack("qq", data[:16])
                    self._count(host, seconds + nanoseconds / 1e9)

    def _count(self, host: str, at_s: float) -> None:
        times = self._times[host]
        self.seen[host] += 1
        times.append(at_s)
        while times[0] <= at_s - 1.0:
            times.popleft()
        self.most[host] = max(self.most[host], len(times))
        if len(times) > LIMIT_PER_S:
            self._shut(host, f"{len(times)} ARP frames within a second")

    def _shut(self, host: str, why: str) -> None:
        if host not in self.shut:
            self.shut[host] = why
            ip(self._space, f"link set {self._ports[host]} down")

    def begin(self) -> int:
        """The most so far; then counts anew."""
        most = max(self.most.values())
        self.most = dict.fromkeys(self._ports, 0)
        return most

    def dropped(self) -> dict[str, int]:
        """Frames that nft dropped, by host."""
        with inside(self._space):
            listed = subprocess.run(
                ("nft", "-j", "list", "counters", "table", "bridge", "policer"),
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            )
        found = {
            item["counter"]["name"]: item["counter"]["packets"]
            for item in json.loads(listed.stdout)["nftables"]
            if "counter" in item
        }
        return {host: found[port] for host, port in self._ports.items()}

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for host, count in (await asyncio.to_thread(self.dropped)).items():
                if count:
                    self._shut(host, f"nft dropped {count} ARP frames")
