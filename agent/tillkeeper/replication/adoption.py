"""Prints what a register that died had fired: the first one in the order that is heard does it, and marks it."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from tillkeeper.contract.documents import DocumentRerouted
from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.events import TYPE_NAMES
from tillkeeper.contract.placing import read_event
from tillkeeper.errors import StorageRefused, TillkeeperError
from tillkeeper.journal.records import Appended, Batch, JobRow
from tillkeeper.replication import sinks
from tillkeeper.replication.model import LogId
from tillkeeper.replication.orphans import NEWEST, Orphans
from tillkeeper.replication.outgoing import Logs
from tillkeeper.replication.peers.adopted import MAX_PROVEN
from tillkeeper.replication.peers.state import PeerState
from tillkeeper.spool.adopting import Orphan, adopted_id
from tillkeeper.spool.model import Job

log = logging.getLogger(__name__)

LOOK_S = 1.0
SLICE = 500
"""Events that are read in one go; then sales have their turn."""
OLD_MS = 12 * 3_600_000
"""Whoever fired a ticket so long ago does not wait for it any more."""
REROUTED = TYPE_NAMES[DocumentRerouted]
MAX_TOLD = MAX_PROVEN
"""Adopted jobs of one register that are remembered for its return, the newest."""


class _Told(msgspec.Struct, frozen=True, array_like=True):
    """A job that was adopted, and where this register's log says so."""

    job_id: str
    incarnation: str
    seq: int


_decoder = msgspec.json.Decoder(tuple[_Told, ...])


class Adopting(Protocol):
    """The spool."""

    async def adopt(self, tickets: Sequence[Orphan], originator: str) -> tuple[Job, ...]: ...

    async def given_up(self, job_ids: Iterable[str], register: str) -> None: ...


class Settings(Protocol):
    """The journal."""

    def setting(self, name: str) -> bytes | None: ...

    def job(self, job_id: str) -> JobRow | None: ...

    async def append(self, batch: Batch) -> Appended: ...


class Peers(Protocol):
    """The desk."""

    @property
    def states(self) -> dict[str, PeerState]: ...


