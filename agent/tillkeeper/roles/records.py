"""Records of who is primary and who is backup, their order, and the one that counts. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.roles import MAX_COUNTER, Epoch, Role, RolesAssigned, leaps
from tillkeeper.contract.values import MAX_NAME
from tillkeeper.errors import Refused


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """As `RolesAssigned`; that of the configuration has an epoch with the counter 0."""

    primary: str
    backup: str = ""
    absent: str = ""
    epoch: Epoch = Epoch()
    cause: str = "configured"
    witness: str = ""
    by: str = ""
    releases: tuple[str, ...] = ()

    def role(self, register: str) -> Role:
        if register == self.primary:
            return "primary"
        return "backup" if register == self.backup else "none"

    def event(self) -> RolesAssigned:
        return RolesAssigned(
            primary=self.primary, backup=self.backup, absent=self.absent, counter=self.epoch.counter,
            register=self.epoch.register, cause=self.cause, witness=self.witness, by=self.by, releases=self.releases,
        )  # fmt: skip

    def words(self) -> str:
        """"primary A, backup B (epoch 3.B)"."""
        return f"primary {self.primary}, {f'backup {self.backup}' if self.backup else 'no backup'} (epoch {self.epoch})"


def record_of(event: RolesAssigned) -> Record:
    return Record(
        primary=event.primary, backup=event.backup, absent=event.absent, epoch=event.epoch, cause=event.cause,
        witness=event.witness, by=event.by, releases=event.releases,
    )  # fmt: skip


def configured(primary: str, backup: str, registers: Sequence[str]) -> Record:
    """What [roles] says; the first register without a backup where it says nothing."""
    first = primary or (registers[0] if registers else "")
    return Record(primary=first, backup=backup, epoch=Epoch(0, f"{first}/{backup}"))


def is_sound(record: Record) -> bool:
    """Whether it can be a record at all: one primary, another backup, names and an epoch within bounds."""
    if any(len(name) > MAX_NAME for name in (record.primary, record.backup, record.absent, record.epoch.register)):
        return False
    return bool(record.primary) and record.primary != record.backup and 0 <= record.epoch.counter <= MAX_COUNTER


def newest(records: Iterable[Record]) -> Record:
    """The one with the highest epoch. Two of one epoch are a cloned register's doing: then all choose the same one."""
    return max(records, key=_rank)


def _rank(record: Record) -> tuple[Epoch, str, str, str, str]:
    return record.epoch, record.primary, record.backup, record.absent, record.cause


def above(seen: Iterable[Epoch], register: str) -> Epoch:
    """The epoch that `register` gives its next record. Raises: Refused (`no_higher_epoch`): a register that is out of its mind
    has named the highest there can be."""
    counter = max((epoch.counter for epoch in seen), default=0) + 1
    if counter > MAX_COUNTER:
        raise Refused("no_higher_epoch", "assign", "the roles", f"somebody has named epoch {MAX_COUNTER}; none is higher")
    return Epoch(counter, register)


class NewestRecord:
    """The newest record that any log of the store holds: a follower of the logs (`replication/following.py`)."""

    name = "roles"
    kinds: frozenset[str] | None = frozenset({"roles_assigned"})

    def __init__(self) -> None:
        self.record: Record | None = None

    def take(self, envelope: Envelope, event: Event) -> None:
        """A record counts only in the log of the register that says it has decided."""
        if not isinstance(event, RolesAssigned) or event.register != envelope.register:
            return
        found = record_of(event)
        known = self.record.epoch if self.record is not None else Epoch()
        if is_sound(found) and not leaps(found.epoch, known):
            self.record = found if self.record is None else newest((self.record, found))

    def dump(self) -> bytes:
        return msgspec.json.encode(self.record)

    def load(self, state: bytes) -> None:
        self.record = msgspec.json.decode(state, type=Record | None)
