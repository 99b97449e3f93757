"""What answers in the lab: names, the 204 check, HQ, a captive portal, router advertisements. Real sockets in the namespaces
they belong to.

Each server has a few switches that make it misbehave; the faults that are cut off in the network are not made here."""

import asyncio
import contextlib
import email.utils
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from tests.lab import places
from tests.lab.closing import Closing
from tests.lab.spaces import inside

if TYPE_CHECKING:
    from tests.lab.topology import Lab

MAX_HEAD, MAX_PENDING, IDLE_S = 8192, 256, 5.0
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
RECORD_A, RECORD_NS, RECORD_AAAA = 1, 2, 28
ADVERTISE_S, ROUTER_LIFETIME_S = 1.0, 1800
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT = 133, 134
CAPTIVE_PORT = 8081
FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


def question(data: bytes) -> tuple[str, int, bytes] | None:
    """The name, the type and the bytes of the one question of a query; None for anything else."""
    labels, at = [], 12
    if len(data) < 17 or data[2] & 0x80 or data[4:6] != b"\0\1":
        return None
    while at < len(data) and (size := data[at]):
        labels.append(data[at + 1 : at + 1 + size].decode("ascii", "replace").lower())
        at += 1 + size
    if at + 5 > len(data):
        return None
    return ".".join(labels), int.from_bytes(data[at + 1 : at + 3], "big"), data[12 : at + 5]


def answer(data: bytes, zone: dict[str, dict[int, str]], code: int = NOERROR) -> bytes | None:
    """The response to query `data`; None where it is none. `zone`: name -> record type -> address."""
    asked = question(data)
    if asked is None:
        return None
    name, record, echoed = asked
    if code == NOERROR and name and name not in zone:
        code = NXDOMAIN
    found = zone.get(name, {}).get(record) if code == NOERROR else None
    rest = b""
    if found is not None:
        address = socket.inet_pton(socket.AF_INET if record == RECORD_A else socket.AF_INET6, found)
        rest = struct.pack("!HHHIH", 0xC00C, record, 1, 30, len(address)) + address
    elif not name and record == RECORD_NS and code == NOERROR:
        target = b"\1a\4root\7example\0"
        rest = b"\0" + struct.pack("!HHIH", RECORD_NS, 1, 30, len(target)) + target
    return data[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, 1 if rest else 0, 0, 0) + echoed + rest


class Names(asyncio.DatagramProtocol):
    """A server of names."""

    def __init__(self, zone: dict[str, dict[int, str]]) -> None:
        self.zone, self.code, self.mute = zone, NOERROR, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own datagram transport is no instance of DatagramTransport in Python 3.11.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        said = None if self.mute else answer(data, self.zone, self.code)
        if said is not None:
            self._transport.sendto(said, addr)


class Forwarder(Names):
    """The router's own resolver: passes each question on from a port of its own and keeps nothing."""

    def __init__(self, upstream: Callable[[], socket.socket]) -> None:
        super().__init__({})
        self._upstream = upstream
        self._asking: dict[socket.socket, tuple[object, ...]] = {}

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        if self.mute or question(data) is None:
            return
        if self.code != NOERROR:
            self._transport.sendto(answer(data, {}, self.code) or b"", addr)
            return
        while len(self._asking) >= MAX_PENDING:
            self._end(next(iter(self._asking)))
        with contextlib.suppress(OSError):
            made = self._upstream()
            self._asking[made] = addr
            loop = asyncio.get_running_loop()
            loop.add_reader(made, self._heard, made)
            loop.call_later(IDLE_S, self._end, made)
            made.send(data)

    def _heard(self, made: socket.socket) -> None:
        with contextlib.suppress(OSError):
            data = made.recv(4096)
            if not self.mute:
                self._transport.sendto(data, self._asking[made])
        self._end(made)

    def _end(self, made: socket.socket) -> None:
        if self._asking.pop(made, None) is not None:
            asyncio.get_running_loop().remove_reader(made)
            made.close()

    def end(self) -> None:
        for made in tuple(self._asking):
            self._end(made)


@dataclass
class Site:
    """How a web server answers. `clock_ahead_s` of its Date header; `mute`: it takes the connection and says nothing."""

    status: int
    location: str = ""
    body: bytes = b""
    clock_ahead_s: float = 0.0
    mute: bool = False
    asked: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked += 1
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                await reader.readexactly(min(length, MAX_HEAD))
                if self.mute:
                    await asyncio.sleep(IDLE_S)
                writer.write(self._response())
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _response(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} X", f"Date: {email.utils.formatdate(time.time() + self.clock_ahead_s, usegmt=True)}"]
        if self.location:
            lines.append(f"Location: {self.location}")
        if self.status != 204:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + (b"" if self.status == 204 else self.body)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A printer's port 9100, as far as the prober needs it."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(IDLE_S):
            await reader.read(1024)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


