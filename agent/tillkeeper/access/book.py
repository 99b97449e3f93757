"""Which devices are paired, as the logs of all registers say. Pure.

Two sets: those that were paired, and the ids of those that have ended. Sets grow by union, so no order of logs and no clock
matters: what has ended anywhere has ended, also where its pairing is heard of later. A name is for people; where two registers
that did not hear each other paired two devices under one name, both are listed until one is ended.
"""

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from tillkeeper.contract.access import DevicePaired, DeviceUnpaired
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import DeviceScope

MAX_DEVICES = 200
MAX_ENDED = 2_000
"""Of one register each: one in bad hands uses up its own part and pushes out nothing that the others said. Of the ids of
devices that have ended the oldest are forgotten first (they sort by time)."""


class Device(msgspec.Struct, frozen=True, omit_defaults=True):
    """`register`: where it was paired. `paired_at_ms`: by that register's wall clock."""

    device_id: str
    name: str
    scope: DeviceScope
    token_sha256: str
    register: str
    paired_at_ms: int
    terminal: str = ""
    by: str = ""


class Book(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value; every change gives a new one. `devices`: those that count, by id; `ended`: the ids that each register ended."""

    devices: dict[str, Device] = {}
    ended: dict[str, frozenset[str]] = {}

    def heard(self, event: Event, register: str, at_ms: int) -> "Book":
        """With what an event of `register` says; itself where that is nothing new."""
        if isinstance(event, DevicePaired):
            if event.device_id in self.devices or self.has_ended(event.device_id) or not self.has_room(register):
                return self
            device = Device(
                device_id=event.device_id, name=event.name, scope=event.scope, token_sha256=event.token_sha256,
                register=register, paired_at_ms=at_ms, terminal=event.terminal, by=event.by,
            )  # fmt: skip
            return Book(self.devices | {device.device_id: device}, self.ended)
        if isinstance(event, DeviceUnpaired) and event.device_id not in self.ended.get(register, ()):
            return self._without({register: frozenset({event.device_id})})
        return self

    def has_room(self, register: str) -> bool:
        """Whether one more that is paired at this register counts."""
        return sum(one.register == register for one in self.devices.values()) < MAX_DEVICES

    def without(self, devices: Iterable[Device]) -> "Book":
        """As if these had never been paired."""
        gone = {one.device_id for one in devices}
        return Book({key: one for key, one in self.devices.items() if key not in gone}, self.ended)

    def has_ended(self, device_id: str) -> bool:
        return any(device_id in ids for ids in self.ended.values())

    def joined(self, other: "Book") -> "Book":
        """What both know."""
        return Book(other.devices | self.devices, self.ended)._without(other.ended)

    def _without(self, more: Mapping[str, frozenset[str]]) -> "Book":
        ended = dict(self.ended)
        for register, ids in more.items():
            ended[register] = frozenset(sorted(ids | ended.get(register, frozenset()))[-MAX_ENDED:])
        gone = frozenset[str]().union(*ended.values(), *more.values())
        return Book({key: one for key, one in self.devices.items() if key not in gone}, ended)

    def named(self, name: str) -> tuple[Device, ...]:
        """All of that name, whatever its capitals."""
        return tuple(one for one in self.devices.values() if one.name.lower() == name.lower())

    def of_token(self, token: bytes) -> Device | None:
        """Whose token it is. What is compared are digests, so the time tells nothing of a token."""
        digest = hashlib.sha256(token).hexdigest()
        return next((one for one in self.devices.values() if one.token_sha256 == digest), None)


_decoder = msgspec.json.Decoder(Book)
KINDS = frozenset({"device_paired", "device_unpaired"})


def encode(book: Book) -> bytes:
    return msgspec.json.encode(book)


def decode(raw: bytes) -> Book:
    """Raises msgspec.DecodeError."""
    return _decoder.decode(raw)
