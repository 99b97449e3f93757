"""A register as a machine: its disk, its clock, and the agent's own shells over them, put together as the agent does it."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from tests.simulation.disk import STORE, Drive, Held, MemoryJournal, Platter
from tests.simulation.hq import Hq, HqLine
from tests.simulation.loops import MachineLoop, Time
from tests.simulation.net import Net, SimConnection
from tests.simulation.till import Habits, Sale, Till, Witness
from tests.support.keys import AUTHORITY

from tillkeeper.config.model import Hq as HqConfig
from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch
from tillkeeper.contract.roster import Admitted, Merge, Roster, Signed
from tillkeeper.journal.records import Appended
from tillkeeper.replication.adoption import Adoption
from tillkeeper.replication.audit import Audit
from tillkeeper.replication.conflicts import Conflicts
from tillkeeper.replication.hq import HqLink
from tillkeeper.replication.library import Library
from tillkeeper.replication.model import LogId
from tillkeeper.replication.outgoing import Selected
from tillkeeper.replication.peers.desk import PeersDesk
from tillkeeper.replication.peers.parts import PeersParts
from tillkeeper.replication.renewals import Renewals

EPOCH_MS = 1_795_000_000_000
SECOND_COPY_S = 0.05
ADOPT_AFTER_S = 10.0
ASK_S = 0.3
ANSWERING_S = 5.0


class Watch(Witness, Protocol):
    """The witness, who sees disks too."""

    def written(self, machine: str, platter: Platter, envelope: Envelope) -> None: ...

    def promised(self, machine: str, held: Held, batch: HqBatch, answer: HqAnswer) -> None: ...

    def said(self, machine: str, words: str) -> None: ...


class SimKeys:
    """The store's keys, kept on the platter."""

    def __init__(self, platter: Platter, drive: Drive) -> None:
        self._platter, self._drive = platter, drive
        self.pair = platter.pair
        self.roster = Roster(STORE, AUTHORITY.key).merged(platter.statements).roster

    def admission(self) -> tuple[Signed, ...]:
        found = (one for one in self.roster.statements if isinstance(one.statement, Admitted))
        return tuple(one for one in found if one.statement.key == self.pair.key)

    async def take(self, statements: Iterable[Signed]) -> Merge:
        merge = self.roster.merged(statements)
        if merge.added:
            self.roster = merge.roster
            await self._drive.sync(reserve=True)
            self._platter.statements = self.roster.statements
        return merge


class Told:
    """The holdings, and a witness to what they answer."""

    def __init__(self, held: Held, told: Callable[[HqBatch, HqAnswer], None]) -> None:
        self._held, self._told = held, told
        self.marks, self.events, self.signed_up_to = held.marks, held.events, held.signed_up_to
        self.quarantined, self.erase = held.quarantined, held.erase

    @property
    def alarms(self) -> tuple[str, ...]:
        return self._held.alarms

    async def take(self, batch: HqBatch, now_ms: int, last_accepted: int | None = None) -> HqAnswer:
        answer = await self._held.take(batch, now_ms, last_accepted)
        self._told(batch, answer)
        return answer


