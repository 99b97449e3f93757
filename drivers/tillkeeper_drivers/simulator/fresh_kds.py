"""A Fresh KDS screen at the other end: JSON over TCP, and the beacon over UDP. A second reading of its integration pages.

    async with VirtualFreshKds() as kds:
        await kds.wait_shown(1, 5)

It is strict: an order is created once, only what it has can be updated or cancelled, and an update says the whole order.
"""

import asyncio
import contextlib
import ipaddress
import json
import socket
import struct
from typing import Any

from tillkeeper_drivers.connections import connections
from tillkeeper_drivers.simulator.foreign_screen import ForeignScreen, Order, ScreenLine, spoilt

MODES = ("For Here", "ToGo", "Pickup", "DriveThru", "Delivery", "Curbside")
BEACON_PORT, BEACON_S = 28_000, 2.0
MAX_REQUEST = 262_144
DEAF_S = 20.0


class _No(Exception):
    """Refused; its words go back."""


class VirtualFreshKds(ForeignScreen):
    """See the module.

    Args:
        host, port: where it listens; 0 takes a free port, and the same again after a power cut.
        beacon_to: "address:port" that its beacon goes to every two seconds; none where empty.
        identifier: of the tablet, 12 characters in the beacon.
        quotes: the order id comes back as a JSON text, in quotes and with a line feed.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, *, name: str = "fresh", beacon_to: str = "",
        identifier: str = "E7A09AAD7B98", quotes: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(name)
        self.host, self.port = host, port
        self.beacon_to, self.identifier, self.quotes = beacon_to, identifier, quotes
        self.requests: list[dict[str, Any]] = []
        """The last thousand, as they came."""

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        self.port = self.door.hold(self.host, self.port)
        listening = connections(self._serve, (self.host, self.port), name="fresh kds", line=MAX_REQUEST)
        await stack.enter_async_context(listening)
        if self.beacon_to:
            beacons = asyncio.create_task(self._beacons(), name="fresh kds beacon")

            async def quiet() -> None:
                beacons.cancel()
                await asyncio.gather(beacons, return_exceptions=True)

            stack.push_async_callback(quiet)

    # --- the beacon ---

    def beacon(self) -> bytes:
        """102 bytes: name of the protocol, version, IPv4 address, identifier, name, each padded with zeros."""
        address = ipaddress.IPv4Address(self.host).packed
        fields = (b"FreshKDS", b"1.0", address, self.identifier.encode("ascii"), self.name.encode("ascii", "replace")[:20])
        return struct.pack("12s8s10s20s52s", *fields)

    async def _beacons(self) -> None:
        host, _, port = self.beacon_to.rpartition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            out.setblocking(False)
            while True:
                with contextlib.suppress(OSError):
                    out.sendto(self.beacon(), (host, int(port)))
                await asyncio.sleep(BEACON_S)

    # --- orders ---

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                reply = await self._request(line)
                if self.deaf:
                    await asyncio.sleep(DEAF_S)
                    return
                if self.fault in ("half_answer", "drip", "endless"):
                    async for chunk in spoilt(self.fault, reply):
                        writer.write(chunk)
                        await writer.drain()
                else:
                    writer.write(reply)
                await writer.drain()
        except (ConnectionError, ValueError):
            writer.transport.abort()

    async def _request(self, line: bytes) -> bytes:
        await asyncio.sleep(self.slow_s)
        try:
            body = json.loads(line)
            if not isinstance(body, dict) or not isinstance(body.get("order"), dict):
                raise _No("Invalid order")
            self.requests = [*self.requests[-999:], body]
            if self.fault == "error":
                raise _No("Error: unable to save the order")
            reply = self._do(str(body.get("command", "create-order")), body["order"])
            self.taken += 1
        except (_No, ValueError, RecursionError) as error:
            self.refused += 1
            reply = str(error) if isinstance(error, _No) else "Invalid JSON"
        self.changed.notify()
        if self.fault == "wrong_id":
            reply = f"{reply}0"
        if self.fault == "garbage":
            return b"\x00\xff\xfe\x01\n"
        return f'"{reply}"\n'.encode() if self.quotes else reply.encode()

    def _do(self, command: str, asked: dict[str, Any]) -> str:
        name = asked.get("id")
        if not isinstance(name, str) or not name:
            raise _No("Error: id is required")
        known = self.orders.get(name)
        if command == "create-order":
            if known is not None:
                raise _No("Error: order exists already")
            self.show(self._order(name, asked))
        elif known is None or known.bumped:
            raise _No("Error: order not found")
        elif command == "update-order":
            updated = self._order(name, asked)
            known.heads, known.lines = updated.heads, updated.lines
        elif command == "cancel-order":
            for line in known.lines.values():
                line.struck = True
        else:
            raise _No(f"Error: unknown command {command[:40]}")
        return name

    def _order(self, name: str, asked: dict[str, Any]) -> Order:
        mode, items = asked.get("mode"), asked.get("items")
        if mode not in MODES or not isinstance(items, list) or not asked.get("name") or not isinstance(asked.get("time"), int):
            raise _No("Error: name, time, mode and items are required")
        said = str(asked.get("specialInstructions") or "").split(" / ")
        order = Order(name, [mode.upper(), " ".join(str(asked.get(key) or "") for key in ("name", "server")).strip(), *said])
        for item in items:
            if not isinstance(item, dict) or not isinstance(item.get("qty"), int) or str(item.get("lineId")) in order.lines:
                raise _No("Error: items need a qty and a lineId of their own")
            mods = [str(mod.get("name")) for mod in item.get("mods", []) if isinstance(mod, dict)]
            order.lines[str(item.get("lineId"))] = ScreenLine(str(item["qty"]), str(item.get("name")), mods)
        return order