class Adoption:
    """`run` is its one task. `texts`: digest -> personal text, of adopted tickets: they are not in this register's journal."""

    def __init__(
        self,
        me: str,
        order: tuple[str, ...],
        peers: Peers,
        logs: Logs,
        settings: Settings,
        *,
        after_s: float,
        now_s: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self._me, self._order, self._peers, self._logs, self._settings = me, order, peers, logs, settings
        self._after_s, self._now_s, self._now_ms = after_s, now_s, now_ms
        self._since_s = now_s()
        self._looked_at: dict[str, dict[LogId, int]] = {}
        self._printed_for: set[str] = set()
        self._elsewhere: dict[str, tuple[str, ...]] = {}
        self._proofs: dict[str, tuple[bytes, tuple[HqBatch, ...]]] = {}
        self.texts: dict[str, str] = {}

    async def run(self, spool: Adopting) -> None:
        """Until cancelled."""
        while True:
            await self.give_up(spool)
            for register in self.dead():
                try:
                    await self._adopt(spool, register)
                except TillkeeperError as error:
                    log.error("the tickets of register %s are not adopted yet: %s", register, error)
            await asyncio.sleep(LOOK_S)

    def adopted_elsewhere(self, register: str, job_ids: tuple[str, ...]) -> None:
        """That register has adopted these of this one's jobs while it was away."""
        if job_ids:
            self._elsewhere[register] = job_ids[-MAX_TOLD:]

    async def give_up(self, spool: Adopting) -> None:
        """What others have adopted is not printed here as well. To be called before the spool begins."""
        for register in tuple(self._elsewhere):
            try:
                await spool.given_up(self._elsewhere[register], register)
            except TillkeeperError as error:
                log.error("what register %s has adopted may be printed twice: %s", register, error)
                return
            left = tuple(job_id for job_id in self._elsewhere[register] if self._waits(job_id))
            if left:  # they are being tried: where nothing comes of that, there is no other try
                self._elsewhere[register] = left
            else:
                del self._elsewhere[register]

    def _waits(self, job_id: str) -> bool:
        row = self._settings.job(job_id)
        return row is not None and not row.settled

    def dead(self) -> list[str]:
        """Registers that nobody has heard for long enough, and whose tickets are this register's to print."""
        now_s, states = self._now_s(), self._peers.states
        reachable = {register for register, state in states.items() if state.is_heard(now_s)}
        found = []
        for register, state in states.items():
            age_s = state.age_s(now_s)
            if (now_s - self._since_s if age_s is None else age_s) < self._after_s:
                continue
            heard_by = {other for other in reachable if register in states[other].hears}
            if sinks.may_adopt(self._order, self._me, register, reachable, heard_by):
                found.append(register)
        return found

    def prints_for(self) -> tuple[str, ...]:
        """Silent registers whose kitchen tickets have come out here."""
        return tuple(register for register in self.dead() if register in self._printed_for)

    def told_adopted(self, register: str) -> tuple[HqBatch, ...]:
        """The jobs of that register that this one has adopted, for its return: what this register's log says of each, signed
        there (`peers.adopted`)."""
        kept = self._settings.setting(_setting(register))
        if kept is None:
            return ()
        known, proofs = self._proofs.get(register, (b"", ()))
        if known != kept:
            try:
                proofs = tuple(proof for one in _decoder.decode(kept) if (proof := self._proof(one)) is not None)
            except StorageRefused as error:
                log.error("register %s is not told which of its tickets are printed here: %s", register, error)
                return ()
            self._proofs[register] = kept, proofs
        return proofs

    def _proof(self, told: _Told) -> HqBatch | None:
        name = LogId(self._me, told.incarnation)
        events, head = self._logs.events(name, told.seq - 1, 1), self._logs.head_for(name, told.seq)
        return HqBatch(events[0].store, *name, tuple(events), head) if events and head is not None else None

    async def _adopt(self, spool: Adopting, register: str) -> None:
        heads = {name: mark.seq for name, mark in self._logs.heads().items()}
        theirs = {name: seq for name, seq in heads.items() if name.register == register}
        if not theirs or self._looked_at.get(register) == theirs:
            return
        fold, own = Orphans(), dict[str, tuple[str, int]]()
        others = [name for name in heads if name.register != register]
        for name in (*theirs, *others):
            await self._read(fold, name, max(0, heads[name] - NEWEST), heads[name], own)
        if register not in self.dead():
            return  # it came back meanwhile
        waiting = fold.waiting({register}, self._now_ms() - OLD_MS)
        self.texts |= {digest: fold.texts[digest] for digest in _digests(waiting) if digest in fold.texts}
        jobs = await spool.adopt(waiting, register)
        if jobs:
            self._printed_for.add(register)
            log.warning("%d kitchen tickets of register %s are printed here: it is silent", len(jobs), register)
        for name, mark in self._logs.heads().items():  # what has just been written
            if name.register == self._me:
                await self._read(fold, name, heads.get(name, 0), mark.seq, own)
        await self._remember(register, fold.jobs_of(register), own)
        self._looked_at[register] = theirs

    async def _remember(self, register: str, job_ids: Collection[str], own: Mapping[str, tuple[str, int]]) -> None:
        """Which of these jobs this register's log (`own`: job -> place) says it has adopted, also in a look before: the agent
        may have been killed, or the disk have refused, when they were printed already."""
        kept = self._settings.setting(_setting(register))
        before = () if kept is None else _decoder.decode(kept)
        found = {one.job_id: one for one in before}
        found |= {job_id: _Told(job_id, *place) for job_id, place in own.items() if job_id in job_ids}
        told = tuple(sorted(found.values(), key=lambda one: (one.incarnation, one.seq)))[-MAX_TOLD:]
        if told != before:
            await self._settings.append(Batch(settings={_setting(register): msgspec.json.encode(told)}))

    async def _read(self, fold: Orphans, name: LogId, after: int, head: int, own: dict[str, tuple[str, int]]) -> None:
        """`own` learns which jobs this register's log says it has adopted."""
        while after < head:
            events = self._logs.events(name, after, SLICE)
            if not events:
                return
            for event in events:
                fold.take(event)
                if name.register == self._me and event.type == REROUTED:
                    moved = read_event(event)
                    if isinstance(moved, DocumentRerouted) and moved.new_job_id == adopted_id(moved.job_id, self._me):
                        own[moved.job_id] = (name.incarnation, event.seq)
            after = events[-1].seq
            await asyncio.sleep(0)


def _digests(orphans: Iterable[Orphan]) -> Iterable[str]:
    return (digest for orphan in orphans for digest in orphan.job.personal.values())


def _setting(register: str) -> str:
    return f"adopted_at.{register}"