class Advertiser:
    """The router's advertisements (RFC 4861, 4.2). `lifetime_s` 0 says that it is no default router any more."""

    def __init__(self, made: socket.socket) -> None:
        self._socket = made
        self.lifetime_s, self.mute = ROUTER_LIFETIME_S, False
        # SO_BINDTODEVICE, then hop limit 255 for both kinds and "lan" for what is multicast.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lan")
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        made.setsockopt(
            socket.IPPROTO_ICMPV6, 1, struct.pack("=8I", *[0xFFFFFFFF ^ (1 << 5 if word == 4 else 0) for word in range(8)])
        )

    def join(self, index: int) -> None:
        everyone_routing = socket.inet_pton(socket.AF_INET6, "ff02::2") + struct.pack("=I", index)
        self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, everyone_routing)
        self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)

    def solicited(self) -> None:
        with contextlib.suppress(OSError):
            if self._socket.recv(2048)[:1] == bytes([ROUTER_SOLICITATION]):
                self.say()

    def say(self) -> None:
        if not self.mute:
            with contextlib.suppress(OSError):
                self._socket.sendto(
                    struct.pack("!BBHBBHII", ROUTER_ADVERTISEMENT, 0, 0, 64, 0, self.lifetime_s, 0, 0), ("ff02::1", 0)
                )

    async def run(self) -> None:
        while True:
            self.say()
            await asyncio.sleep(ADVERTISE_S)


class Services(Closing):
    """All servers of one lab."""

    def __init__(self, lab: "Lab") -> None:
        super().__init__()
        self._lab = lab
        self.zone = {
            places.HQ_NAME: {RECORD_A: places.HQ["ipv4"], RECORD_AAAA: places.HQ["ipv6"]},
            places.CHECK_NAME: {RECORD_A: places.CHECK["ipv4"], RECORD_AAAA: places.CHECK["ipv6"]},
        }
        self.hq, self.check = Site(200, body=b'{"acked":0}'), Site(204)
        self.captive = Site(302, location="http://login.wifi.example/hello")
        self.forwarders: list[Forwarder] = []
        self.advertiser: Advertiser | None = None

    async def _start(self) -> None:
        for family in FAMILIES:
            await self._names("cloud", family, places.NAMES[family])
            for address in places.ANYCAST[family]:
                await self._names("internet", family, address)
            await self._site("cloud", family, places.CHECK[family], places.CHECK_PORT, self.check.serve)
            await self._site("cloud", family, places.HQ[family], places.HQ_PORT, self.hq.serve)
            await self._site("isp", family, "", CAPTIVE_PORT, self.captive.serve)
            if self._lab.has(family):
                await self._forwarder(family)
                for device in ("printer", "display"):
                    await self._site(device, family, "", 9100, hang_up)
        if self._lab.has("ipv6"):
            self._advertise()

    def _bound(self, role: str, family: str, kind: int, address: str, port: int) -> socket.socket:
        made = self._lab.socket(role, FAMILIES[family], kind, socket.IPPROTO_TCP if kind == socket.SOCK_STREAM else 0)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == "ipv6":
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind((address, port))
        except OSError:
            made.close()
            raise
        return made

    async def _names(self, role: str, family: str, address: str) -> None:
        bound = self._bound(role, family, socket.SOCK_DGRAM, address, 53)
        await self._datagrams(bound, Names(self.zone))

    async def _datagrams(self, bound: socket.socket, protocol: Names) -> None:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: protocol, sock=bound)
        self._closing.callback(transport.close)

    async def _forwarder(self, family: str) -> None:
        def upstream() -> socket.socket:
            made = self._lab.socket("router", FAMILIES[family], socket.SOCK_DGRAM)
            try:
                made.connect((places.NAMES[family], 53))
            except OSError:
                made.close()
                raise
            return made

        forwarder = Forwarder(upstream)
        self._closing.callback(forwarder.end)
        self.forwarders.append(forwarder)
        await self._datagrams(self._bound("router", family, socket.SOCK_DGRAM, places.ROUTER_LAN[family], 53), forwarder)

    async def _site(self, role: str, family: str, address: str, port: int, serve: Callable[..., object]) -> None:
        bound = self._bound(role, family, socket.SOCK_STREAM, address, port)
        server = await asyncio.start_server(serve, sock=bound, limit=MAX_HEAD)  # type: ignore[arg-type]
        self._closing.callback(server.close)

    def _advertise(self) -> None:
        made = self._lab.socket("router", socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        self._closing.callback(made.close)
        self.advertiser = Advertiser(made)
        with inside(self._lab.space("router")):
            index = socket.if_nametoindex("lan")
        self.advertiser.join(index)
        loop = asyncio.get_running_loop()
        loop.add_reader(made, self.advertiser.solicited)
        self._closing.callback(loop.remove_reader, made)
        task = asyncio.create_task(self.advertiser.run())

        async def end() -> None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        self._closing.push_async_callback(end)
