"""Where the devices of the config are now: a USB or serial device at its node, a network printer at its address of the moment.

A network device that the config gives a MAC is that MAC, not its address: who answers at the address is looked up in the
kernel's neighbour table before a byte is sent, and the address follows the device.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable

import msgspec

from tillkeeper.config import address as where
from tillkeeper.config.model import Device as DeviceConfig
from tillkeeper.devices.moves import Move, Moves
from tillkeeper_drivers.api import TransportError
from tillkeeper_drivers.discovery import neighbours
from tillkeeper_drivers.discovery.found import Found
from tillkeeper_drivers.discovery.netlink import Neighbour

log = logging.getLogger(__name__)


class Moved(msgspec.Struct, frozen=True):
    """A device is at another address than the config says. Wall clock."""

    device: str
    configured: str
    now: str
    at_ms: int


class Place:
    """A network device with a MAC. `host` is where it was last known to be; `missing`: nobody, or another one, is there.
    `seen_s`: when it was last connected to, or found there, on the monotonic clock."""

    def __init__(self, device: str, host: str, mac: str, missing: Callable[[], None]) -> None:
        self.device = device
        self.configured = self.host = host
        self.mac = mac
        self.missing = False
        self.moved_at_ms = 0
        self.seen_s = time.monotonic()
        self._on_missing = missing
        self._said_unknown = False

    def now_at(self) -> str:
        """For `TcpTransport(host=...)`."""
        return self.host

    async def check(self, peer: str) -> None:
        """For `TcpTransport(whose=...)`. A peer that the kernel has no MAC of is behind a router, or on this machine: that can
        not be checked, which is said once.

        Raises:
            TransportError: "wrong_device".
        """
        mac = await asyncio.to_thread(neighbours.mac_of, peer)
        if mac and mac != self.mac:
            self.missed(self.host, refused=False)
            detail = f"{peer} is {mac} now, and {self.device} is {self.mac}: another device has its address"
            raise TransportError("wrong_device", detail, bytes_left=False)
        if not mac and not self._said_unknown:
            self._said_unknown = True
            log.warning("whether %s at %s is %s can not be told: it is not on this network", self.device, peer, self.mac)
        self.missing = False
        self.seen_s = time.monotonic()

    def missed(self, host: str, refused: bool) -> None:
        """For `TcpTransport(missed=...)`: nobody, or another one, is at `host`. What began before it was found elsewhere says
        nothing, and a printer that serves another register may refuse a second connection."""
        if refused and neighbours.mac_of(host) == self.mac:
            return
        if host == self.host and not self.missing:
            self.missing = True
            self._on_missing()

    def is_seen_at(self, entry: Neighbour) -> bool:
        """Whether an entry of the kernel's table is a later sign of it than the last connection; one that is older may be where
        it was yesterday."""
        return entry.mac == self.mac and time.monotonic() - entry.confirmed_s > self.seen_s


class Locator:
    """Belongs to one event loop.

    Args:
        now_ms: wall clock.
        moves: where devices were followed to before.
    """

    def __init__(self, now_ms: Callable[[], int], moves: Moves | None = None) -> None:
        self._now_ms = now_ms
        self._moves = moves
        self._devices: dict[str, DeviceConfig] = {}
        self._places: dict[str, Place] = {}
        self.on_missing: Callable[[], None] = lambda: None
        """Called when a device is not where it was."""

    def know(self, name: str, device: DeviceConfig) -> Place | None:
        """Take a device in, or anew with another address. A network device with a MAC has a place of its own."""
        self._devices[name] = device
        self._places.pop(name, None)
        if not device.mac or where.kind(device.address) != "tcp":
            return None
        host, _port = where.host_port(device.address)
        place = self._places[name] = Place(name, host, where.mac(device.mac), lambda: self.on_missing())
        if self._moves is not None and (move := self._moves.of(name, place.mac, host)) is not None:
            place.host, place.moved_at_ms = move.host, move.at_ms
            log.info("%s was last at %s and is tried there first; the configuration says %s", name, move.host, host)
        return place

    def place(self, name: str) -> Place | None:
        """Of a device that was taken in; None where it has none of its own."""
        return self._places.get(name)

    def forget(self, name: str) -> None:
        self._devices.pop(name, None)
        self._places.pop(name, None)

    def missing(self) -> tuple[Place, ...]:
        """Network devices that are not where they were."""
        return tuple(place for place in self._places.values() if place.missing)

    def moved(self) -> tuple[Moved, ...]:
        """Devices that are elsewhere than the config says."""
        return tuple(
            Moved(place.device, place.configured, place.host, place.moved_at_ms)
            for place in self._places.values()
            if place.host != place.configured
        )

    def addresses(self) -> dict[str, str]:
        """Where each device is now, as `address` of the config has it."""
        found = {name: device.address for name, device in self._devices.items() if device.address}
        for name, place in self._places.items():
            host, port = where.host_port(found[name])
            if place.host != host:
                found[name] = f"{place.host}:{port}"
        return found

    def is_at(self, place: Place, address: str) -> bool:
        """The device of `place` was found at `address`. Whether that is news."""
        if self._places.get(place.device) is not place:
            return False
        if address == place.host:
            return False
        place.missing = False
        log.warning("%s (%s) moved from %s to %s", place.device, place.mac, place.host, address)
        place.host, place.moved_at_ms, place.seen_s = address, self._now_ms(), time.monotonic()
        if self._moves is not None:
            self._moves.keep(place.device, Move(place.mac, place.configured, address, place.moved_at_ms))
        return True

    def devices_of(self, found: Found) -> tuple[str, ...]:
        """The names of the config that mean `found`."""
        return tuple(name for name, device in self._devices.items() if device.address and self._means(name, device, found))

    def _means(self, name: str, device: DeviceConfig, found: Found) -> bool:
        kind = where.kind(device.address)
        if kind == "tcp":
            place = self._places.get(name)
            if place is not None and found.mac:
                return place.mac == found.mac
            host, port = where.host_port(device.address)
            return found.bus in ("network", "display") and found.address == f"{host}:{port}"
        if kind != found.bus:
            return False
        identity = where.identity(device.address)
        if identity:
            key, _, value = identity.partition(":")[2].partition("=")
            return value == (found.port if key == "port" else found.serial) or device.address == found.identity
        return bool(found.node) and os.path.realpath(where.node(device.address)) == found.node
