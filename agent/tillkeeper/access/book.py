"""Which devices are paired, as the logs of all registers say. Pure.

Two sets: those that were paired, and the ids of those that have ended. Sets grow by union, so no order of logs and no clock
matters: what has ended anywhere has ended, also where its pairing is heard of later. A name is for people; where two registers
that did not hear each other paired two devices under one name, both are listed until one is ended.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from tillkeeper.contract.access import DevicePaired, DeviceUnpaired
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import DeviceScope

MAX_DEVICES = 200
MAX_ENDED = 5_000
"""Ids of devices that have ended; the oldest are forgotten first (they sort by time)."""


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
    """A value; every change gives a new one. `devices`: those that count, by id."""

    devices: dict[str, Device] = {}
    ended: frozenset[str] = frozenset()

    def heard(self, event: Event, register: str, at_ms: int) -> "Book":
        """With what an event of `register` says; itself where that is nothing new."""
        if isinstance(event, DevicePaired):
            if event.device_id in self.devices or event.device_id in self.ended or len(self.devices) >= 2 * MAX_DEVICES:
                return self
            device = Device(
                device_id=event.device_id, name=event.name, scope=event.scope, token_sha256=event.token_sha256,
                register=register, paired_at_ms=at_ms, terminal=event.terminal, by=event.by,
            )  # fmt: skip
            return Book(self.devices | {device.device_id: device}, self.ended)
        if isinstance(event, DeviceUnpaired) and event.device_id not in self.ended:
            return self._without({event.device_id})
        return self

    def joined(self, other: "Book") -> "Book":
        """What both know."""
        return Book(other.devices | self.devices, self.ended)._without(other.ended)

    def _without(self, ids: Iterable[str]) -> "Book":
        ended = self.ended | frozenset(ids)
        if len(ended) > MAX_ENDED:
            ended = frozenset(sorted(ended)[-MAX_ENDED:])
        return Book({key: one for key, one in self.devices.items() if key not in ended}, ended)

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
