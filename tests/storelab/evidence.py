"""What is left after a run, as plain values: the oracle knows nothing else."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec


class Event(NamedTuple):
    """One event of one log; `body` is JSON as its author wrote it, `hash` is in hex. `day`: what it is stamped with. `at_ms`:
    wall clock, the same one for all machines of the lab."""

    register: str
    incarnation: str
    seq: int
    type: str
    body: str
    hash: str
    day: str = ""
    at_ms: int = 0

    @property
    def place(self) -> tuple[str, str, int]:
        return self.register, self.incarnation, self.seq


class Sold(msgspec.Struct, frozen=True):
    """A sale that a client was told is taken. `key` is its own and stands on its kitchen ticket. `lives`: how often the disk of
    its machine had been replaced when it was asked for first, and when it was answered. `answered_s`: CLOCK_MONOTONIC."""

    key: str
    machine: str
    check_id: str
    amount_minor: int
    lives: tuple[int, int] = (0, 0)
    answered_s: float = 0.0


class Paid(msgspec.Struct, frozen=True):
    """A payment that a client was told is taken, of a check that was opened before."""

    machine: str
    check_id: str
    life: int


class Here(NamedTuple):
    """A check in a register's own tables which says that it is there. `gross_minor`: where it is closed, else 0."""

    lines: frozenset[str]
    payments: frozenset[str]
    state: str
    gross_minor: int


class RolesSaid(NamedTuple):
    """What a register says of the roles in the end."""

    primary: str
    backup: str
    epoch: tuple[int, str]
    holds: bool


class Slip(NamedTuple):
    """A kitchen ticket that came out. `key`: which sale it names."""

    machine: str
    key: str
    marked: bool


class AtHq(msgspec.Struct, frozen=True):
    """`good`: what is in its books, `aside`: in quarantine, with the reason; both by hash. `hashes`: of every row in its books.
    `books` and `quarantined`: sums that HQ itself shows, over all days. `days`: those of its books, by day. `numbers`: check
    id -> number."""

    good: Mapping[str, Event]
    aside: Mapping[str, tuple[str, Event]]
    hashes: tuple[str, ...]
    books: Mapping[str, int]
    quarantined: Mapping[str, int]
    numbers: Mapping[str, int]
    days: Mapping[str, Mapping[str, int]] = {}


class Evidence(msgspec.Struct, frozen=True):
    """`own`, `held`: events on the disks that are left, by machine and hash. `gone`: events that were on a disk when it was
    lost and on no other, with the moment (CLOCK_MONOTONIC); `buried`: all events of the lost disks. `copied`: keys of sales
    with tickets that waited on a disk when it was copied. `broken`: words of whatever did not verify. `conflicts_held`: logs
    (register, incarnation) with events in a register's quarantine. `refused`: words of the sales that a register would not
    take. `paid`, `closes`: payments and closes of days (day, z) that were answered. `checks`: by machine and check.
    `roles`: by register."""

    sold: tuple[Sold, ...]
    own: Mapping[str, Mapping[str, Event]]
    held: Mapping[str, Mapping[str, Event]]
    gone: Mapping[str, float]
    buried: Mapping[str, Event]
    hq: AtHq
    slips: tuple[Slip, ...]
    copied: frozenset[str] = frozenset()
    broken: tuple[str, ...] = ()
    conflicts_held: frozenset[tuple[str, str]] = frozenset()
    refused: tuple[str, ...] = ()
    paid: tuple[Paid, ...] = ()
    closes: frozenset[tuple[str, int]] = frozenset()
    checks: Mapping[str, Mapping[str, Here]] = {}
    roles: Mapping[str, RolesSaid] = {}