class Machine:
    """`name`: of the box, `register`: who it says it is; a clone has a box of its own and the same register. `skew_ms`: what
    its wall clock is off. `scrapped`: it is not switched on again."""

    def __init__(
        self, name: str, platter: Platter, time: Time, net: Net, hq: Hq, order: tuple[str, ...], habits: Habits, seed: int,
        watch: Watch,
    ) -> None:  # fmt: skip
        self.name, self.register, self.platter = name, platter.register, platter
        self._time, self._net, self._hq, self._order = time, net, hq, order
        self._habits, self._seed, self._watch = habits, seed, watch
        self.powered = self.scrapped = False
        self.serve: Callable[[SimConnection], Awaitable[None]] | None = None
        self.loop = MachineLoop(time, name)
        self.loop.alive = False
        self.skew_ms = 0
        self.pending: list[Sale] = []
        self.pauses = 0
        self._starts = self._ids = 0
        self._booted_s = 0.0
        self.selling = True
        self.drive = Drive(random.Random(f"{seed} disk {name}"))
        self.till: Till | None = None
        self.desk: PeersDesk | None = None
        self.hq_link: HqLink | None = None
        net.hosts.append(self)

    @property
    def key(self) -> str:
        return self.platter.pair.key

    @property
    def running(self) -> bool:
        return self.loop.alive

    def start(self) -> None:
        """The agent, and the machine under it where it was off."""
        if self.running or self.scrapped:
            return
        if not self.powered:
            self.powered, self._booted_s = True, self._time.now_s
        self._starts += 1
        self.loop = MachineLoop(self._time, self.name)
        self.loop.start(self._main(self.loop), "agent")

    def kill(self, *, power: bool = False) -> None:
        self.powered = self.powered and not power
        self.serve = None
        self.loop.kill()
        self._net.died(self)
        self.till = self.desk = self.hq_link = None

    def pause(self) -> None:
        self.pauses += 1
        self.loop.pause()

    def stop_selling(self) -> None:
        self.selling = False
        if self.till is not None:
            self.till.selling = False

    def wall_ms(self) -> int:
        return EPOCH_MS + int(self._time.now_s * 1000) + self.skew_ms

    def _now_s(self) -> float:
        return self._time.now_s - self._booted_s

    def _new_id(self) -> str:
        self._ids += 1
        text = f"{self._seed} {self.name} {self.platter.lineage} {self._ids}"
        return hashlib.sha256(text.encode()).hexdigest()[:26].upper()

    async def _main(self, loop: MachineLoop) -> None:
        platter, chance = self.platter, random.Random(f"{self._seed} {self.name} {self._starts}")
        platter.held.sync = self.drive.sync

        def written(envelope: Envelope) -> None:
            self._watch.written(self.name, platter, envelope)

        journal = MemoryJournal(platter, self.drive, chance, wall_ms=self.wall_ms, new_id=self._new_id, written=written)
        loop.start(journal.run(), "journal")
        keys = SimKeys(platter, self.drive)
        library = Library(journal, platter.held, keys.pair.key, keys.pair.sign)
        renewals = Renewals(journal)
        holdings = Told(platter.held, lambda batch, answer: self._watch.promised(self.name, platter.held, batch, answer))
        order = self._order

        def told_adopted(register: str) -> tuple[HqBatch, ...]:
            return adoption.told_adopted(register)

        def adopted_elsewhere(register: str, job_ids: tuple[str, ...]) -> None:
            adoption.adopted_elsewhere(register, job_ids)

        def reaches_hq() -> bool:
            return self.hq_link is not None and self.hq_link.answers(ANSWERING_S)

        def relayed() -> None:
            if self.hq_link is not None:
                self.hq_link.notify()

        desk = PeersDesk(
            PeersParts(
                store=STORE, register=self.register, version="1", session=self._new_id(), order=order,
                callable=frozenset(order), library=library, writing=journal, holdings=holdings, keys=keys,
                dial=lambda register: self._net.dial(self, register), listen=self._listen, renewals=renewals,
                now_s=self._now_s, now_ms=self.wall_ms, chance=chance, second_copy_s=SECOND_COPY_S, hq=reaches_hq,
                told_adopted=told_adopted, adopted_elsewhere=adopted_elsewhere, relayed=relayed,
                forked=lambda: audit.forked,
            )
        )  # fmt: skip
        adoption = Adoption(
            self.register, order, desk, library, journal, after_s=ADOPT_AFTER_S, now_s=self._now_s, now_ms=self.wall_ms
        )

        def notify() -> None:
            desk.notify()
            relayed()

        async def second_copy(at: Appended) -> None:
            await desk.copies.second(LogId(self.register, at.incarnation), at.last_seq)

        if journal.last_seq > 1:
            await desk.door.ask(ASK_S)
            await renewals.settle()
        till = self.till = Till(
            self.name, journal, self.pending, self._habits, chance, self._watch, wall_ms=self.wall_ms, now_s=self._now_s,
            new_id=self._new_id, second_copy=second_copy, notify=notify,
        )  # fmt: skip
        till.selling = self.selling
        await adoption.give_up(till.spool)
        self.desk = desk
        line = HqLine(self._hq, self._net, self.name, self.register, loop)
        audit = Audit(STORE, holdings.marks, library, lambda: desk.to_relay, line.exchange)
        self.hq_link = HqLink(
            journal, Selected(library, journal, lambda: desk.to_relay, lambda: desk.forked), HqConfig(), line, till,
            store=STORE, now_s=self._now_s, chance=chance,
            conflict=lambda log, reason: renewals.conflict(log, reason, "HQ"),
        )  # fmt: skip
        self._watch.said(self.name, f"runs, log {journal.incarnation[:6]} at {journal.last_seq}")
        loop.start(renewals.run(), "renewals")
        loop.start(desk.run(), "peers")
        loop.start(adoption.run(till.spool), "adoption")
        loop.start(self.hq_link.run(), "hq")
        loop.start(audit.run(), "audit")
        loop.start(Conflicts(holdings, line.exchange).run(), "conflicts")
        loop.start(till.spool.run(), "spool")
        loop.start(till.run(), "cashiers")

    async def _listen(self, serve: "Callable[[SimConnection], Awaitable[None]]") -> None:
        self.serve = serve
        await asyncio.Event().wait()
