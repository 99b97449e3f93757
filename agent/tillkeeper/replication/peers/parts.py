"""What the peers' room works with."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.roster import Merge, Roster, Signed
from tillkeeper.replication.model import Holdings, LogId, Mark
from tillkeeper.replication.outgoing import LogsWithPast, Writing
from tillkeeper.replication.peers.regaining import Shelves
from tillkeeper.replication.peers.session import Connection
from tillkeeper.replication.renewals import Renewals


class Library(LogsWithPast, Shelves, Protocol):
    def in_journal(self) -> dict[LogId, Mark]: ...


class Keys(Protocol):
    """The store's keys, as far as this room uses them."""

    @property
    def roster(self) -> Roster: ...

    def admission(self) -> tuple[Signed, ...]: ...

    async def take(self, statements: Iterable[Signed]) -> Merge: ...


@dataclass(frozen=True, kw_only=True)
class PeersParts:
    """`order`: all registers of the store, the same everywhere. `callable`: those that have an address. `session`: made anew
    at each start. `dial` raises SinkTrouble. `listen` serves callers until cancelled, None where nothing listens. `hq`: whether
    HQ answers this register. `forked`: logs of others of which HQ is known to have another branch. `relayed`: told when what
    is to be relayed to HQ changed. `changed`: told when a line came or went. `told_adopted`: proofs that this register has
    adopted jobs of another; `adopted_elsewhere`: told which ones others have proved to have."""

    store: str
    register: str
    version: str
    session: str
    order: tuple[str, ...]
    callable: frozenset[str]
    library: Library
    writing: Writing
    holdings: Holdings
    keys: Keys
    dial: Callable[[str], Awaitable[Connection]]
    listen: Callable[[Callable[[Connection], Awaitable[None]]], Coroutine[Any, Any, None]] | None
    renewals: Renewals
    now_s: Callable[[], float]
    now_ms: Callable[[], int]
    chance: random.Random
    second_copy_s: float
    step_aside: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
    """Awaited between the pieces of a large batch."""
    hq: Callable[[], bool] = lambda: False
    told_adopted: Callable[[str], tuple[HqBatch, ...]] = lambda _register: ()
    adopted_elsewhere: Callable[[str, tuple[str, ...]], None] = lambda _register, _job_ids: None
    lost: Callable[[tuple[HqBatch, ...]], None] = lambda _batches: None
    """Told what others hold of this register's own logs and it does not have."""
    forked: Callable[[], frozenset[LogId]] = frozenset
    relayed: Callable[[], None] = lambda: None
    changed: Callable[[], None] = lambda: None
