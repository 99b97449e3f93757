"""Logs made up for a run. No sale, tender or refund is in them and no amount at all: checks are opened on one day of the year
2000 and voided, so that the books of a store keep their figures."""

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.chain import GENESIS, envelope_header, link, personal_digest
from tillkeeper.contract.envelope import Envelope, HqBatch
from tillkeeper.contract.events import TYPE_NAMES, CheckNumbered, CheckOpened, CheckVoided, ModeChanged, encode_body
from tillkeeper.contract.privacy import PersonalDataErased
from tillkeeper.contract.values import Personal

DAY = "2000-01-01"
AT_MS = 946_724_400_000
"""Noon (UTC) of that day."""

ODD_BODY = '{ "z" : 1.50, "a":"\\u00e9\\/\\u2028 é漢字",  "z":1e400, "big":123456789012345678901234567890, "": [ ] }'
"""JSON that no encoder writes like this: whoever parses and prints it again changes it."""


DAMAGED = '{"mode":"online","previous":"online","cause":"damaged"}'
"""A body that fits its type, but not its hash."""
UNKNOWN_TYPE = "conformance_noted"


def seal(envelope: Envelope, prev_hash: str) -> Envelope:
    """The event with `prev_hash` before it and the hash that belongs to it."""
    bare = msgspec.structs.replace(envelope, prev_hash=prev_hash)
    return msgspec.structs.replace(bare, hash=link(prev_hash, envelope_header(bare), bare.body.encode()))


class Log:
    """One log as a register writes it; `events` may be spoilt afterwards."""

    def __init__(self, store: str, register: str, incarnation: str) -> None:
        self.store, self.register, self.incarnation = store, register, incarnation
        self.events: list[Envelope] = []

    def raw(self, type_name: str, body: str, version: int = 1, personal: dict[str, tuple[str, str]] | None = None) -> Envelope:
        prev_hash = self.events[-1].hash if self.events else GENESIS
        seq = len(self.events) + 1
        bare = Envelope(
            self.store, self.register, self.incarnation, seq, type_name, version, DAY, AT_MS, body, "", "", personal or {}
        )  # fmt: skip
        self.events.append(seal(bare, prev_hash))
        return self.events[-1]

    def add(self, event: Event) -> Envelope:
        return self.raw(TYPE_NAMES[type(event)], encode_body(event).decode())

    def note(self, text: str = "nothing") -> Envelope:
        """An event that every HQ knows and no book counts."""
        return self.add(ModeChanged(mode="online", previous="online", cause=text))

    def notes(self, count: int) -> None:
        for n in range(count):
            self.note(f"note {n}")

    def open(self, check_id: str, name: str = "", salt: str = "") -> Envelope:
        """`name`: of a person; with `salt` it is kept beside the event."""
        person = Personal(personal_digest(salt, name)) if name else None
        opened = CheckOpened(
            check_id=check_id, ticket_code="A-001", order_type="dine_in", catalogue_version="conformance",
            terminal="conformance", name=person,
        )  # fmt: skip
        personal = {person.digest: (salt, name)} if person else None
        return self.raw("check_opened", encode_body(opened).decode(), personal=personal)

    def void(self, check_id: str) -> Envelope:
        return self.add(CheckVoided(check_id=check_id, reason="conformance"))

    def numbered(self, check_id: str, number: int) -> Envelope:
        return self.add(CheckNumbered(check_id=check_id, number=number))

    def erase(self, digest: str) -> Envelope:
        return self.add(PersonalDataErased(digests=(digest,)))

    def poison(self) -> Envelope:
        """A known type and version, rightly chained, whose body lacks what it must have."""
        return self.raw("check_voided", '{"check_id":7}')

    def spoil(self, at: int, **fields: object) -> Envelope:
        """Replace fields of the event at this index; its hash stays unless it is among them."""
        self.events[at] = msgspec.structs.replace(self.events[at], **fields)
        return self.events[at]

    def batch(self, first: int = 1, last: int | None = None) -> HqBatch:
        """The events from seq `first` to `last`."""
        return self.of(*self.events[first - 1 : last])

    def of(self, *events: Envelope) -> HqBatch:
        return HqBatch(self.store, self.register, self.incarnation, events)
